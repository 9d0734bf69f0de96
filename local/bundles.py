"""`./studio verify`, `export` and `import`: agents, tools and workflows as files.

`verify` needs only the files; `export` and `import` use the public API."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.bundles.import_report import SettingsImport
from domain.bundles.model import verify_bundle, write_bundle
from domain.common.command_line import CommandLine
from domain.common.errors import NotConvertible
from domain.common.findings import Finding, Severity
from local.bundle_files import (
    BundleFiles,
    BundleReadError,
    ReadProblem,
    SourceLocation,
    read_files,
)
from local.bundle_import import import_bundle
from local.client import ApiError, StudioClient
from local.state_dir import PROGRAM

Json = dict[str, Any]

EXPORT = "query ($workflows: [String!]) { exportBundle(workflows: $workflows) { %s } }"
UNREPORTED_KIND = "UNCHANGED"


def verify(options: argparse.Namespace) -> int:
    files = read_files(options.files)
    findings = _conversion_findings(files) + verify_bundle(files.bundle)
    located = [(files.finding_location(slug, finding), slug, finding) for slug, finding in findings]
    errors = sum(finding.severity is Severity.ERROR for _, finding in findings)
    if options.json:
        as_json = [_finding_json(location, slug, finding) for location, slug, finding in located]
        _print_json(ok=not errors, findings=as_json, notes=_notes(files))
        return int(errors > 0)
    _print_notes(files)
    for location, _, finding in located:
        _print_finding(str(location), finding.severity, finding.code, finding.message, finding.fix)
    warnings = len(findings) - errors
    print(f"{_contents(files)}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return int(errors > 0)


def _conversion_findings(files: BundleFiles) -> tuple[tuple[str, Finding], ...]:
    return tuple(("", finding) for finding in files.imported.findings)


def export(options: argparse.Namespace) -> int:
    format = "json" if options.json or (options.output or "").endswith(".json") else "yaml"
    answer = asyncio.run(
        _client_from_env().execute(EXPORT % format, {"workflows": options.workflows or None})
    )
    text = answer["exportBundle"][format]
    if format == "json":
        text = f"{json.dumps(text, indent=2, ensure_ascii=False)}\n"
    if options.output:
        Path(options.output).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


def import_files(options: argparse.Namespace) -> int:
    files = read_files(options.files)
    if files.imported.findings:
        return _refuse_conversion(files, options.json)
    answer = asyncio.run(
        import_bundle(
            _client_from_env(),
            write_bundle(files.bundle),
            publish=options.publish,
            dry_run=options.dry_run,
            settings=SettingsImport(options.settings.upper()),
        )
    )
    if options.json:
        _print_json(**answer, notes=_notes(files))
        return int("message" in answer)
    _print_notes(files)
    for finding in answer.get("findings", ()):
        path = ".".join(finding["path"])
        severity, code = finding["severity"], finding["code"]
        _print_finding(path, severity, code, finding["message"], finding["fix"])
    if "message" in answer:
        outcome = "not imported completely" if "incomplete" in answer else "nothing was changed"
        print(f"{outcome}: {answer['message']} ({answer['code']})", file=sys.stderr)
        return 1
    if not answer.get("verified", True):
        print(
            "The workflows were not verified, because the files are larger than a request. Verify "
            f"them with {PROGRAM} verify.",
            file=sys.stderr,
        )
    _print_report(answer)
    return 0


def _refuse_conversion(files: BundleFiles, as_json: bool) -> int:
    located = [(files.finding_location("", f), f) for f in files.imported.findings]
    message = f"{_count(len(located), 'part')} of the files cannot be converted."
    if as_json:
        findings = [_finding_json(location, "", finding) for location, finding in located]
        _print_json(message=message, code=NotConvertible.code, findings=findings)
        return 1
    _print_notes(files)
    for location, finding in located:
        _print_finding(str(location), finding.severity, finding.code, finding.message, finding.fix)
    print(f"nothing was changed: {message} ({NotConvertible.code})", file=sys.stderr)
    return 1


def _print_report(answer: Json) -> None:
    kinds = [note["kind"] for note in answer["report"]]
    for note in answer["report"]:
        if note["kind"] != UNREPORTED_KIND:
            print(f"{note['kind'].lower():<10} {'.'.join(note['path'])}: {note['message']}")
    published = [version["id"] for version in answer["versions"]]
    for workflow in answer["workflows"]:
        if (version := workflow["published"]) and version["id"] in published:
            print(f"published  {workflow['slug']} version {version['number']}")
    counts = ", ".join(f"{kinds.count(kind)} {kind.lower()}" for kind in dict.fromkeys(kinds))
    print(f"{'dry run: ' if answer['dryRun'] else ''}{counts or 'nothing to import'}")


def _print_notes(files: BundleFiles) -> None:
    for note in files.imported.notes:
        print(f"{note.kind.lower():<10} {files.note_location(note.path)}: {note.message}")


def _print_finding(location: str, severity: str, code: str, message: str, fix: str) -> None:
    print(f"{location}\n  {severity.lower()} {code}: {message}\n  fix: {fix}")


def _finding_json(location: SourceLocation, slug: str, finding: Finding) -> Json:
    return {
        "file": location.file,
        "line": location.line,
        "workflow": slug or None,
        "path": list(location.path),
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "fix": finding.fix,
    }


def _problem_json(problem: ReadProblem) -> Json:
    location = problem.location
    return {
        "file": location.file,
        "line": location.line,
        "path": list(location.path),
        "message": problem.message,
    }


def _notes(files: BundleFiles) -> list[Json]:
    located = [(note, files.note_location(note.path)) for note in files.imported.notes]
    return [
        {
            "file": location.file,
            "line": location.line,
            "path": list(location.path),
            "kind": note.kind,
            "message": note.message,
        }
        for note, location in located
    ]


def _contents(files: BundleFiles) -> str:
    bundle = files.bundle
    parts = (
        _count(len(bundle.workflows), "workflow"),
        _count(len(bundle.agents), "agent"),
        _count(len(bundle.tools), "tool"),
    )
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _print_json(**fields: Any) -> None:
    print(json.dumps(fields, ensure_ascii=False))


def _client_from_env() -> StudioClient:
    url, token = os.environ.get("STUDIO_URL", ""), os.environ.get("STUDIO_TOKEN", "")
    if not url:
        raise ApiError(f"no studio is running on this machine; start one with {PROGRAM} up")
    if not token:
        raise ApiError("STUDIO_URL needs STUDIO_TOKEN: an access token or API key of that studio")
    return StudioClient(url, token)


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "verify": verify,
    "export": export,
    "import": import_files,
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse(arguments)
    try:
        return COMMANDS[options.command](options)
    except BundleReadError as error:
        if getattr(options, "json", False):
            problems = [_problem_json(problem) for problem in error.problems]
            _print_json(ok=False, error=problems[0], errors=problems)
        else:
            print(error, file=sys.stderr)
        return 2
    except (ApiError, TimeoutError, OSError) as problem:
        no_answer = f"{os.environ.get('STUDIO_URL')} did not answer; is it running?"
        print(str(problem) or no_answer, file=sys.stderr)
        return 1


def _parser() -> CommandLine:
    parser = CommandLine(prog=PROGRAM)
    commands = parser.add_subparsers(dest="command", required=True)
    files = {"nargs": "+", "metavar": "FILE", "help": "YAML or JSON file, or a directory of them"}

    def command(name: str, help: str) -> Callable[..., argparse.Action]:
        return commands.add_parser(name, help=help, description=help).add_argument

    json_help = "machine-readable output: one JSON object"
    add = command(
        "verify", "check files without a server; exit code 1 for errors, 2 for unreadable files"
    )
    add("files", **files)
    add("--json", action="store_true", help=json_help)
    add = command("export", "write agents, tools and workflows as YAML")
    add(
        "workflows",
        nargs="*",
        metavar="WORKFLOW",
        help="export only these workflows and the agents, tools and settings that they use "
        "(default: everything)",
    )
    add("-o", "--output", metavar="FILE", help="write to this file; .json for JSON")
    add("--json", action="store_true", help="write JSON instead of YAML")
    add = command("import", "import files, all of them or none; safe to repeat")
    add("files", **files)
    add("--publish", action="store_true", help="publish each workflow that has changed")
    add("--dry-run", action="store_true", help="report what would change without changing it")
    add(
        "--settings",
        choices=[each.value.lower() for each in SettingsImport],
        default=SettingsImport.OVERRIDE.value.lower(),
        help="what to do with the settings in the files: let them override those of the studio "
        "(default), add only what the studio does not have, or ignore them",
    )
    add("--json", action="store_true", help=json_help)
    return parser


if __name__ == "__main__":
    sys.exit(main())
