"""Reads bundles and legacy configs, as text or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.bundles.foreign_formats import check_format
from domain.bundles.import_report import ImportNote
from domain.bundles.legacy.convert import Conversion, convert
from domain.bundles.legacy.detection import is_legacy
from domain.bundles.model import KINDS, Bundle, merge_bundles, read_bundle
from domain.bundles.structuring import check_size, normalize_json
from domain.bundles.yaml_json import parse_document
from domain.common.errors import InvalidInput, Path, Problem
from domain.common.findings import Finding
from domain.common.problems import raise_all

Root = tuple[Any, Path]
"""A JSON value, and the path to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBundle:
    """The imported bundle, and what the conversion did: a note on each change, and a finding on
    each part that it could not read and that has an effect on calls."""

    bundle: Bundle
    notes: tuple[ImportNote, ...] = ()
    findings: tuple[Finding, ...] = ()
    sources: Mapping[tuple[str, str], Path] = field(default_factory=dict)
    """Where converted agents, tools and workflows come from, by kind and name."""


def import_text(data: bytes | str) -> ImportedBundle:
    """Import the text of a file; raises only `InvalidInput`."""
    return import_value(parse_document(data).value)


def import_value(value: Any, path: Path = ()) -> ImportedBundle:
    """Import a JSON value; `InvalidInput` contains the paths of all problems."""
    return _import([(value, path)], path)


def import_documents(values: Sequence[Any]) -> ImportedBundle:
    """Import several files as one bundle; paths start with the index of the file."""
    return _import([(value, (str(n),)) for n, value in enumerate(values)], ())


def _import(roots: Sequence[Root], path: Path) -> ImportedBundle:
    """Import all roots. Legacy configs are converted together, because a tool may refer to an item
    in another file."""
    problems: list[Problem] = []
    bundles: list[Bundle] = []
    legacy: list[Root] = []
    for value, here in roots:
        try:
            normalized = normalize_json(check_size(value, here), here)
            check_format(normalized, here)
            if is_legacy(normalized):
                legacy.append((normalized, here))
            else:
                bundles.append(read_bundle(normalized, here))
        except InvalidInput as problem:
            problems += problem.problems
    if not legacy:
        raise_all(problems)
        return ImportedBundle(bundle=merge_bundles(bundles))
    conversion = convert(*legacy)
    try:
        bundles.append(read_bundle(conversion.value, path))
    except InvalidInput as problem:
        unreadable = [_at_source(each, conversion, path) for each in problem.problems]
        problems += [InvalidInput(f.message, f.path) for f in conversion.findings] + unreadable
    raise_all(problems)
    return ImportedBundle(
        bundle=merge_bundles(bundles),
        notes=conversion.notes,
        findings=conversion.findings,
        sources=_sources_by_name(conversion),
    )


def _at_source(problem: Problem, conversion: Conversion, path: Path) -> InvalidInput:
    """The problem of a converted item, at the place that the item comes from."""
    kind, index, *rest = (*(problem.path or ())[len(path) :], "", "")
    where = problem.path
    if kind in KINDS and index.isdigit():
        where = (*conversion.sources[kind][int(index)], *filter(None, rest))
    elif kind == "settings":
        # Converted settings have another structure, so only their beginning is known.
        [where] = conversion.sources[kind]
    return InvalidInput(f"After conversion: {problem.message}", where)


def _sources_by_name(conversion: Conversion) -> Mapping[tuple[str, str], Path]:
    return {
        (kind, item["slug" if kind == "workflows" else "name"]): source
        for kind in KINDS
        for item, source in zip(
            conversion.value.get(kind, ()), conversion.sources[kind], strict=True
        )
    }
