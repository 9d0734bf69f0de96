"""How many calls of a period there were, how they ended, and how fast their agents answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.calls.model import END_OUTCOMES, Blame, CallState, EndReason
from domain.common.errors import InvalidInput
from domain.common.problems import Problems
from domain.common.time_ranges import time_range_problems

MAX_PERIOD = timedelta(days=32)
"""A month in any time zone."""
MAX_ENDED_CALLS = 100_000
"""How many calls that have ended are counted, so that a query takes a bounded time."""
FIRST_AUDIO_CALLS, FIRST_AUDIO_TURNS = 100, 50
"""How many voice calls are measured, and how many of the last replies of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGroup:
    """The calls with one state and, if they have ended, one end reason."""

    state: CallState
    end_reason: EndReason | None
    calls: int
    spent: int
    """In billionths of a dollar."""
    duration_ms: int

    @property
    def blame(self) -> Blame | None:
        return END_OUTCOMES[self.end_reason][1] if self.end_reason else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStatistics:
    since: datetime
    """From when on calls are counted: later than the period begins if it has more calls than are counted."""
    until: datetime
    groups: Sequence[CallGroup]
    """The largest group first."""

    @property
    def calls(self) -> int:
        return sum(group.calls for group in self.groups)

    @property
    def spent(self) -> int:
        return sum(group.spent for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAudio:
    """How long callers waited for the first audio of a reply, in milliseconds."""

    calls: int
    turns: int
    p50: float
    p95: float


def period_problems(since: datetime | None, until: datetime | None, now: datetime) -> Problems:
    """What is wrong with the period that the request gave as `created`."""
    if since is None:
        yield InvalidInput("created needs the begin of the period.", ("created", "since"))
        return
    problems = list(time_range_problems(since, until, ("created",)))
    yield from problems
    if not problems and (until or now) - since > MAX_PERIOD:
        text = f"The period may have at most {MAX_PERIOD.days} days."
        yield InvalidInput(text, ("created", "since"))
