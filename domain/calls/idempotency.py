"""Idempotency keys, by which servers recognise that a tool repeats a request.

A worker that takes over a call may repeat what the previous one has already sent. The key is
therefore derived from the log alone: the call, the caller's turn in which the tool call starts, the
tool, its arguments, and how many identical tool calls started earlier in that turn. A repeated turn
yields the same key; another tool, other arguments, or a further identical tool call yields another.

A tool call whose outcome is unknown is repeated by the next identical one, in whatever turn: the
server answers from the key if it has processed the request, and processes it otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from domain.calls.events import ToolFinished, ToolOutcome, ToolStarted, UserTurn
from domain.calls.model import CallId

DIGEST_CHARACTERS = 32
MAX_REPEATABLE = 1_000
"""Tool calls that may be repeated under their keys; the oldest are dropped first."""


@dataclass(frozen=True, slots=True)
class ToolCallSlot:
    """The position of a tool call: its turn, and the number of identical tool calls that started
    earlier in that turn. Tool calls are identical if tool and arguments are equal."""

    fingerprint: str
    turn: str
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallTracker:
    """The slots of the tool calls of a call, folded from its log."""

    turn: str = ""
    started: Mapping[str, int] = field(default_factory=dict)
    """How many tool calls started in this turn, by fingerprint."""
    running: Mapping[str, ToolCallSlot] = field(default_factory=dict)
    """The slots of running tool calls, by tool call id."""
    repeatable: tuple[ToolCallSlot, ...] = ()
    """Slots of tool calls whose outcome is unknown or that were not sent: the next identical tool
    call takes the slot."""

    def next_slot(self, fingerprint: str) -> ToolCallSlot:
        """The slot of a tool call that is about to start: the oldest repeatable one, or a new one."""
        free = (slot for slot in self.repeatable if slot.fingerprint == fingerprint)
        return next(free, ToolCallSlot(fingerprint, self.turn, self.started.get(fingerprint, 0)))

    def apply(self, event: UserTurn | ToolStarted | ToolFinished) -> ToolCallTracker:
        match event:
            case UserTurn(turn_id=turn):
                return replace(self, turn=turn, started={})
            case ToolStarted(tool_call_id=id, tool=tool, arguments=arguments):
                return self._started(id, self.next_slot(_fingerprint(tool, arguments)))
            case ToolFinished(tool_call_id=id, outcome=outcome):
                return self._finished(id, outcome)

    def _started(self, id: str, slot: ToolCallSlot) -> ToolCallTracker:
        running = {**self.running, id: slot}
        if slot in self.repeatable:
            remaining = tuple(other for other in self.repeatable if other != slot)
            return replace(self, running=running, repeatable=remaining)
        started = {**self.started, slot.fingerprint: slot.ordinal + 1}
        return replace(self, running=running, started=started)

    def _finished(self, id: str, outcome: ToolOutcome) -> ToolCallTracker:
        slot = self.running.get(id)
        if slot is None:
            return self
        running = {other: its_slot for other, its_slot in self.running.items() if other != id}
        if outcome not in (ToolOutcome.UNKNOWN, ToolOutcome.REFUSED):
            return replace(self, running=running)
        repeatable = (*self.repeatable, slot)[-MAX_REPEATABLE:]
        return replace(self, running=running, repeatable=repeatable)


def idempotency_key(
    call: CallId, tool_calls: ToolCallTracker, tool: str, arguments: Mapping[str, Any]
) -> str:
    """The key of a tool call that is about to start."""
    slot = tool_calls.next_slot(_fingerprint(tool, arguments))
    digest = _digest([slot.turn, slot.ordinal, slot.fingerprint])
    return f"{call}.{digest[:DIGEST_CHARACTERS]}"


def _fingerprint(tool: str, arguments: Mapping[str, Any]) -> str:
    return _digest([tool, arguments])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
