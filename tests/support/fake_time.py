"""Time that only a test advances, for the clock of a call."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

STEPS_TO_SETTLE = 30
"""Passes of the event loop after which tasks that wait for no I/O have done what they can."""


@dataclass
class FakeTimer:
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class FakeTime:
    time: datetime = datetime(2026, 1, 1, 9, tzinfo=UTC)
    wakeups: int = 0
    """How many timers have fired."""
    _timers: list[tuple[datetime, int, FakeTimer]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def now(self) -> datetime:
        return self.time

    def call_at(self, at: datetime, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (at, next(self._numbers), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Let the time pass, and let the tasks react to each timer at its time."""
        end = self.time + timedelta(seconds=seconds)
        await settle()
        while self._timers and self._timers[0][0] <= end:
            at, _, timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            self.time = max(self.time, at)
            self.wakeups += 1
            timer.callback()
            await settle()
        self.time = end

    def fire_due(self) -> None:
        """Fire the timers whose time has come, without letting the tasks react."""
        while self._timers and self._timers[0][0] <= self.time:
            _, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self.wakeups += 1
                timer.callback()


async def settle() -> None:
    for _ in range(STEPS_TO_SETTLE):
        await asyncio.sleep(0)
