"""What verification has to say about a workflow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """ERROR stops publishing; WARNING does not."""

    ERROR = "ERROR"
    WARNING = "WARNING"


class FindingCode(StrEnum):
    """What is wrong, as a stable name. `docs/findings.md` has an example of each."""

    NO_ENTRY = "NO_ENTRY"
    MANY_ENTRIES = "MANY_ENTRIES"
    NO_EXIT = "NO_EXIT"
    DUPLICATE_NODE = "DUPLICATE_NODE"
    UNKNOWN_AGENT = "UNKNOWN_AGENT"
    UNKNOWN_TOOL = "UNKNOWN_TOOL"
    UNKNOWN_PROVIDER = "UNKNOWN_PROVIDER"
    NO_MODEL = "NO_MODEL"
    UNKNOWN_NODE = "UNKNOWN_NODE"
    UNREACHABLE_NODE = "UNREACHABLE_NODE"
    DEAD_END = "DEAD_END"
    DUPLICATE_CONNECTION = "DUPLICATE_CONNECTION"
    TOOL_NAME_CLASH = "TOOL_NAME_CLASH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, where, and how to mend it."""

    code: FindingCode
    severity: Severity
    path: tuple[str, ...]
    message: str
    fix: str
