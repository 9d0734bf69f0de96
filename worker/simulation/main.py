"""`./studio simulate`: run suites of simulated conversations and report every failed expectation.

Exits with 0 when all cases passed, 1 when a case failed, 2 when something cannot be read or run."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domain.bundles.imports import import_value
from domain.bundles.model import Bundle, merge_bundles, verify_bundle
from domain.bundles.yaml_json import parse_document
from domain.common.command_line import CommandLine
from domain.common.errors import DomainError, InvalidInput, InvalidSetting
from domain.common.findings import Severity
from domain.common.settings import Settings
from domain.providers.catalog import provider_names
from domain.providers.model import ProviderKind
from domain.simulations.model import Case, Suite
from domain.simulations.suites import read_suite
from domain.tenants.provider_keys import ProviderKeys, ProviderMisconfigured
from domain.workflows.agents import ProviderChoice
from worker.simulation.judges import Judgment, run_judges
from worker.simulation.reports import CaseResult, ResultPrinter, as_json, as_junit
from worker.simulation.runner import SimulationSetup, run_case

SUITE_PATTERNS = ("*.suite.yaml", "*.suite.yml", "*.suite.json")


class SimulationError(Exception):
    """The suites cannot be run; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A suite, the file it was read from, and its merged bundles."""

    file: Path
    suite: Suite
    bundle: Bundle


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse(argv)
    # Errors of models are recorded as events, so they need not be logged as well.
    logging.disable(logging.ERROR)
    try:
        settings = Settings.from_env(os.environ)
        suites = [_load_suite(file, args.bundle) for file in _find_suites(args.suites)]
        results = asyncio.run(_run_all(suites, args, settings))
    except (SimulationError, InvalidSetting, ProviderMisconfigured) as problem:
        print(problem, file=sys.stderr)
        return 2
    if args.junit:
        Path(args.junit).write_text(as_junit(results))
    if args.json:
        print(json.dumps(as_json(results), ensure_ascii=False))
    return 0 if all(result.ok for result in results) else 1


async def _run_all(
    suites: Sequence[LoadedSuite], args: argparse.Namespace, settings: Settings
) -> list[CaseResult]:
    keys = await _keys(args, settings)
    slots = asyncio.Semaphore(args.parallel)
    printer = ResultPrinter(sys.stderr if args.json else sys.stdout)

    async def run_in_slot(loaded: LoadedSuite, case: Case) -> CaseResult:
        async with slots:
            return await _run_one(loaded, case, args, keys)

    started_at = time.monotonic()
    selected = [(s, c) for s in suites for c in s.suite.cases if args.only in c.name]
    if not selected:
        raise SimulationError(f"No case has {args.only!r} in its name.")
    for loaded in suites:
        _require_valid_workflows(loaded)
    tasks = [asyncio.create_task(run_in_slot(loaded, case)) for loaded, case in selected]
    results = []
    for task in tasks:
        results.append(await task)
        printer.print_result(results[-1])
    printer.print_summary(results, time.monotonic() - started_at)
    return results


async def _keys(args: argparse.Namespace, settings: Settings) -> ProviderKeys:
    """The operator's keys, which those of the tenant replace as in its calls."""
    keys = ProviderKeys.from_settings(settings)
    if args.tenant is None:
        return keys
    from persistence.tenant_credentials import read_tenant_credentials  # few need the database

    try:
        return keys.with_tenant_credentials(await read_tenant_credentials(settings, args.tenant))
    except DomainError as problem:
        raise SimulationError(problem.message) from None


async def _run_one(
    loaded: LoadedSuite, case: Case, args: argparse.Namespace, keys: ProviderKeys
) -> CaseResult:
    snapshot = loaded.bundle.snapshot(case.workflow)
    if snapshot is None:
        raise SimulationError(
            f"{loaded.file}: {case.name}: no bundle contains the workflow {case.workflow!r}"
        )
    settings = loaded.bundle.settings
    setup = SimulationSetup(
        snapshot=snapshot,
        keys=keys if args.live or args.model or args.tenant else ProviderKeys(),
        model=args.model or loaded.suite.model,
    )
    if settings is not None:
        setup = replace(setup, settings=settings)
    started_at = time.monotonic()
    run = await run_case(case, setup)
    judgments: list[Judgment] = []
    if args.judge and loaded.suite.judges:
        judgments = await run_judges(loaded.suite.judges, run.history, args.judge, keys)
    return CaseResult(
        file=str(loaded.file),
        suite=loaded.suite.name,
        run=run,
        judgments=tuple(judgments),
        seconds=time.monotonic() - started_at,
    )


# ---- reading --------------------------------------------------------------------------------


def _find_suites(paths: Sequence[str]) -> list[Path]:
    files: list[Path] = []
    for name in paths:
        path = Path(name)
        inside = [file for pattern in SUITE_PATTERNS for file in path.rglob(pattern)]
        files.extend(sorted(inside) if path.is_dir() else [path])
        if path.is_dir() and not inside:
            raise SimulationError(
                f"{path} contains no suites; their files match {', '.join(SUITE_PATTERNS)}"
            )
    return files


def _load_suite(file: Path, extra_bundles: Sequence[str]) -> LoadedSuite:
    value, describe = _read_document(file)
    try:
        suite = read_suite(value, file.name.split(".")[0])
    except InvalidInput as problem:
        raise SimulationError(describe(problem)) from None
    bundles = [file.parent / name for name in suite.bundles] + [
        Path(name) for name in extra_bundles
    ]
    if not bundles:
        raise SimulationError(
            f"{file}: name the bundle with its workflows, such as `bundle: clinic.yaml`"
        )
    return LoadedSuite(file, suite, _load_bundle(bundles))


def _load_bundle(files: Sequence[Path]) -> Bundle:
    parts = []
    for file in files:
        value, describe = _read_document(file)
        try:
            imported = import_value(value)
        except InvalidInput as problem:
            raise SimulationError(describe(problem)) from None
        if imported.findings:
            first = imported.findings[0]
            raise SimulationError(describe(InvalidInput(first.message, first.path)))
        parts.append(imported.bundle)
    try:
        return merge_bundles(parts)
    except InvalidInput as problem:
        raise SimulationError(f"{', '.join(map(str, files))}: {problem.message}") from None


def _read_document(file: Path) -> tuple[Any, Callable[[InvalidInput], str]]:
    try:
        document = parse_document(file.read_bytes())
    except OSError as problem:
        raise SimulationError(f"{file}: {problem.strerror}") from None
    except InvalidInput as problem:
        raise SimulationError(f"{file}: {problem.message}") from None

    def describe(problem: InvalidInput) -> str:
        path = problem.path or ()
        line = document.line_of(path)
        location = f"{file}:{line}" if line else str(file)
        return f"{location}: {'.'.join(path)}: {problem.message}"

    return document.value, describe


def _require_valid_workflows(loaded: LoadedSuite) -> None:
    used = {case.workflow for case in loaded.suite.cases}
    for slug, finding in verify_bundle(loaded.bundle):
        if slug in used and finding.severity is Severity.ERROR:
            raise SimulationError(
                f"{loaded.file}: the workflow {slug} is not valid: {finding.message} "
                "Run ./studio verify to see all findings."
            )


def _parse_choice(text: str) -> ProviderChoice:
    provider, _, model = text.partition("/")
    known = provider_names(ProviderKind.LLM)
    if provider not in known:
        raise argparse.ArgumentTypeError(
            f"expected provider/model; the providers are {', '.join(known)}"
        )
    return ProviderChoice(provider=provider, model=model)


def _parser() -> CommandLine:
    parser = CommandLine(prog="./studio simulate", description=__doc__)
    add = parser.add_argument
    add("suites", nargs="+", help="suite files, or folders with *.suite.yaml files")
    add("--bundle", action="append", default=[], help="add a bundle to those of the suites")
    add("--only", default="", metavar="TEXT", help="run only the cases with TEXT in their names")
    model = "PROVIDER/MODEL"
    add("--model", type=_parse_choice, metavar=model, help="use this model for all agents")
    add("--judge", type=_parse_choice, metavar=model, help="run the suites' judges on this model")
    add("--live", action="store_true", help="use the API keys of models in the environment")
    add("--tenant", metavar="SLUG", help="use the keys and servers that this tenant has set")
    add("--parallel", type=int, default=8, metavar="N", help="run N cases at once (default: 8)")
    add("--junit", metavar="FILE", help="write a JUnit report to FILE")
    add("--json", action="store_true", help="print one JSON object to standard output")
    return parser
