"""Ears with others behind them: whoever hears is listened to, and no word falls between two.

Not livekit-agents' own adapter, which forgets the turn in progress when it switches, waits for ever
for one that accepts and says nothing, and streams all audio to one that failed, paid and unheard."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterable
from contextlib import suppress
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectionError, stt
from livekit.agents.stt import SpeechEvent, SpeechEventType, STTCapabilities
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions

from domain.tasks import end
from worker.providers.hearing import SAMPLE_RATE
from worker.providers.order import Front, Order, pass_on

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 3.0
"""To connect in, and to return a transcript in once the caller has spoken."""
KEPT_SECONDS = 30.0
"""So much of a turn can be heard again by the next one."""
MOST_BREAKS = 3
"""Within a turn; then it is taken for one that nobody can hear."""
PAUSES = (0.5, 1.0, 2.0)
"""Between rounds in which nobody could be reached."""

LOUD = 500
"""A sample of speech is louder at times; of 32 767."""
Frame = rtc.AudioFrame
NOTHING_HEARD = (SpeechEventType.RECOGNITION_USAGE,)
UNFINISHED = (SpeechEventType.START_OF_SPEECH, SpeechEventType.INTERIM_TRANSCRIPT)
FINISHED = (SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH)


class Ears(Front, stt.STT[Any]):
    order: Order[stt.STT[Any]]

    def __init__(
        self, order: Order[stt.STT[Any]], timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        all_ = [one.capabilities for one in order.all]
        super().__init__(
            capabilities=STTCapabilities(
                streaming=True,
                interim_results=all(one.interim_results for one in all_),
                aligned_transcript=order.all[0].capabilities.aligned_transcript
                if all(one.aligned_transcript for one in all_)
                else False,
                offline_recognize=False,
            )
        )
        self.order = order
        self.timeout_seconds = timeout_seconds
        self._streams: list[_Listening] = []
        pass_on(order, self.emit)

    def stream(
        self,
        *,
        language: Any = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        self._streams = [s for s in self._streams if not s.over]
        self._streams.append(stream := _Listening(self))
        return stream

    def prewarm(self) -> None:
        self.order.first.prewarm()

    def overdue(self, since: float) -> None:
        """The caller has spoken since then, by the clock, and no words came of it."""
        for stream in self._streams:
            stream.overdue(since)

    async def _recognize_impl(self, *_: Any, **__: Any) -> SpeechEvent:
        raise NotImplementedError("only streams are listened to")

    async def aclose(self) -> None:
        for one in self.order.all:
            await one.aclose()


class Kept:
    """The sound of the turn in progress."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque()
        self.seconds = 0.0

    def add(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.seconds += frame.duration
        self.only(KEPT_SECONDS)

    def sounds(self, seconds: float) -> bool:
        """Whether the last seconds were loud. A session withholds what it does not want heard."""
        loud = (float(np.abs(np.frombuffer(f.data, np.int16)).max(initial=0)) for f in self.frames)
        last = int(seconds / (self.seconds / len(self.frames))) if self.frames else 0
        return any(each > LOUD for each in list(loud)[-last:]) if last else False

    def only(self, seconds: float) -> None:
        """Forget all but the last seconds."""
        while self.frames and self.seconds - self.frames[0].duration >= seconds:
            self.seconds -= self.frames.popleft().duration


class _Listening(stt.RecognizeStream):
    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._kept = Kept()
        self._inner: stt.RecognizeStream | None = None
        self._pushed = 0.0
        """Seconds of sound that the one who listens was given."""
        self._owed = False
        """The caller said something that is not yet told in words."""
        self._begun = False
        """Some words of a turn came, and not yet all."""
        self._breaks = 0
        """How often a line broke since a turn was last heard whole."""
        self._event_at = 0.0
        self._late = asyncio.Event()
        once = APIConnectOptions(max_retry=0, timeout=ears.timeout_seconds)
        super().__init__(stt=ears, conn_options=once, sample_rate=SAMPLE_RATE)

    @property
    def over(self) -> bool:
        return self._task.done()

    def overdue(self, since: float) -> None:
        silent = self._event_at < since or self._begun
        if silent and self._kept.sounds(time.time() - since):
            self._owed = True
            self._late.set()

    async def _run(self) -> None:
        feeding = asyncio.create_task(self._feed())
        try:
            await self._listen(self._ears.order)
        finally:
            await end(feeding)

    async def _feed(self) -> None:
        async for data in self._input_ch:
            if isinstance(data, Frame):
                self._kept.add(data)
                self._pushed += data.duration
            # One that has just failed takes no more; the next one is given all that is kept.
            with suppress(RuntimeError):
                if self._inner is None:
                    continue
                if isinstance(data, Frame):
                    self._inner.push_frame(data)
                else:
                    self._inner.flush()
        if self._inner is not None:
            with suppress(RuntimeError):
                self._inner.end_input()

    async def _listen(self, order: Order[stt.STT[Any]]) -> None:
        rounds = 0
        while not self._input_ch.closed:
            for one in order.now():
                if await self._hears(one):
                    rounds = 0
                    break
                if self._input_ch.closed:
                    return
            else:
                if self._owed:
                    # Nobody could make it out: it is given up, or it would be tried for ever.
                    self._owed = False
                    self._kept.only(0)
                self._emit_error(APIConnectionError("Nobody hears the caller."), recoverable=False)
                await asyncio.sleep(PAUSES[min(rounds, len(PAUSES) - 1)])
                rounds += 1

    async def _hears(self, one: stt.STT[Any]) -> bool:
        """Whether it was of use until it failed, or was left for a better one."""
        began = time.time()
        self._late.clear()
        tasks = [
            asyncio.create_task(self._follow(one)),
            asyncio.create_task(self._late.wait()),
            asyncio.create_task(self._owing(began)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            problem = tasks[0].exception() if tasks[0].done() else TimeoutError()
        finally:
            self._inner = None
            await end(*tasks)
        if problem is not None:
            # The kind of failure, never its text: that may hold words of the call, or a key.
            kind = type(problem).__name__
            log.warning("no longer listened to", extra={"provider": one.label, "kind": kind})
            self._ears.order.failed(one)
            self._breaks += 1
        of_use = self._event_at >= began and self._breaks <= MOST_BREAKS
        if problem is not None and of_use and self._ears.order.alone:
            self._emit_error(APIConnectionError("The line broke."), recoverable=True)
        return problem is None or of_use

    async def _owing(self, began: float) -> None:
        """Returns when it was given words and made nothing of them."""
        if not self._owed:
            await asyncio.Event().wait()
        await asyncio.sleep(self._ears.timeout_seconds)
        while self._event_at >= began:  # noqa: ASYNC110 it lives
            await asyncio.sleep(60)

    async def _follow(self, one: stt.STT[Any]) -> None:
        """Returns when the input is over, or a better one may be tried; raises when it fails."""
        once = APIConnectOptions(max_retry=0, timeout=self._ears.timeout_seconds)
        async with one.stream(conn_options=once) as stream:
            passed = time.time() - self._start_time - self._kept.seconds
            stream.start_time_offset = max(0.0, self.start_time_offset + passed)
            for frame in self._kept.frames:
                stream.push_frame(frame)
            self._pushed = self._kept.seconds
            self._inner = stream
            async for event in stream:
                self._event_ch.send_nowait(event)
                if event.type in NOTHING_HEARD:
                    continue
                self._event_at = time.time()
                self._ears.order.answered(one)
                self._settle(event, stream.start_time_offset)
                between_turns = event.type is SpeechEventType.END_OF_SPEECH
                if between_turns and self._ears.order.first is not one:
                    return
        if not self._input_ch.closed:
            raise APIConnectionError("It stopped listening.")

    def _settle(self, event: SpeechEvent, offset: float) -> None:
        """What is told in words need not be heard again."""
        if event.type in UNFINISHED:
            self._owed = True
            self._begun = self._begun or event.type is SpeechEventType.INTERIM_TRANSCRIPT
        elif event.type in FINISHED:
            self._owed = self._begun = False
        if event.type is SpeechEventType.FINAL_TRANSCRIPT:
            self._breaks = 0
            until = max((each.end_time for each in event.alternatives), default=0.0)
            told = until - offset if until else self._pushed
            self._kept.only(max(0.0, self._pushed - told))

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[SpeechEvent]) -> None:
        async for _ in event_aiter:
            pass  # each of the chain tells its own
