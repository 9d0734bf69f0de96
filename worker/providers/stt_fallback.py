"""STT with failover: replays buffered audio to the next provider so that no speech is lost.

Not livekit-agents' own adapter: it loses the turn in progress when it switches, waits indefinitely
for a provider that accepts audio and returns nothing, and keeps streaming all audio to a provider
that failed, which is paid for and discarded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectionError, stt
from livekit.agents.stt import SpeechEvent, SpeechEventType, STTCapabilities
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions
from livekit.agents.utils.aio import ChanClosed

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


class TranscriptState(Enum):
    """How much of what the caller has said is transcribed."""

    COMPLETE = auto()
    """Everything, or the caller has said nothing yet."""
    PENDING = auto()
    """The caller has said something, and no text of it has arrived."""
    INTERIM = auto()
    """An interim transcript has arrived, and the final one has not."""


class TranscriptSignal(Enum):
    """What changes the state of the transcript, in addition to the events of providers."""

    OVERDUE = auto()
    """The session reports that the caller spoke and no transcript arrived in time."""
    UNINTELLIGIBLE = auto()
    """Every provider failed to transcribe what the caller said."""


NEXT_STATE: Mapping[
    SpeechEventType | TranscriptSignal, Mapping[TranscriptState, TranscriptState]
] = {
    SpeechEventType.START_OF_SPEECH: {
        TranscriptState.COMPLETE: TranscriptState.PENDING,
    },
    SpeechEventType.INTERIM_TRANSCRIPT: {
        TranscriptState.COMPLETE: TranscriptState.INTERIM,
        TranscriptState.PENDING: TranscriptState.INTERIM,
    },
    SpeechEventType.FINAL_TRANSCRIPT: {
        TranscriptState.PENDING: TranscriptState.COMPLETE,
        TranscriptState.INTERIM: TranscriptState.COMPLETE,
    },
    SpeechEventType.END_OF_SPEECH: {
        TranscriptState.PENDING: TranscriptState.COMPLETE,
        TranscriptState.INTERIM: TranscriptState.COMPLETE,
    },
    TranscriptSignal.OVERDUE: {
        TranscriptState.COMPLETE: TranscriptState.PENDING,
    },
    TranscriptSignal.UNINTELLIGIBLE: {
        TranscriptState.PENDING: TranscriptState.COMPLETE,
        TranscriptState.INTERIM: TranscriptState.COMPLETE,
    },
}
"""The state of the transcript after an event or signal; what is not listed changes nothing."""


def next_state(
    state: TranscriptState, signal: SpeechEventType | TranscriptSignal
) -> TranscriptState:
    return NEXT_STATE.get(signal, {}).get(state, state)


class TranscriptFilter(Protocol):
    """Decides which events of an STT the session receives, and when."""

    def audio_received(self, frame: Frame) -> None:
        """Note a frame of the caller's audio, which has just arrived."""

    def pass_on(self, event: SpeechEvent, emit: Callable[[SpeechEvent], None]) -> None:
        """Report the event with `emit`: now, later or never."""


class SttFallback(PreferredProviderIdentity, stt.STT[Any]):
    policy: FailoverPolicy[stt.STT[Any]]

    def __init__(
        self,
        policy: FailoverPolicy[stt.STT[Any]],
        timeout_seconds: float = TIMEOUT_SECONDS,
        transcripts: TranscriptFilter | None = None,
    ) -> None:
        """Without `transcripts`, the session receives every event at once."""
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
        self.transcripts = transcripts
        self.is_stopped = False
        """Whether audio is no longer sent to the providers."""
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

    def stop(self) -> None:
        """The call is over. The session still sends two seconds of silence, which would be paid for."""
        self.is_stopped = True

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


@dataclass(slots=True)
class _Attempt:
    """The use of one provider, from the connection until it fails or another one is used."""

    stream: stt.RecognizeStream | None = None
    """None until the provider has received the buffered audio."""
    pushed_seconds: float = 0.0
    """Seconds of audio that the provider has received."""
    has_responded: bool = False
    """Whether the provider has sent an event about speech."""
    overdue: asyncio.Event = field(default_factory=asyncio.Event)


class _FallbackRecognizeStream(stt.RecognizeStream):
    def __init__(self, fallback: SttFallback) -> None:
        self._fallback = fallback
        self._replay_buffer = AudioReplayBuffer()
        self._attempt: _Attempt | None = None
        """None during the backoff after a round in which every provider failed."""
        self._transcript = TranscriptState.COMPLETE
        self._turn_failures = 0
        """Failures of providers since the last final transcript."""
        self._last_event_at = 0.0
        without_retry = APIConnectOptions(max_retry=0, timeout=fallback.timeout_seconds)
        super().__init__(stt=fallback, conn_options=without_retry, sample_rate=SAMPLE_RATE)

    @property
    def is_done(self) -> bool:
        return self._task.done()

    def transcript_overdue(self, since: float) -> None:
        silent = self._last_event_at < since or self._transcript is TranscriptState.INTERIM
        if silent and self._replay_buffer.contains_speech(time.time() - since):
            self._apply(TranscriptSignal.OVERDUE)
            if self._attempt is not None:
                self._attempt.overdue.set()

    def _apply(self, signal: SpeechEventType | TranscriptSignal) -> None:
        self._transcript = next_state(self._transcript, signal)

    async def _run(self) -> None:
        feed = asyncio.create_task(self._feed())
        try:
            await self._run_providers(self._fallback.policy)
        finally:
            await cancel_and_wait(feed)

    async def _feed(self) -> None:
        async for data in self._input_ch:
            if self._fallback.is_stopped:
                continue
            if isinstance(data, Frame):
                self._replay_buffer.add(data)
                if self._fallback.transcripts is not None:
                    self._fallback.transcripts.audio_received(data)
            # A provider that has just failed raises; the next one is fed from the replay buffer.
            with suppress(RuntimeError):
                if self._attempt is None or self._attempt.stream is None:
                    continue
                if isinstance(data, Frame):
                    self._attempt.pushed_seconds += data.duration
                    self._attempt.stream.push_frame(data)
                else:
                    self._attempt.stream.flush()
        if self._attempt is not None and self._attempt.stream is not None:
            with suppress(RuntimeError):
                self._attempt.stream.end_input()

    async def _run_providers(self, policy: FailoverPolicy[stt.STT[Any]]) -> None:
        failed_rounds = 0
        while not self._input_ch.closed:
            if await self._run_round(policy):
                failed_rounds = 0
            elif not self._input_ch.closed:
                self._report_unavailable()
                await asyncio.sleep(BACKOFF_SECONDS[min(failed_rounds, len(BACKOFF_SECONDS) - 1)])
                failed_rounds += 1

    async def _run_round(self, policy: FailoverPolicy[stt.STT[Any]]) -> bool:
        """Try the providers in order until one works. Returns whether one did; False also when the
        input ended."""
        for provider in policy.candidates():
            if await self._run_provider(provider):
                return True
            if self._input_ch.closed:
                break
        return False

    def _report_unavailable(self) -> None:
        if self._transcript is not TranscriptState.COMPLETE:
            # No provider could transcribe it; replaying it again would never end.
            self._apply(TranscriptSignal.UNINTELLIGIBLE)
            self._replay_buffer.trim_to(0)
        self._emit_error(APIConnectionError("No STT provider is available."), recoverable=False)

    async def _run_provider(self, provider: stt.STT[Any]) -> bool:
        """Use the provider until it fails or a preferred one may be tried. Returns whether it
        worked until then."""
        attempt = self._attempt = _Attempt()
        tasks = [
            asyncio.create_task(self._forward_events(provider, attempt)),
            asyncio.create_task(attempt.overdue.wait()),
            asyncio.create_task(self._wait_for_missing_transcript(attempt)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            problem = tasks[0].exception() if tasks[0].done() else TimeoutError()
        finally:
            self._attempt = None
            await cancel_and_wait(*tasks)
        if problem is not None:
            # Only the type of the error: its text may contain parts of the call or a key.
            kind = type(problem).__name__
            log.warning(
                "STT provider failed, switching", extra={"provider": provider.label, "kind": kind}
            )
            self._fallback.policy.record_failure(provider)
            self._turn_failures += 1
        worked = attempt.has_responded and self._turn_failures <= MAX_FAILURES_PER_TURN
        if problem is not None and worked and self._fallback.policy.has_single_provider:
            self._emit_error(APIConnectionError("The STT provider failed."), recoverable=True)
        return problem is None or worked

    async def _wait_for_missing_transcript(self, attempt: _Attempt) -> None:
        """Return when the provider was given untranscribed speech and sent no events for it."""
        if self._transcript is not TranscriptState.COMPLETE:
            await asyncio.sleep(self._fallback.timeout_seconds)
            if not attempt.has_responded:
                return
        await asyncio.Event().wait()  # until this task is cancelled

    async def _forward_events(self, provider: stt.STT[Any], attempt: _Attempt) -> None:
        """Forward events until the input ends or a preferred provider may be tried. Raises when
        the provider fails."""
        without_retry = APIConnectOptions(max_retry=0, timeout=self._fallback.timeout_seconds)
        async with provider.stream(conn_options=without_retry) as stream:
            elapsed = time.time() - self._start_time - self._replay_buffer.seconds
            stream.start_time_offset = max(0.0, self.start_time_offset + elapsed)
            for frame in self._replay_buffer.frames:
                stream.push_frame(frame)
            attempt.stream, attempt.pushed_seconds = stream, self._replay_buffer.seconds
            async for event in stream:
                self._report(event)
                if event.type in NON_SPEECH_EVENTS:
                    continue
                self._last_event_at = time.time()
                attempt.has_responded = True
                self._apply(event.type)
                if event.type is SpeechEventType.FINAL_TRANSCRIPT:
                    self._fallback.policy.record_success(provider)
                    self._turn_failures = 0
                    self._drop_transcribed_audio(event, stream.start_time_offset, attempt)
                between_turns = event.type is SpeechEventType.END_OF_SPEECH
                if between_turns and self._fallback.policy.preferred is not provider:
                    return
        if not self._input_ch.closed:
            raise APIConnectionError("The STT provider closed the stream.")

    def _report(self, event: SpeechEvent) -> None:
        if self._fallback.transcripts is None:
            self._emit(event)
        else:
            self._fallback.transcripts.pass_on(event, self._emit)

    def _emit(self, event: SpeechEvent) -> None:
        with suppress(ChanClosed):
            self._event_ch.send_nowait(event)

    def _drop_transcribed_audio(self, event: SpeechEvent, offset: float, attempt: _Attempt) -> None:
        until = max((each.end_time for each in event.alternatives), default=0.0)
        transcribed = until - offset if until else attempt.pushed_seconds
        self._replay_buffer.trim_to(max(0.0, attempt.pushed_seconds - transcribed))

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[SpeechEvent]) -> None:
        async for _ in event_aiter:
            pass  # every provider reports its own metrics
