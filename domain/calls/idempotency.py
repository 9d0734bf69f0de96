"""The keys by which servers recognise that a tool asks them for the same thing once more.

A worker that takes a call over may repeat what the one before it has already sent. So a key is made
of nothing but what the log tells: the call, the turn of the caller in which the use begins, the tool,
its arguments, and how many uses like it began before in that turn. Whoever repeats a turn gets the
same key; another tool, other arguments, or the same thing wanted once more, get another.

A use whose outcome is unknown is repeated by the next one like it, in whatever turn: a server that
has done it can tell, and one that has not does it."""

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
"""Uses that may be repeated under their keys; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class ToolCallSlot:
    """Where a use began: the turn, and how many like it had begun before in that turn. Uses of one
    tool with the same arguments are alike."""

    fingerprint: str
    turn: str
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallTracker:
    """The places of the uses of tools, as the log tells of them."""

    turn: str = ""
    started: Mapping[str, int] = field(default_factory=dict)
    """How many began in this turn, by likeness."""
    running: Mapping[str, ToolCallSlot] = field(default_factory=dict)
    """By the ids of the uses."""
    repeatable: tuple[ToolCallSlot, ...] = ()
    """Of what may have been done, or was not sent at all: the next use like it takes the place."""

    def next_slot(self, fingerprint: str) -> ToolCallSlot:
        """The place of a use that is about to start: the first that may have been done comes first."""
        free = (place for place in self.repeatable if place.fingerprint == fingerprint)
        return next(free, ToolCallSlot(fingerprint, self.turn, self.started.get(fingerprint, 0)))

    def apply(self, event: UserTurn | ToolStarted | ToolFinished) -> ToolCallTracker:
        match event:
            case UserTurn(turn_id=turn):
                return replace(self, turn=turn, started={})
            case ToolStarted(tool_call_id=id, tool=tool, arguments=arguments):
                return self._started(id, self.next_slot(_fingerprint(tool, arguments)))
            case ToolFinished(tool_call_id=id, outcome=outcome):
                return self._finished(id, outcome)

    def _started(self, id: str, place: ToolCallSlot) -> ToolCallTracker:
        running = {**self.running, id: place}
        if place in self.repeatable:
            rest = tuple(other for other in self.repeatable if other != place)
            return replace(self, running=running, repeatable=rest)
        begun = {**self.started, place.fingerprint: place.ordinal + 1}
        return replace(self, running=running, started=begun)

    def _finished(self, id: str, outcome: ToolOutcome) -> ToolCallTracker:
        place = self.running.get(id)
        if place is None:
            return self
        running = {other: where for other, where in self.running.items() if other != id}
        if outcome not in (ToolOutcome.UNKNOWN, ToolOutcome.REFUSED):
            return replace(self, running=running)
        repeatable = (*self.repeatable, place)[-MAX_REPEATABLE:]
        return replace(self, running=running, repeatable=repeatable)


def idempotency_key(
    call: CallId, tool_calls: ToolCallTracker, tool: str, arguments: Mapping[str, Any]
) -> str:
    """The key of a use that is about to start."""
    place = tool_calls.next_slot(_fingerprint(tool, arguments))
    digest = _digest([place.turn, place.ordinal, place.fingerprint])
    return f"{call}.{digest[:DIGEST_CHARACTERS]}"


def _fingerprint(tool: str, arguments: Mapping[str, Any]) -> str:
    return _digest([tool, arguments])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
