"""The clock of one call. Whatever waits in the call for a time waits for a deadline of this clock.

The deadlines follow from the state of the call, so they are computed again when it changes. One
timer runs per call, for the earliest of them: a call in which nothing is due does not wake its
process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

IMMEDIATELY = datetime.min.replace(tzinfo=UTC)
"""A deadline that has passed already."""
TIMER_RESOLUTION_SECONDS = 0.001
"""Timers of uvloop may fire this much too early."""

Deadline = Callable[[], datetime | None]
"""Computes a deadline from the state of the call; None while there is none."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class TimeSource(Protocol):
    """The time, in UTC and never backwards, and timers."""

    def now(self) -> datetime: ...

    def call_at(self, at: datetime, callback: Callable[[], None]) -> Timer: ...


class EventLoopTime:
    """The time of the running event loop, which is not affected when the system's clock is set."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin = datetime.now(UTC) - timedelta(seconds=self._loop.time())

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=self._loop.time())

    def call_at(self, at: datetime, callback: Callable[[], None]) -> Timer:
        seconds = (at - self._origin).total_seconds() + TIMER_RESOLUTION_SECONDS
        return self._loop.call_at(seconds, callback)


class CallClock:
    def __init__(self, time_source: TimeSource | None = None) -> None:
        self._time = time_source or EventLoopTime()
        self._waiting: dict[asyncio.Future[None], Deadline] = {}
        self._timer: Timer | None = None
        self._timer_at: datetime | None = None
        self._is_check_scheduled = False

    def now(self) -> datetime:
        return self._time.now()

    async def wait_until(self, deadline: Deadline) -> None:
        """Wait until the deadline, as it stands after the last change."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[reached] = deadline
        self.changed()
        try:
            await reached
        finally:
            del self._waiting[reached]
            self.changed()

    async def sleep(self, seconds: float) -> None:
        due = self.now() + timedelta(seconds=seconds)
        await self.wait_until(lambda: due)

    def changed(self) -> None:
        """Compute the deadlines again, because the state of the call has changed."""
        has_work = self._waiting or self._timer is not None
        if has_work and not self._is_check_scheduled:
            self._is_check_scheduled = True
            asyncio.get_running_loop().call_soon(self._check)

    def _check(self) -> None:
        self._is_check_scheduled = False
        now, following = self.now(), None
        for reached, deadline in self._waiting.items():
            if reached.done():
                continue
            try:
                at = deadline()
            except Exception as error:  # noqa: BLE001 - raised again in the task that waits
                reached.set_exception(error)
                continue
            if at is not None and at <= now:
                reached.set_result(None)
            else:
                following = earliest(following, at)
        self._set_timer(following)

    def _set_timer(self, at: datetime | None) -> None:
        if at == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = None if at is None else self._time.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = self._timer_at = None
        self._check()


def earliest(*deadlines: datetime | None) -> datetime | None:
    """The earliest of those deadlines that exist; None if none does."""
    return min((at for at in deadlines if at is not None), default=None)
