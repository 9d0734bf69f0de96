"""TTS with failover: when a provider fails, the next one continues where it stopped.

Not livekit-agents' own adapter: it drops the rest of a sentence that was cut off, waits long for a
provider that stays silent, and has every failed sentence synthesized once more, which is paid for
and discarded."""

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

TIMEOUT_SECONDS = 2.5
"""Time for the first audio after the provider received text, and for each next frame."""
PLUGIN_TIMEOUT_FACTOR = 4
"""The plugins get a timeout this many times ours, because theirs also covers pauses of the LLM."""
WORDS_PER_SECOND = 2.6
"""Assumed speaking rate of providers that send no word timestamps."""
POLL_INTERVAL_SECONDS = 0.1
PROVIDER_ERRORS = (APIError, TimeoutError, aiohttp.ClientError, OSError, RuntimeError, ValueError)


class TtsFallback(PreferredProviderIdentity, tts.TTS[Any]):
    policy: FailoverPolicy[tts.TTS[Any]]

    def __init__(
        self,
        policy: FailoverPolicy[tts.TTS[Any]],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        super().__init__(
            capabilities=TTSCapabilities(
                streaming=True,
                aligned_transcript=all(
                    provider.capabilities.aligned_transcript for provider in policy.providers
                ),
            ),
            sample_rate=max(provider.sample_rate for provider in policy.providers),
            num_channels=1,
        )
        self.policy = policy
        self.timeout_seconds = timeout_seconds
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
        for provider in self.policy.providers:
            await provider.aclose()


class _FallbackSynthesizeStream(tts.SynthesizeStream):
    def __init__(self, fallback: TtsFallback) -> None:
        self._fallback = fallback
        self._text = ""
        """The text to speak, as far as it has arrived."""
        self._spoken_words = 0
        """How many of its words were spoken by providers that failed."""
        self._input_ended_at: float | None = None
        self._inner: tts.SynthesizeStream | None = None
        self._audio_seconds = 0.0
        """Seconds of audio that all providers together produced."""
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
        """Use the first provider that works; a single provider is tried twice."""
        policy = self._fallback.policy
        for provider in policy.candidates() * (2 if policy.has_single_provider else 1):
            started_at = time.monotonic()
            try:
                spoke = await self._run_provider(provider, emitter)
            except PROVIDER_ERRORS as problem:
                # Only the type of the error: its text may contain parts of the call or a key.
                kind = type(problem).__name__
                log.warning(
                    "TTS provider failed, switching",
                    extra={"provider": provider.label, "kind": kind},
                )
                policy.record_failure(provider)
                if (
                    time.monotonic() - started_at >= self._fallback.timeout_seconds
                    and policy.has_single_provider
                ):
                    break  # it timed out, and a second attempt would keep the caller waiting
            else:
                if spoke:
                    policy.record_success(provider)
                return
        raise APIConnectionError("No TTS provider is available.", retryable=False)

    async def _run_provider(self, provider: tts.TTS[Any], emitter: AudioEmitter) -> bool:
        """Speak what is not spoken yet. Returns whether there was anything to speak; a provider
        that breaks off raises, so that some audio alone does not count as success."""
        rest = skip_words(self._text, self._spoken_words)
        if self._input_ended_at is not None and not rest.strip():
            return False
        playback = _SegmentPlayback(
            provider.sample_rate, self._fallback.sample_rate, self._audio_seconds
        )
        without_retry = APIConnectOptions(
            max_retry=0, timeout=PLUGIN_TIMEOUT_FACTOR * self._fallback.timeout_seconds
        )
        stream = provider.stream(conn_options=without_retry)
        stream.push_text(rest)
        if self._input_ended_at is not None:
            stream.end_input()
        self._inner = stream
        started_at, last_audio_at = time.monotonic(), None
        try:
            async with stream:
                while (
                    audio := await self._next_audio(stream, started_at, last_audio_at)
                ) is not None:
                    last_audio_at = time.monotonic()
                    self._started_time = self._started_time or stream._started_time
                    for frame in playback.resample(audio):
                        emitter.push_frame(frame)
                    emitter.push_timed_transcript(playback.timed_words(audio))
            for frame in playback.flush():
                emitter.push_frame(frame)
            if not playback.seconds or self._input_ended_at is None:
                raise APIConnectionError("The TTS provider closed the stream.")
            return True
        except BaseException:
            self._spoken_words += playback.spoken_word_count(rest)
            raise
        finally:
            self._inner = None
            self._audio_seconds += playback.seconds

    async def _next_audio(
        self, stream: tts.SynthesizeStream, started_at: float, last_audio_at: float | None
    ) -> SynthesizedAudio | None:
        following = asyncio.ensure_future(anext(stream, None))
        try:
            while not following.done():
                await asyncio.wait({following}, timeout=POLL_INTERVAL_SECONDS)
                late = (
                    self._waiting_seconds(stream, started_at, last_audio_at)
                    > self._fallback.timeout_seconds
                )
                if late and not following.done():
                    raise TimeoutError("no audio in time")
            return following.result()
        finally:
            await cancel_and_wait(following)

    def _waiting_seconds(
        self, stream: tts.SynthesizeStream, started_at: float, last_audio_at: float | None
    ) -> float:
        """Seconds since the provider received text without producing audio. While more text is to
        come, it may still lack the end of a sentence, so only its first sentence counts."""
        if self._input_ended_at is not None:
            return time.monotonic() - max(last_audio_at or started_at, self._input_ended_at)
        if last_audio_at is None and stream._started_time:
            return time.perf_counter() - stream._started_time
        return 0.0

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[SynthesizedAudio]) -> None:
        async for _ in event_aiter:
            pass  # every provider reports its own metrics


class _SegmentPlayback:
    """Resamples the audio of one provider to the rate of the fallback and tracks its progress."""

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
        """The timed words of a frame, relative to the start of the whole utterance."""
        words = []
        for word in audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ():
            # A TTS without streaming input gives only the start of each sentence.
            if is_given(word.end_time):
                self._words.append((str(word), word.end_time))
            start, end = self._with_offset(word.start_time), self._with_offset(word.end_time)
            words.append(TimedString(word, start_time=start, end_time=end))
        return words

    def _with_offset(self, at: NotGivenOr[float]) -> NotGivenOr[float]:
        return at + self._offset_seconds if is_given(at) else at

    def spoken_word_count(self, text: str) -> int:
        """How many words of the text were spoken; an estimate without word timestamps."""
        if not self._words:
            return round(self.seconds * WORDS_PER_SECOND)
        spoken = [word for word, end in self._words if end <= self.seconds + POLL_INTERVAL_SECONDS]
        return len("".join(spoken).split())


def skip_words(text: str, count: int) -> str:
    """The text after its first `count` words."""
    parts = text.split(maxsplit=count)
    if count == 0:
        return text
    return parts[count] if len(parts) > count else ""
