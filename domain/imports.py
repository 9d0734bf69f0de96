"""What others give us as a bundle: ours or an older config, as text or as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.bundles import Bundle, read_bundle
from domain.errors import Path
from domain.legacy import convert, is_legacy
from domain.notation import read_text
from domain.notes import ImportNote
from domain.shapes import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The bundle, and what had to be changed to make it one."""

    bundle: Bundle
    notes: tuple[ImportNote, ...] = ()


def import_(data: bytes | str) -> Imported:
    """Of a file. Raises `InvalidInput` and nothing else."""
    return import_value(read_text(data).value)


def import_value(value: Any, path: Path = ()) -> Imported:
    """Of plain JSON; `InvalidInput` names the place."""
    value = plain(value, path)
    if not is_legacy(value):
        return Imported(bundle=read_bundle(value, path))
    converted, notes = convert(value, path)
    return Imported(bundle=read_bundle(converted, path), notes=notes)
