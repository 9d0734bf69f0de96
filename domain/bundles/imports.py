"""Reads bundles and legacy configs, as text or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.bundles.import_report import ImportNote
from domain.bundles.legacy.convert import convert
from domain.bundles.legacy.detection import is_legacy
from domain.bundles.model import Bundle, merge_bundles, read_bundle
from domain.bundles.structuring import check_size, normalize_json
from domain.bundles.yaml_json import parse_document
from domain.common.errors import InvalidInput, Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBundle:
    """The imported bundle, and a note on each change that the conversion made."""

    bundle: Bundle
    notes: tuple[ImportNote, ...] = ()


def import_text(data: bytes | str) -> ImportedBundle:
    """Import the text of a file; raises only `InvalidInput`."""
    return import_value(parse_document(data).value)


def import_value(value: Any, path: Path = ()) -> ImportedBundle:
    """Import a JSON value; `InvalidInput` contains the path of the problem."""
    value = _normalize(value, path)
    if not is_legacy(value):
        return ImportedBundle(bundle=read_bundle(value, path))
    converted, notes = convert((value, path))
    return ImportedBundle(bundle=read_bundle(converted, path), notes=notes)


def import_documents(values: Sequence[Any]) -> ImportedBundle:
    """Import several files as one bundle; paths start with the index of the file. Legacy configs
    are converted together, because a tool may refer to an item in another file."""
    roots = [(_normalize(value, (str(n),)), (str(n),)) for n, value in enumerate(values)]
    legacy = [root for root in roots if is_legacy(root[0])]
    bundles = [read_bundle(value, path) for value, path in roots if not is_legacy(value)]
    if not legacy:
        return ImportedBundle(bundle=merge_bundles(bundles))
    converted, notes = convert(*legacy)
    try:
        bundles.append(read_bundle(converted))
    except InvalidInput as problem:
        raise InvalidInput(f"After conversion: {problem.message}", problem.path) from None
    return ImportedBundle(bundle=merge_bundles(bundles), notes=notes)


def _normalize(value: Any, path: Path) -> Any:
    return normalize_json(check_size(value, path), path)
