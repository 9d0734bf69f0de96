"""What an import has to report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.common.errors import Path


class NoteKind(StrEnum):
    """What an import did with something."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    CONVERTED = "CONVERTED"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNote:
    """One line of the report of an import; `path` leads into what was given."""

    path: Path
    kind: NoteKind
    message: str
