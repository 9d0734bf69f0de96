"""The keys by which servers recognise that a tool asks them for the same thing once more.

A worker that takes a call over may repeat what the one before it has already sent. So a key is made
of nothing but what the log tells: the call, the turn of the caller, the tool, its arguments, and how
many uses like it came before in that turn. Whoever repeats a turn gets the same key; another tool,
other arguments, or the same thing wanted once more, get another.

A use whose outcome is unknown is repeated by the next one like it, in whatever turn: a server that
has done it can tell, and one that has not does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from domain.calls import CallId
from domain.events import ToolFinished, ToolOutcome, UserTurn
from domain.transcripts import Story

DIGEST_CHARACTERS = 32


def use_key(call: CallId, story: Story, tool: str, arguments: Mapping[str, Any]) -> str:
    """The key of a use that is about to start."""
    use = _canonical([tool, arguments])
    places = _Places()
    for event in story.said:
        match event:
            case UserTurn(turn_id=turn):
                places.begin(turn)
            case ToolFinished(outcome=ToolOutcome.REFUSED):
                pass  # nothing was sent
            case ToolFinished() if _canonical([event.tool, event.arguments]) == use:
                if event.outcome is ToolOutcome.UNKNOWN:
                    places.unknown.append(places.new())
                else:
                    places.next()
    for started in story.open_tools.values():
        if _canonical([started.tool, started.arguments]) == use:
            places.next()
    turn, number = places.next()
    digest = sha256(_canonical([turn, number, use]).encode()).hexdigest()
    return f"{call}.{digest[:DIGEST_CHARACTERS]}"


@dataclass(slots=True)
class _Places:
    """The places of like uses: the turn, and how many came before."""

    unknown: list[tuple[str, int]] = field(default_factory=list)
    _turn: str = ""
    _count: int = 0

    def begin(self, turn: str) -> None:
        self._turn, self._count = turn, 0

    def new(self) -> tuple[str, int]:
        place = (self._turn, self._count)
        self._count += 1
        return place

    def next(self) -> tuple[str, int]:
        """The first that may have been done comes first."""
        return self.unknown.pop(0) if self.unknown else self.new()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
