"""The conditions under which a voice call ends or is released. The first one that holds decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from domain.calls.model import EndReason
from domain.common.tasks import cancel_and_wait
from worker.session.announcements import Announcements
from worker.session.call_clock import CallClock
from worker.session.failure_monitor import FailureTracker, wait_until_unrecoverable
from worker.session.silence_monitor import SilenceMonitor

RELEASE_TIMEOUT_SECONDS = 18.0


class CallGuards:
    def __init__(
        self,
        clock: CallClock,
        wait_until_abandoned: Callable[[bool], Awaitable[EndReason]],
        silence: SilenceMonitor,
        failures: FailureTracker,
        announcements: Announcements,
        wait_until_line_over: Callable[[], Awaitable[EndReason]] | None = None,
    ) -> None:
        """`wait_until_abandoned` receives whether the call is resumed. `wait_until_line_over` waits for
        the end of a telephone leg; None in calls without one."""
        self._clock = clock
        self._wait_until_abandoned = wait_until_abandoned
        self._wait_until_line_over = wait_until_line_over
        self._silence = silence
        self._failures = failures
        self._announcements = announcements

    @asynccontextmanager
    async def watch(
        self, over: asyncio.Future[EndReason | None], releasing: asyncio.Event, resumed: bool
    ) -> AsyncGenerator[Callable[[], Awaitable[EndReason | None]]]:
        """Watch the conditions for the duration of the block. Yields a function that waits for the
        first one that holds and returns why the call ends; None when it is to be released.

        `over` is completed by the session when it ends, and `releasing` is set to request the
        release."""
        guards: list[asyncio.Future[EndReason | None]] = [
            over,
            asyncio.ensure_future(self._wait_until_abandoned(resumed)),
            *self._line_guards(),
            asyncio.ensure_future(self._silence.wait_until_ended()),
            asyncio.ensure_future(self._wait_until_unrecoverable()),
            asyncio.ensure_future(self._wait_to_release(releasing)),
        ]

        async def first() -> EndReason | None:
            await asyncio.wait(guards, return_when=asyncio.FIRST_COMPLETED)
            # Of several that hold at once, the first in the list decides, and the release is the last.
            return next(guard for guard in guards if guard.done()).result()

        try:
            yield first
        finally:
            await cancel_and_wait(*guards[1:])

    def _line_guards(self) -> list[asyncio.Future[EndReason | None]]:
        wait = self._wait_until_line_over
        return [] if wait is None else [asyncio.ensure_future(wait())]

    async def _wait_until_unrecoverable(self) -> EndReason | None:
        say = partial(self._announcements.say, in_history=False)
        await wait_until_unrecoverable(self._failures, say, self._silence.quiet, self._clock)
        return EndReason.PROVIDER_FAILED

    async def _wait_to_release(self, releasing: asyncio.Event) -> EndReason | None:
        """Wait for a release request, and then until the caller has finished and was answered, for at
        most RELEASE_TIMEOUT_SECONDS."""
        await releasing.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_TIMEOUT_SECONDS):
                await self._clock.wait_until(lambda: self._silence.turn_over_at)
        return None
