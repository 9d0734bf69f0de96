"""A voice with others behind it: when one breaks off, the next goes on where it was.

Not livekit-agents' own adapter, which drops the rest of a sentence that broke off, waits long for
one that is silent, and has every failed sentence spoken once more, paid and unheard."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterable
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectionError, APIError, tts
from livekit.agents.tts import AudioEmitter, SynthesizedAudio, TTSCapabilities
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    USERDATA_TIMED_TRANSCRIPT,
    APIConnectOptions,
    NotGivenOr,
    TimedString,
)
from livekit.agents.utils import is_given, shortuuid

from domain.common.tasks import cancel_and_wait
from worker.providers.failover import FailoverPolicy, PreferredProviderIdentity, forward_metrics

log = logging.getLogger(__name__)

AUDIO_TIMEOUT_SECONDS = 2.5
"""Once there is something to say, a sound comes in this time, and the next one after each."""
PLUGIN_TIMEOUT_SECONDS = 10.0
"""What the plugins are told: they count pauses of the model as well. We are less patient."""
WORDS_PER_SECOND = 2.6
"""How fast voices speak that do not say which word comes when."""
POLL_INTERVAL_SECONDS = 0.1
PROVIDER_ERRORS = (APIError, TimeoutError, aiohttp.ClientError, OSError, RuntimeError, ValueError)


class TtsFallback(PreferredProviderIdentity, tts.TTS[Any]):
    policy: FailoverPolicy[tts.TTS[Any]]

    def __init__(
        self,
        policy: FailoverPolicy[tts.TTS[Any]],
        audio_timeout_seconds: float = AUDIO_TIMEOUT_SECONDS,
    ) -> None:
        super().__init__(
            capabilities=TTSCapabilities(
                streaming=True,
                aligned_transcript=all(
                    one.capabilities.aligned_transcript for one in policy.providers
                ),
            ),
            sample_rate=max(one.sample_rate for one in policy.providers),
            num_channels=1,
        )
        self.policy = policy
        self.audio_timeout_seconds = audio_timeout_seconds
        forward_metrics(policy, self.emit)

    def prewarm(self) -> None:
        self.policy.preferred.prewarm()

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _FallbackSynthesizeStream(self)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self.policy.preferred.synthesize(text, conn_options=conn_options)

    async def aclose(self) -> None:
        for one in self.policy.providers:
            await one.aclose()


class _FallbackSynthesizeStream(tts.SynthesizeStream):
    def __init__(self, fallback: TtsFallback) -> None:
        self._fallback = fallback
        self._text = ""
        """All that is to be said, as far as it is known."""
        self._spoken_words = 0
        """How many words of it those who broke off had said."""
        self._input_ended_at: float | None = None
        self._inner: tts.SynthesizeStream | None = None
        self._audio_seconds = 0.0
        """Of sound, by all."""
        self._input_available = asyncio.Event()
        super().__init__(tts=fallback, conn_options=APIConnectOptions(max_retry=0))

    async def _run(self, emitter: AudioEmitter) -> None:
        emitter.initialize(
            request_id=shortuuid(),
            sample_rate=self._fallback.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        emitter.start_segment(segment_id=shortuuid())
        reading = asyncio.create_task(self._read_input())
        try:
            await self._input_available.wait()
            await self._run_providers(emitter)
        finally:
            await cancel_and_wait(reading)

    async def _read_input(self) -> None:
        async for data in self._input_ch:
            if not isinstance(data, str):
                continue
            self._text += data
            if self._inner is not None:
                self._inner.push_text(data)
            self._input_available.set()
        self._input_ended_at = time.monotonic()
        self._input_available.set()
        if self._inner is not None:
            self._inner.end_input()

    async def _run_providers(self, emitter: AudioEmitter) -> None:
        """By the first that can; whoever stands alone may try again."""
        order = self._fallback.policy
        for one in order.candidates() * (2 if order.has_single_provider else 1):
            began = time.monotonic()
            try:
                await self._run_provider(one, emitter)
            except PROVIDER_ERRORS as problem:
                # The kind of failure, never its text: that may hold words of the call, or a key.
                kind = type(problem).__name__
                log.warning("no longer spoken by", extra={"provider": one.label, "kind": kind})
                order.record_failure(one)
                if (
                    time.monotonic() - began >= self._fallback.audio_timeout_seconds
                    and order.has_single_provider
                ):
                    break  # it is not there; the caller has waited enough
            else:
                return
        raise APIConnectionError("No voice spoke.", retryable=False)

    async def _run_provider(self, one: tts.TTS[Any], emitter: AudioEmitter) -> None:
        rest = skip_words(self._text, self._spoken_words)
        if self._input_ended_at is not None and not rest.strip():
            return
        tune = _SegmentPlayback(one.sample_rate, self._fallback.sample_rate, self._audio_seconds)
        patient = APIConnectOptions(max_retry=0, timeout=PLUGIN_TIMEOUT_SECONDS)
        stream = one.stream(conn_options=patient)
        stream.push_text(rest)
        if self._input_ended_at is not None:
            stream.end_input()
        self._inner = stream
        began, last = time.monotonic(), None
        try:
            async with stream:
                while (audio := await self._next_audio(stream, began, last)) is not None:
                    last = time.monotonic()
                    self._fallback.policy.record_success(one)
                    self._started_time = self._started_time or stream._started_time
                    for frame in tune.resample(audio):
                        emitter.push_frame(frame)
                    emitter.push_timed_transcript(tune.timed_words(audio))
            for frame in tune.flush():
                emitter.push_frame(frame)
            if not tune.seconds or self._input_ended_at is None:
                raise APIConnectionError("It stopped speaking.")
        except BaseException:
            self._spoken_words += tune.spoken_word_count(rest)
            raise
        finally:
            self._inner = None
            self._audio_seconds += tune.seconds

    async def _next_audio(
        self, stream: tts.SynthesizeStream, began: float, last: float | None
    ) -> SynthesizedAudio | None:
        coming = asyncio.ensure_future(anext(stream, None))
        try:
            while not coming.done():
                await asyncio.wait({coming}, timeout=POLL_INTERVAL_SECONDS)
                late = (
                    self._waiting_seconds(stream, began, last)
                    > self._fallback.audio_timeout_seconds
                )
                if late and not coming.done():
                    raise TimeoutError("no sound")
            return coming.result()
        finally:
            await cancel_and_wait(coming)

    def _waiting_seconds(
        self, stream: tts.SynthesizeStream, began: float, last: float | None
    ) -> float:
        """So long it has had something to say and said nothing. While more is to come nobody
        knows whether it has all of a sentence, except that its first one was sent."""
        if self._input_ended_at is not None:
            return time.monotonic() - max(last or began, self._input_ended_at)
        if last is None and stream._started_time:
            return time.perf_counter() - stream._started_time
        return 0.0

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[SynthesizedAudio]) -> None:
        async for _ in event_aiter:
            pass  # each of the chain tells its own


class _SegmentPlayback:
    """What one of the voices said: at the pitch of the chain, and how far it came."""

    def __init__(self, rate: int, target_rate: int, offset_seconds: float) -> None:
        self._resampler = None if rate == target_rate else rtc.AudioResampler(rate, target_rate)
        self._offset_seconds = offset_seconds
        self._words: list[tuple[str, float]] = []
        self.seconds = 0.0

    def resample(self, audio: SynthesizedAudio) -> list[rtc.AudioFrame]:
        self.seconds += audio.frame.duration
        return [audio.frame] if self._resampler is None else self._resampler.push(audio.frame)

    def flush(self) -> list[rtc.AudioFrame]:
        return [] if self._resampler is None else self._resampler.flush()

    def timed_words(self, audio: SynthesizedAudio) -> list[TimedString]:
        """Its words, by the clock of the whole sentence."""
        words = []
        for word in audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ():
            # A voice that is given sentences tells only when each of them begins.
            if is_given(word.end_time):
                self._words.append((str(word), word.end_time))
            begin, over = self._with_offset(word.start_time), self._with_offset(word.end_time)
            words.append(TimedString(word, start_time=begin, end_time=over))
        return words

    def _with_offset(self, at: NotGivenOr[float]) -> NotGivenOr[float]:
        return at + self._offset_seconds if is_given(at) else at

    def spoken_word_count(self, text: str) -> int:
        """How many of the text were said."""
        if not self._words:
            return round(self.seconds * WORDS_PER_SECOND)
        said = [word for word, over in self._words if over <= self.seconds + POLL_INTERVAL_SECONDS]
        return len("".join(said).split())


def skip_words(text: str, count: int) -> str:
    """What follows the first words."""
    parts = text.split(maxsplit=count)
    if count == 0:
        return text
    return parts[count] if len(parts) > count else ""
