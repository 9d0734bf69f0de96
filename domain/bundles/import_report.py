"""The report of an import."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.common.errors import Path


class NoteKind(StrEnum):
    """What an import did with an item or a value."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    CONVERTED = "CONVERTED"
    DROPPED = "DROPPED"


class SettingsImport(StrEnum):
    """What an import does with the settings in the bundle."""

    OVERRIDE = "OVERRIDE"
    ADD = "ADD"
    IGNORE = "IGNORE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNote:
    """One line of an import report; `path` refers to the imported input."""

    path: Path
    kind: NoteKind
    message: str
