"""What can be asked of a running call. The worker that holds it obeys, in order, once each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from domain.calls.model import CallId

CommandId = NewType("CommandId", UUID)

MAX_MESSAGE_LENGTH = 8_192


class CommandKind(StrEnum):
    """SEND_TEXT: a turn of the caller. END: hang up."""

    SEND_TEXT = "SEND_TEXT"
    END = "END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing asked of a call, by whom."""

    id: CommandId
    call_id: CallId
    kind: CommandKind
    body: Mapping[str, Any] = field(default_factory=dict)
    asked_by: str
