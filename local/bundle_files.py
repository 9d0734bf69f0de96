"""Files that describe agents, tools and workflows: read together, and where things stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.bundles.imports import ImportedBundle, import_documents
from domain.bundles.model import KINDS, Bundle
from domain.bundles.yaml_json import DocumentError, ParsedDocument, parse_document
from domain.common.errors import InvalidInput
from domain.common.errors import Path as Way
from domain.common.findings import Finding

EXTENSIONS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A place in one of the files; without a line where that is not known."""

    file: str | None
    line: int | None
    path: Way

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}"
        return " ".join(part for part in (place, ".".join(self.path)) if part)


class BundleReadError(Exception):
    """The files make no bundle: why, and where."""

    def __init__(self, message: str, spot: SourceLocation) -> None:
        super().__init__(f"{spot}: {message}" if str(spot) else message)
        self.message = message
        self.location = spot


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """What was read, and the bundle that it makes."""

    documents: dict[str, ParsedDocument]
    imported: ImportedBundle

    @property
    def bundle(self) -> Bundle:
        return self.imported.bundle

    def note_location(self, path: Way) -> SourceLocation:
        return _locate(self.documents, path)

    def finding_location(self, slug: str, finding: Finding) -> SourceLocation:
        kind, *rest = finding.path or ("",)
        if kind not in ("agents", "tools") or not rest:
            kind, rest = "workflows", [slug, *finding.path]
        name, shown = rest[0], (kind, *rest)
        for file, document in self.documents.items():
            place = _index_of(document.value, kind, name)
            if place is not None:
                line = document.line_of((kind, place, *rest[1:]))
                return SourceLocation(file, line, shown)
        return SourceLocation(None, None, shown)


def read_files(given: Sequence[str]) -> BundleFiles:
    """`NotRead` for the first thing that is wrong."""
    documents: dict[str, ParsedDocument] = {}
    for path in _expand_paths(given):
        try:
            documents[str(path)] = parse_document(path.read_bytes())
        except DocumentError as problem:
            raise BundleReadError(problem.message, SourceLocation(str(path), None, ())) from None
        except OSError as problem:
            told = problem.strerror or "cannot be read"
            raise BundleReadError(told, SourceLocation(str(path), None, ())) from None
    try:
        imported = import_documents([document.value for document in documents.values()])
    except InvalidInput as problem:
        raise BundleReadError(problem.message, _locate(documents, problem.path)) from None
    return BundleFiles(documents, imported)


def _expand_paths(given: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for each in map(Path, given):
        if not each.is_dir():
            found.append(each)
            continue
        inside = sorted(p for p in each.rglob("*") if _is_bundle(p))
        if not inside:
            raise BundleReadError(
                f"no {', '.join(EXTENSIONS)} files here", SourceLocation(str(each), None, ())
            )
        found += inside
    return list(dict.fromkeys(found))


def _is_bundle(path: Path) -> bool:
    """Suites of simulations may lie beside them."""
    return path.suffix in EXTENSIONS and path.is_file() and ".suite." not in path.name


def _locate(documents: dict[str, ParsedDocument], path: Way) -> SourceLocation:
    """Of a path that begins with the number of the file."""
    if not path or not path[0].isdigit():
        return SourceLocation(None, None, path)
    file, document = list(documents.items())[int(path[0])]
    return SourceLocation(file, document.line_of(path[1:]), path[1:])


def _index_of(value: object, kind: str, name: str) -> str | None:
    """Where a file has the thing of that name."""
    listed = value.get(kind) if isinstance(value, dict) else None
    if kind not in KINDS or not isinstance(listed, list):
        return None
    key = "slug" if kind == "workflows" else "name"
    places = (str(n) for n, item in enumerate(listed) if _get_name(item, key) == name)
    return next(places, None)


def _get_name(item: object, key: str) -> object:
    return item.get(key) if isinstance(item, dict) else None
