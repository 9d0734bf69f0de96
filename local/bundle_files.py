"""Read several files of agents, tools and workflows as one bundle, and locate errors in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.bundles.imports import ImportedBundle, import_documents
from domain.bundles.model import KINDS, Bundle
from domain.bundles.yaml_json import DocumentError, ParsedDocument, parse_document
from domain.common.errors import InvalidInput
from domain.common.errors import Path as InputPath
from domain.common.findings import Finding, FindingCode

EXTENSIONS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A position in one of the files. `file` and `line` are None where they are unknown."""

    file: str | None
    line: int | None
    path: InputPath

    def __str__(self) -> str:
        position = self.file or ""
        if self.line is not None:
            position += f":{self.line}"
        return " ".join(part for part in (position, ".".join(self.path)) if part)


@dataclass(frozen=True, slots=True)
class ReadProblem:
    """One reason why the files are not a valid bundle, and where it is."""

    message: str
    location: SourceLocation

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if str(self.location) else self.message


class BundleReadError(Exception):
    """The files are not a valid bundle; the problems say why and where."""

    def __init__(self, problems: Sequence[ReadProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """The parsed documents by file name, and the bundle that they form."""

    documents: dict[str, ParsedDocument]
    imported: ImportedBundle

    @property
    def bundle(self) -> Bundle:
        return self.imported.bundle

    def note_location(self, path: InputPath) -> SourceLocation:
        return _locate(self.documents, path)

    def finding_location(self, slug: str, finding: Finding) -> SourceLocation:
        if finding.code is FindingCode.NOT_CONVERTED:
            return _locate(self.documents, finding.path)
        if finding.path[:1] == ("settings",):
            return self._settings_location(finding.path)
        kind, *rest = finding.path or ("",)
        if kind not in ("agents", "tools") or not rest:
            kind, rest = "workflows", [slug, *finding.path]
        name, path = rest[0], (kind, *rest)
        if source := self.imported.sources.get((kind, name)):
            return _locate(self.documents, (*source, *rest[1:]))
        for file, document in self.documents.items():
            index = _index_of(document.value, kind, name)
            if index is not None:
                line = document.line_of((kind, index, *rest[1:]))
                return SourceLocation(file, line, path)
        return SourceLocation(None, None, path)

    def _settings_location(self, path: InputPath) -> SourceLocation:
        for file, document in self.documents.items():
            if isinstance(document.value, dict) and "settings" in document.value:
                return SourceLocation(file, document.line_of(path), path)
        return SourceLocation(None, None, path)


def read_files(files: Sequence[str]) -> BundleFiles:
    """Read files and directories. Raises `BundleReadError` with all problems."""
    paths, problems = _expand_paths(files)
    documents: dict[str, ParsedDocument] = {}
    for path in paths:
        try:
            documents[str(path)] = parse_document(path.read_bytes())
        except DocumentError as problem:
            problems.append(_file_problem(path, problem.message))
        except OSError as problem:
            problems.append(_file_problem(path, problem.strerror or "cannot be read"))
    if problems:
        raise BundleReadError(problems)
    try:
        imported = import_documents([document.value for document in documents.values()])
    except InvalidInput as error:
        raise BundleReadError(_located(error, documents)) from None
    return BundleFiles(documents, imported)


def _located(error: InvalidInput, documents: dict[str, ParsedDocument]) -> list[ReadProblem]:
    """The problems in the order of the files and lines."""
    problems = [ReadProblem(p.message, _locate(documents, p.path or ())) for p in error.problems]
    files = list(documents)
    return sorted(
        problems,
        key=lambda p: (
            files.index(p.location.file) if p.location.file else len(files),
            p.location.line or 0,
        ),
    )


def _file_problem(path: Path, message: str) -> ReadProblem:
    return ReadProblem(message, SourceLocation(str(path), None, ()))


def _expand_paths(files: Sequence[str]) -> tuple[list[Path], list[ReadProblem]]:
    expanded: list[Path] = []
    problems: list[ReadProblem] = []
    for path in map(Path, files):
        if not path.is_dir():
            expanded.append(path)
            continue
        contents = sorted(p for p in path.rglob("*") if _is_bundle(p))
        if not contents:
            message = f"the directory contains no {', '.join(EXTENSIONS)} files"
            problems.append(_file_problem(path, message))
        expanded += contents
    return list(dict.fromkeys(expanded)), problems


def _is_bundle(path: Path) -> bool:
    """Simulation suites may be in the same directory; they are skipped."""
    return path.suffix in EXTENSIONS and path.is_file() and ".suite." not in path.name


def _locate(documents: dict[str, ParsedDocument], path: InputPath) -> SourceLocation:
    """Locate a path whose first segment is the index of the document."""
    if not path or not path[0].isdigit():
        return SourceLocation(None, None, path)
    file, document = list(documents.items())[int(path[0])]
    return SourceLocation(file, document.line_of(path[1:]), path[1:])


def _index_of(value: object, kind: str, name: str) -> str | None:
    """The index of the item with that name; None if this document does not define it."""
    items = value.get(kind) if isinstance(value, dict) else None
    if kind not in KINDS or not isinstance(items, list):
        return None
    key = "slug" if kind == "workflows" else "name"
    indexes = (str(n) for n, item in enumerate(items) if _get_name(item, key) == name)
    return next(indexes, None)


def _get_name(item: object, key: str) -> object:
    return item.get(key) if isinstance(item, dict) else None
