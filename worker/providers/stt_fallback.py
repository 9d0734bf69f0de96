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

from domain.common.tasks import cancel_and_wait
from worker.providers.failover import FailoverPolicy, PreferredProviderIdentity, forward_metrics
from worker.providers.stt import SAMPLE_RATE

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 2.5
"""A connection takes no longer."""
TRANSCRIPT_TIMEOUT_SECONDS = 3.0
"""After the caller's words, those of the provider come within this time."""
MAX_REPLAY_SECONDS = 30.0
"""So much of a turn can be heard again by the next one."""
MAX_FAILURES_PER_TURN = 3
"""Within a turn; then it is taken for one that nobody can hear."""
BACKOFF_SECONDS = (0.5, 1.0, 2.0)
"""Between rounds in which nobody could be reached."""

MIN_SPEECH_AMPLITUDE = 500
"""A sample of speech is louder at times; of 32 767."""
Frame = rtc.AudioFrame
NON_SPEECH_EVENTS = (SpeechEventType.RECOGNITION_USAGE,)
TURN_OPEN_EVENTS = (SpeechEventType.START_OF_SPEECH, SpeechEventType.INTERIM_TRANSCRIPT)
TURN_CLOSED_EVENTS = (SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH)


class SttFallback(PreferredProviderIdentity, stt.STT[Any]):
    policy: FailoverPolicy[stt.STT[Any]]

    def __init__(
        self,
        policy: FailoverPolicy[stt.STT[Any]],
        transcript_timeout_seconds: float = TRANSCRIPT_TIMEOUT_SECONDS,
    ) -> None:
        all_ = [one.capabilities for one in policy.providers]
        super().__init__(
            capabilities=STTCapabilities(
                streaming=True,
                interim_results=all(one.interim_results for one in all_),
                aligned_transcript=policy.providers[0].capabilities.aligned_transcript
                if all(one.aligned_transcript for one in all_)
                else False,
                offline_recognize=False,
            )
        )
        self.policy = policy
        self.transcript_timeout_seconds = transcript_timeout_seconds
        self._streams: list[_FallbackRecognizeStream] = []
        forward_metrics(policy, self.emit)

    def stream(
        self,
        *,
        language: Any = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        self._streams = [s for s in self._streams if not s.is_done]
        self._streams.append(stream := _FallbackRecognizeStream(self))
        return stream

    def prewarm(self) -> None:
        self.policy.preferred.prewarm()

    def transcript_overdue(self, since: float) -> None:
        """The caller has spoken since then, by the clock, and no words came of it."""
        for stream in self._streams:
            stream.transcript_overdue(since)

    async def _recognize_impl(self, *_: Any, **__: Any) -> SpeechEvent:
        raise NotImplementedError("only streams are listened to")

    async def aclose(self) -> None:
        for one in self.policy.providers:
            await one.aclose()


class AudioReplayBuffer:
    """The sound of the turn in progress."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque()
        self.seconds = 0.0

    def add(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.seconds += frame.duration
        self.trim_to(MAX_REPLAY_SECONDS)

    def contains_speech(self, seconds: float) -> bool:
        """Whether the last seconds were loud. A session withholds what it does not want heard."""
        loud = (float(np.abs(np.frombuffer(f.data, np.int16)).max(initial=0)) for f in self.frames)
        last = int(seconds / (self.seconds / len(self.frames))) if self.frames else 0
        return any(each > MIN_SPEECH_AMPLITUDE for each in list(loud)[-last:]) if last else False

    def trim_to(self, seconds: float) -> None:
        """Forget all but the last seconds."""
        while self.frames and self.seconds - self.frames[0].duration >= seconds:
            self.seconds -= self.frames.popleft().duration


class _FallbackRecognizeStream(stt.RecognizeStream):
    def __init__(self, fallback: SttFallback) -> None:
        self._fallback = fallback
        self._replay_buffer = AudioReplayBuffer()
        self._inner: stt.RecognizeStream | None = None
        self._pushed = 0.0
        """Seconds of sound that the one who listens was given."""
        self._transcript_pending = False
        """The caller said something that is not yet told in words."""
        self._interim_received = False
        """Some words of a turn came, and not yet all."""
        self._turn_failures = 0
        """How often a line broke since a turn was last heard whole."""
        self._event_at = 0.0
        self._transcript_late = asyncio.Event()
        once = APIConnectOptions(max_retry=0, timeout=CONNECT_TIMEOUT_SECONDS)
        super().__init__(stt=fallback, conn_options=once, sample_rate=SAMPLE_RATE)

    @property
    def is_done(self) -> bool:
        return self._task.done()

    def transcript_overdue(self, since: float) -> None:
        silent = self._event_at < since or self._interim_received
        if silent and self._replay_buffer.contains_speech(time.time() - since):
            self._transcript_pending = True
            self._transcript_late.set()

    async def _run(self) -> None:
        feeding = asyncio.create_task(self._feed())
        try:
            await self._run_providers(self._fallback.policy)
        finally:
            await cancel_and_wait(feeding)

    async def _feed(self) -> None:
        async for data in self._input_ch:
            if isinstance(data, Frame):
                self._replay_buffer.add(data)
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

    async def _run_providers(self, policy: FailoverPolicy[stt.STT[Any]]) -> None:
        rounds = 0
        while not self._input_ch.closed:
            for one in policy.candidates():
                if await self._run_provider(one):
                    rounds = 0
                    break
                if self._input_ch.closed:
                    return
            else:
                if self._transcript_pending:
                    # Nobody could make it out: it is given up, or it would be tried for ever.
                    self._transcript_pending = False
                    self._replay_buffer.trim_to(0)
                self._emit_error(APIConnectionError("Nobody hears the caller."), recoverable=False)
                await asyncio.sleep(BACKOFF_SECONDS[min(rounds, len(BACKOFF_SECONDS) - 1)])
                rounds += 1

    async def _run_provider(self, one: stt.STT[Any]) -> bool:
        """Whether it was of use until it failed, or was left for a better one."""
        began = time.time()
        self._transcript_late.clear()
        tasks = [
            asyncio.create_task(self._forward_events(one)),
            asyncio.create_task(self._transcript_late.wait()),
            asyncio.create_task(self._wait_for_missing_transcript(began)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            problem = tasks[0].exception() if tasks[0].done() else TimeoutError()
        finally:
            self._inner = None
            await cancel_and_wait(*tasks)
        if problem is not None:
            # The kind of failure, never its text: that may hold words of the call, or a key.
            kind = type(problem).__name__
            log.warning("no longer listened to", extra={"provider": one.label, "kind": kind})
            self._fallback.policy.record_failure(one)
            self._turn_failures += 1
        of_use = self._event_at >= began and self._turn_failures <= MAX_FAILURES_PER_TURN
        if problem is not None and of_use and self._fallback.policy.has_single_provider:
            self._emit_error(APIConnectionError("The line broke."), recoverable=True)
        return problem is None or of_use

    async def _wait_for_missing_transcript(self, began: float) -> None:
        """Returns when it was given words and made nothing of them."""
        if not self._transcript_pending:
            await asyncio.Event().wait()
        await asyncio.sleep(self._fallback.transcript_timeout_seconds)
        while self._event_at >= began:  # noqa: ASYNC110 it lives
            await asyncio.sleep(60)

    async def _forward_events(self, one: stt.STT[Any]) -> None:
        """Returns when the input is over, or a better one may be tried; raises when it fails."""
        once = APIConnectOptions(max_retry=0, timeout=CONNECT_TIMEOUT_SECONDS)
        async with one.stream(conn_options=once) as stream:
            passed = time.time() - self._start_time - self._replay_buffer.seconds
            stream.start_time_offset = max(0.0, self.start_time_offset + passed)
            for frame in self._replay_buffer.frames:
                stream.push_frame(frame)
            self._pushed = self._replay_buffer.seconds
            self._inner = stream
            async for event in stream:
                self._event_ch.send_nowait(event)
                if event.type in NON_SPEECH_EVENTS:
                    continue
                self._event_at = time.time()
                self._fallback.policy.record_success(one)
                self._track_turn(event, stream.start_time_offset)
                between_turns = event.type is SpeechEventType.END_OF_SPEECH
                if between_turns and self._fallback.policy.preferred is not one:
                    return
        if not self._input_ch.closed:
            raise APIConnectionError("It stopped listening.")

    def _track_turn(self, event: SpeechEvent, offset: float) -> None:
        """What is told in words need not be heard again."""
        if event.type in TURN_OPEN_EVENTS:
            self._transcript_pending = True
            self._interim_received = (
                self._interim_received or event.type is SpeechEventType.INTERIM_TRANSCRIPT
            )
        elif event.type in TURN_CLOSED_EVENTS:
            self._transcript_pending = self._interim_received = False
        if event.type is SpeechEventType.FINAL_TRANSCRIPT:
            self._turn_failures = 0
            until = max((each.end_time for each in event.alternatives), default=0.0)
            told = until - offset if until else self._pushed
            self._replay_buffer.trim_to(max(0.0, self._pushed - told))

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[SpeechEvent]) -> None:
        async for _ in event_aiter:
            pass  # each of the chain tells its own
