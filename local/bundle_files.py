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
from domain.common.findings import Finding

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


class BundleReadError(Exception):
    """The files are not a valid bundle; the message says why and where."""

    def __init__(self, message: str, location: SourceLocation) -> None:
        super().__init__(f"{location}: {message}" if str(location) else message)
        self.message = message
        self.location = location


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
        if finding.path[:1] == ("settings",):
            return self._settings_location(finding.path)
        kind, *rest = finding.path or ("",)
        if kind not in ("agents", "tools") or not rest:
            kind, rest = "workflows", [slug, *finding.path]
        name, path = rest[0], (kind, *rest)
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
    """Read files and directories. Raises `BundleReadError` for the first error."""
    documents: dict[str, ParsedDocument] = {}
    for path in _expand_paths(files):
        try:
            documents[str(path)] = parse_document(path.read_bytes())
        except DocumentError as problem:
            raise BundleReadError(problem.message, SourceLocation(str(path), None, ())) from None
        except OSError as problem:
            reason = problem.strerror or "cannot be read"
            raise BundleReadError(reason, SourceLocation(str(path), None, ())) from None
    try:
        imported = import_documents([document.value for document in documents.values()])
    except InvalidInput as problem:
        raise BundleReadError(problem.message, _locate(documents, problem.path or ())) from None
    return BundleFiles(documents, imported)


def _expand_paths(files: Sequence[str]) -> list[Path]:
    expanded: list[Path] = []
    for path in map(Path, files):
        if not path.is_dir():
            expanded.append(path)
            continue
        contents = sorted(p for p in path.rglob("*") if _is_bundle(p))
        if not contents:
            raise BundleReadError(
                f"the directory contains no {', '.join(EXTENSIONS)} files",
                SourceLocation(str(path), None, ()),
            )
        expanded += contents
    return list(dict.fromkeys(expanded))


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
