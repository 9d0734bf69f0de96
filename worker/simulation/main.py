"""`./studio simulate`: play suites of simulations and tell what did not happen as expected.

Ends with 0 when all went well, 1 when a case failed, 2 when something cannot be read or played."""

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
from domain.common.errors import InvalidInput, InvalidSetting
from domain.common.findings import Severity
from domain.common.settings import Settings
from domain.providers.catalog import provider_names
from domain.providers.model import ProviderKind
from domain.simulations.model import Case, Suite
from domain.simulations.suites import read_suite
from domain.workflows.agents import ProviderChoice
from worker.providers.api_keys import ProviderKeys, ProviderMisconfigured
from worker.simulation.judges import Judgment, run_judges
from worker.simulation.reports import CaseResult, ResultPrinter, as_json, as_junit
from worker.simulation.runner import SimulationSetup, run_case

SUITE_PATTERNS = ("*.suite.yaml", "*.suite.yml", "*.suite.json")


class SimulationError(Exception):
    """The words say what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A suite, the file it came from, and the parts that its bundles hold."""

    file: Path
    suite: Suite
    bundle: Bundle


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    # What models get wrong is recorded as events, and needs no second telling.
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
    keys = ProviderKeys.from_settings(settings)
    turns = asyncio.Semaphore(args.parallel)
    screen = ResultPrinter(sys.stderr if args.json else sys.stdout)

    async def one(loaded: LoadedSuite, case: Case) -> CaseResult:
        async with turns:
            return await _run_one(loaded, case, args, keys)

    began = time.monotonic()
    chosen = [(s, c) for s in suites for c in s.suite.cases if args.only in c.name]
    if not chosen:
        raise SimulationError(f"No case has {args.only!r} in its name.")
    for loaded in suites:
        _require_valid_workflows(loaded)
    running = [asyncio.create_task(one(loaded, case)) for loaded, case in chosen]
    results = []
    for task in running:
        results.append(await task)
        screen.print_result(results[-1])
    screen.print_summary(results, time.monotonic() - began)
    return results


async def _run_one(
    loaded: LoadedSuite, case: Case, args: argparse.Namespace, keys: ProviderKeys
) -> CaseResult:
    snapshot = loaded.bundle.snapshot(case.workflow)
    if snapshot is None:
        raise SimulationError(
            f"{loaded.file}: {case.name}: no bundle has the workflow {case.workflow!r}"
        )
    settings = loaded.bundle.settings
    stage = SimulationSetup(
        snapshot=snapshot,
        keys=keys if args.live or args.model else ProviderKeys(),
        model=args.model or loaded.suite.model,
    )
    if settings is not None:
        stage = replace(stage, settings=settings)
    began = time.monotonic()
    played = await run_case(case, stage)
    judgments: list[Judgment] = []
    if args.judge and loaded.suite.judges:
        judgments = await run_judges(loaded.suite.judges, played.history, args.judge, keys)
    return CaseResult(
        file=str(loaded.file),
        suite=loaded.suite.name,
        run=played,
        judgments=tuple(judgments),
        seconds=time.monotonic() - began,
    )


# ---- reading --------------------------------------------------------------------------------


def _find_suites(paths: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for name in paths:
        path = Path(name)
        inside = [file for pattern in SUITE_PATTERNS for file in path.rglob(pattern)]
        found.extend(sorted(inside) if path.is_dir() else [path])
        if path.is_dir() and not inside:
            raise SimulationError(
                f"{path} holds no suites: files named {', '.join(SUITE_PATTERNS)}"
            )
    return found


def _load_suite(file: Path, extra_bundles: Sequence[str]) -> LoadedSuite:
    plain, where = _read_document(file)
    try:
        suite = read_suite(plain, file.name.split(".")[0])
    except InvalidInput as problem:
        raise SimulationError(where(problem)) from None
    bundles = [file.parent / name for name in suite.bundles] + [
        Path(name) for name in extra_bundles
    ]
    if not bundles:
        raise SimulationError(f"{file}: name the bundle of its workflows: bundle: clinic.yaml")
    return LoadedSuite(file, suite, _load_bundle(bundles))


def _load_bundle(files: Sequence[Path]) -> Bundle:
    parts = []
    for file in files:
        plain, where = _read_document(file)
        try:
            parts.append(import_value(plain).bundle)
        except InvalidInput as problem:
            raise SimulationError(where(problem)) from None
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

    def where(problem: InvalidInput) -> str:
        line = document.line_of(problem.path)
        place = f"{file}:{line}" if line else str(file)
        return f"{place}: {'.'.join(problem.path)}: {problem.message}"

    return document.value, where


def _require_valid_workflows(loaded: LoadedSuite) -> None:
    wanted = {case.workflow for case in loaded.suite.cases}
    for slug, finding in verify_bundle(loaded.bundle):
        if slug in wanted and finding.severity is Severity.ERROR:
            raise SimulationError(
                f"{loaded.file}: the workflow {slug} is not sound: {finding.message} "
                "./studio verify tells all."
            )


def _parse_choice(text: str) -> ProviderChoice:
    provider, _, model = text.partition("/")
    known = provider_names(ProviderKind.LLM)
    if provider not in known:
        raise argparse.ArgumentTypeError(f"provider/model; providers are {', '.join(known)}")
    return ProviderChoice(provider=provider, model=model)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./studio simulate", description=__doc__)
    add = parser.add_argument
    add("suites", nargs="+", help="files, or folders with *.suite.yaml in them")
    add("--bundle", action="append", default=[], help="a bundle, besides those of the suites")
    add("--only", default="", metavar="TEXT", help="only cases with this in their names")
    add("--model", type=_parse_choice, metavar="PROVIDER/MODEL", help="plays all agents")
    add("--judge", type=_parse_choice, metavar="PROVIDER/MODEL", help="asks the suites' judges")
    add("--live", action="store_true", help="with the keys of models in the environment")
    add("--parallel", type=int, default=8, metavar="N", help="cases at once (8)")
    add("--junit", metavar="FILE", help="write a JUnit report")
    add("--json", action="store_true", help="one JSON object on standard output")
    return parser
