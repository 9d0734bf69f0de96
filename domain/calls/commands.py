"""Commands to a running call. The worker that holds the call handles each one once, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from domain.calls.model import Call, CallId, EndReason
from domain.tools.transfers import TransferMode, TransferTarget

CommandId = NewType("CommandId", UUID)

MAX_MESSAGE_LENGTH = 8_192


class CommandKind(StrEnum):
    """What a command does. SEND_TEXT: add a turn of the caller. END: end the call. TRANSFER: transfer
    the caller to another number."""

    SEND_TEXT = "SEND_TEXT"
    END = "END"
    TRANSFER = "TRANSFER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command to a call. `asked_by` is the subject of the viewer who sent it."""

    id: CommandId
    call_id: CallId
    kind: CommandKind
    body: Mapping[str, Any] = field(default_factory=dict)
    asked_by: str

    def end_reason_for(self, call: Call, *, is_answered: bool) -> EndReason:
        """Why the call ends with this END command."""
        if call.is_dialed and not is_answered:
            return EndReason.CANCELED
        by_caller = self.body.get("by_caller", False)
        return EndReason.HUNG_UP_BY_USER if by_caller else EndReason.ENDED_BY_API


def transfer_to_json(target: TransferTarget) -> Mapping[str, Any]:
    """The body of a TRANSFER command."""
    return {name: value for name, value in asdict(target).items() if value is not None}


def transfer_from_json(body: Mapping[str, Any]) -> TransferTarget:
    return TransferTarget(**{**body, "mode": TransferMode(body["mode"])})
