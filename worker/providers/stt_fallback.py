"""STT with failover: replays buffered audio to the next provider so that no speech is lost.

Not livekit-agents' own adapter: it loses the turn in progress when it switches, waits indefinitely
for a provider that accepts audio and returns nothing, and keeps streaming all audio to a provider
that failed, which is paid for and discarded."""

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

TIMEOUT_SECONDS = 3.0
"""Time to connect to a provider, and to receive a transcript after the caller has spoken."""
MAX_REPLAY_SECONDS = 30.0
"""How much of the turn in progress is replayed to the next provider, at most."""
MAX_FAILURES_PER_TURN = 3
"""After more failures than this, the audio of the turn is considered unintelligible."""
BACKOFF_SECONDS = (0.5, 1.0, 2.0)
"""Delays after rounds in which every provider failed; the last one repeats."""

MIN_SPEECH_AMPLITUDE = 500
"""Audio with a sample louder than this, of at most 32 767, counts as speech."""
Frame = rtc.AudioFrame
NON_SPEECH_EVENTS = (SpeechEventType.RECOGNITION_USAGE,)
TURN_OPEN_EVENTS = (SpeechEventType.START_OF_SPEECH, SpeechEventType.INTERIM_TRANSCRIPT)
TURN_CLOSED_EVENTS = (SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH)


class SttFallback(PreferredProviderIdentity, stt.STT[Any]):
    policy: FailoverPolicy[stt.STT[Any]]

    def __init__(
        self,
        policy: FailoverPolicy[stt.STT[Any]],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        capabilities = [provider.capabilities for provider in policy.providers]
        super().__init__(
            capabilities=STTCapabilities(
                streaming=True,
                interim_results=all(each.interim_results for each in capabilities),
                aligned_transcript=capabilities[0].aligned_transcript
                if all(each.aligned_transcript for each in capabilities)
                else False,
                offline_recognize=False,
            )
        )
        self.policy = policy
        self.timeout_seconds = timeout_seconds
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
        """Report that the caller started to speak at `since` (as `time.time`) and no transcript
        arrived in time."""
        for stream in self._streams:
            stream.transcript_overdue(since)

    async def _recognize_impl(self, *_: Any, **__: Any) -> SpeechEvent:
        raise NotImplementedError("only streaming recognition is supported")

    async def aclose(self) -> None:
        for provider in self.policy.providers:
            await provider.aclose()


class AudioReplayBuffer:
    """The audio of the turn in progress that has not been transcribed yet."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque()
        self.seconds = 0.0

    def add(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.seconds += frame.duration
        self.trim_to(MAX_REPLAY_SECONDS)

    def contains_speech(self, seconds: float) -> bool:
        """Whether the last seconds were loud enough for speech. They may not be: the session
        substitutes silence during AEC warm-up and uninterruptible speech."""
        peaks = (float(np.abs(np.frombuffer(f.data, np.int16)).max(initial=0)) for f in self.frames)
        last = int(seconds / (self.seconds / len(self.frames))) if self.frames else 0
        return any(peak > MIN_SPEECH_AMPLITUDE for peak in list(peaks)[-last:]) if last else False

    def trim_to(self, seconds: float) -> None:
        """Drop all but the last `seconds`."""
        while self.frames and self.seconds - self.frames[0].duration >= seconds:
            self.seconds -= self.frames.popleft().duration


class _FallbackRecognizeStream(stt.RecognizeStream):
    def __init__(self, fallback: SttFallback) -> None:
        self._fallback = fallback
        self._replay_buffer = AudioReplayBuffer()
        self._inner: stt.RecognizeStream | None = None
        self._pushed = 0.0
        """Seconds of audio that the current provider has received."""
        self._transcript_pending = False
        """Whether the caller has said something that is not transcribed yet."""
        self._interim_received = False
        """Whether an interim transcript arrived and the final one has not."""
        self._turn_failures = 0
        """Failures of providers since the last final transcript."""
        self._event_at = 0.0
        self._transcript_late = asyncio.Event()
        without_retry = APIConnectOptions(max_retry=0, timeout=fallback.timeout_seconds)
        super().__init__(stt=fallback, conn_options=without_retry, sample_rate=SAMPLE_RATE)

    @property
    def is_done(self) -> bool:
        return self._task.done()

    def transcript_overdue(self, since: float) -> None:
        silent = self._event_at < since or self._interim_received
        if silent and self._replay_buffer.contains_speech(time.time() - since):
            self._transcript_pending = True
            self._transcript_late.set()

    async def _run(self) -> None:
        feed = asyncio.create_task(self._feed())
        try:
            await self._run_providers(self._fallback.policy)
        finally:
            await cancel_and_wait(feed)

    async def _feed(self) -> None:
        async for data in self._input_ch:
            if isinstance(data, Frame):
                self._replay_buffer.add(data)
                self._pushed += data.duration
            # A provider that has just failed raises; the next one is fed from the replay buffer.
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
            for provider in policy.candidates():
                if await self._run_provider(provider):
                    rounds = 0
                    break
                if self._input_ch.closed:
                    return
            else:
                if self._transcript_pending:
                    # No provider could transcribe it; replaying it again would never end.
                    self._transcript_pending = False
                    self._replay_buffer.trim_to(0)
                self._emit_error(
                    APIConnectionError("No STT provider is available."), recoverable=False
                )
                await asyncio.sleep(BACKOFF_SECONDS[min(rounds, len(BACKOFF_SECONDS) - 1)])
                rounds += 1

    async def _run_provider(self, provider: stt.STT[Any]) -> bool:
        """Use the provider until it fails or a preferred one may be tried. Returns whether it
        worked until then."""
        started_at = time.time()
        self._transcript_late.clear()
        tasks = [
            asyncio.create_task(self._forward_events(provider)),
            asyncio.create_task(self._transcript_late.wait()),
            asyncio.create_task(self._wait_for_missing_transcript(started_at)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            problem = tasks[0].exception() if tasks[0].done() else TimeoutError()
        finally:
            self._inner = None
            await cancel_and_wait(*tasks)
        if problem is not None:
            # Only the type of the error: its text may contain parts of the call or a key.
            kind = type(problem).__name__
            log.warning(
                "STT provider failed, switching", extra={"provider": provider.label, "kind": kind}
            )
            self._fallback.policy.record_failure(provider)
            self._turn_failures += 1
        worked = self._event_at >= started_at and self._turn_failures <= MAX_FAILURES_PER_TURN
        if problem is not None and worked and self._fallback.policy.has_single_provider:
            self._emit_error(APIConnectionError("The STT provider failed."), recoverable=True)
        return problem is None or worked

    async def _wait_for_missing_transcript(self, started_at: float) -> None:
        """Return when the provider was given untranscribed speech and sent no events for it."""
        if not self._transcript_pending:
            await asyncio.Event().wait()
        await asyncio.sleep(self._fallback.timeout_seconds)
        while self._event_at >= started_at:  # noqa: ASYNC110 - the provider responds
            await asyncio.sleep(60)

    async def _forward_events(self, provider: stt.STT[Any]) -> None:
        """Forward events until the input ends or a preferred provider may be tried. Raises when
        the provider fails."""
        without_retry = APIConnectOptions(max_retry=0, timeout=self._fallback.timeout_seconds)
        async with provider.stream(conn_options=without_retry) as stream:
            elapsed = time.time() - self._start_time - self._replay_buffer.seconds
            stream.start_time_offset = max(0.0, self.start_time_offset + elapsed)
            for frame in self._replay_buffer.frames:
                stream.push_frame(frame)
            self._pushed = self._replay_buffer.seconds
            self._inner = stream
            async for event in stream:
                self._event_ch.send_nowait(event)
                if event.type in NON_SPEECH_EVENTS:
                    continue
                self._event_at = time.time()
                self._fallback.policy.record_success(provider)
                self._track_turn(event, stream.start_time_offset)
                between_turns = event.type is SpeechEventType.END_OF_SPEECH
                if between_turns and self._fallback.policy.preferred is not provider:
                    return
        if not self._input_ch.closed:
            raise APIConnectionError("The STT provider closed the stream.")

    def _track_turn(self, event: SpeechEvent, offset: float) -> None:
        """Track whether a transcript is pending, and drop buffered audio that was transcribed."""
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
            transcribed = until - offset if until else self._pushed
            self._replay_buffer.trim_to(max(0.0, self._pushed - transcribed))

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[SpeechEvent]) -> None:
        async for _ in event_aiter:
            pass  # every provider reports its own metrics
