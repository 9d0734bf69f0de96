"""Files that describe agents, tools and workflows: read together, and where things stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.bundles.imports import Imported, import_together
from domain.bundles.model import KINDS, Bundle
from domain.bundles.yaml_json import Document, Unreadable, read_text
from domain.common.errors import InvalidInput
from domain.common.errors import Path as Way
from domain.common.findings import Finding

ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one of the files; without a line where that is not known."""

    file: str | None
    line: int | None
    path: Way

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}"
        return " ".join(part for part in (place, ".".join(self.path)) if part)


class NotRead(Exception):
    """The files make no bundle: why, and where."""

    def __init__(self, message: str, spot: Spot) -> None:
        super().__init__(f"{spot}: {message}" if str(spot) else message)
        self.message = message
        self.spot = spot


@dataclass(frozen=True, slots=True)
class Files:
    """What was read, and the bundle that it makes."""

    documents: dict[str, Document]
    imported: Imported

    @property
    def bundle(self) -> Bundle:
        return self.imported.bundle

    def of_note(self, path: Way) -> Spot:
        return _spot(self.documents, path)

    def of_finding(self, slug: str, finding: Finding) -> Spot:
        kind, *rest = finding.path or ("",)
        if kind not in ("agents", "tools") or not rest:
            kind, rest = "workflows", [slug, *finding.path]
        name, shown = rest[0], (kind, *rest)
        for file, document in self.documents.items():
            place = _place(document.value, kind, name)
            if place is not None:
                line = document.line_of((kind, place, *rest[1:]))
                return Spot(file, line, shown)
        return Spot(None, None, shown)


def read_files(given: Sequence[str]) -> Files:
    """`NotRead` for the first thing that is wrong."""
    documents: dict[str, Document] = {}
    for path in _listed(given):
        try:
            documents[str(path)] = read_text(path.read_bytes())
        except Unreadable as problem:
            raise NotRead(problem.message, Spot(str(path), None, ())) from None
        except OSError as problem:
            told = problem.strerror or "cannot be read"
            raise NotRead(told, Spot(str(path), None, ())) from None
    try:
        imported = import_together([document.value for document in documents.values()])
    except InvalidInput as problem:
        raise NotRead(problem.message, _spot(documents, problem.path)) from None
    return Files(documents, imported)


def _listed(given: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for each in map(Path, given):
        if not each.is_dir():
            found.append(each)
            continue
        inside = sorted(p for p in each.rglob("*") if _is_bundle(p))
        if not inside:
            raise NotRead(f"no {', '.join(ENDINGS)} files here", Spot(str(each), None, ()))
        found += inside
    return list(dict.fromkeys(found))


def _is_bundle(path: Path) -> bool:
    """Suites of simulations may lie beside them."""
    return path.suffix in ENDINGS and path.is_file() and ".suite." not in path.name


def _spot(documents: dict[str, Document], path: Way) -> Spot:
    """Of a path that begins with the number of the file."""
    if not path or not path[0].isdigit():
        return Spot(None, None, path)
    file, document = list(documents.items())[int(path[0])]
    return Spot(file, document.line_of(path[1:]), path[1:])


def _place(value: object, kind: str, name: str) -> str | None:
    """Where a file has the thing of that name."""
    listed = value.get(kind) if isinstance(value, dict) else None
    if kind not in KINDS or not isinstance(listed, list):
        return None
    key = "slug" if kind == "workflows" else "name"
    places = (str(n) for n, item in enumerate(listed) if _named(item, key) == name)
    return next(places, None)


def _named(item: object, key: str) -> object:
    return item.get(key) if isinstance(item, dict) else None
