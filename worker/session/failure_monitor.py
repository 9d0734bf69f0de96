"""Providers that fail again and again: when it is enough."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from worker.session.text_session import APOLOGY

CANNOT_HEAR = "I am sorry, I cannot hear you just now. One moment, please."
GIVING_UP = "I am sorry, we have a technical problem. Please call again later."
ENOUGH_TIMES = 3
AGAIN_SECONDS = 1.0
LAST_WORDS_SECONDS = 6.0


class Troubles:
    """Failures in a row, by what the provider does in the call: stt, llm, tts."""

    def __init__(self, enough: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._enough = enough
        self._clock = clock
        self._since: dict[str, float] = {}
        self._times: dict[str, int] = {}

    def failed(self, source: str) -> bool:
        """Whether it is the first time in a row."""
        self._since.setdefault(source, self._clock())
        self._times[source] = self._times.get(source, 0) + 1
        return self._times[source] == 1

    def over(self, source: str) -> None:
        """It works (again)."""
        self._since.pop(source, None)
        self._times.pop(source, None)

    def lasts(self, source: str) -> bool:
        return source in self._since

    @property
    def hopeless(self) -> bool:
        """One of them has failed several times in a row, and for long enough, in seconds."""
        return any(
            times >= ENOUGH_TIMES and self._clock() - self._since[source] >= self._enough
            for source, times in self._times.items()
        )


async def until_hopeless(
    troubles: Troubles, say: Callable[[str], Awaitable[Any]], idle: asyncio.Event
) -> None:
    """Until nobody hears, thinks or speaks for long: no caller is left in silence. A voice that
    failed is tried again meanwhile; in the end the caller is told, if there is one."""
    while not troubles.hopeless:
        await asyncio.sleep(AGAIN_SECONDS)
        if troubles.lasts("tts") and idle.is_set():
            await say(APOLOGY)
    if not troubles.lasts("tts"):
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await say(GIVING_UP)
