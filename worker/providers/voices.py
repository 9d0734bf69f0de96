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

from domain.tasks import end
from worker.providers.order import Front, Order, pass_on

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.5
"""To produce the first audio in, once there is text, and the next after each."""
PLUGIN_TIMEOUTS = 4
"""As many timeouts are given to the plugins: they count pauses of the model as well."""
WORDS_A_SECOND = 2.6
"""How fast voices speak that do not say which word comes when."""
LOOK_SECONDS = 0.1
FAILURES = (APIError, TimeoutError, aiohttp.ClientError, OSError, RuntimeError, ValueError)


class Voices(Front, tts.TTS[Any]):
    order: Order[tts.TTS[Any]]

    def __init__(
        self, order: Order[tts.TTS[Any]], timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        super().__init__(
            capabilities=TTSCapabilities(
                streaming=True,
                aligned_transcript=all(one.capabilities.aligned_transcript for one in order.all),
            ),
            sample_rate=max(one.sample_rate for one in order.all),
            num_channels=1,
        )
        self.order = order
        self.timeout_seconds = timeout_seconds
        pass_on(order, self.emit)

    def prewarm(self) -> None:
        self.order.first.prewarm()

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _Saying(self)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self.order.first.synthesize(text, conn_options=conn_options)

    async def aclose(self) -> None:
        for one in self.order.all:
            await one.aclose()


class _Saying(tts.SynthesizeStream):
    def __init__(self, voices: Voices) -> None:
        self._voices = voices
        self._text = ""
        """All that is to be said, as far as it is known."""
        self._said = 0
        """How many words of it those who broke off had said."""
        self._ended_at: float | None = None
        self._inner: tts.SynthesizeStream | None = None
        self._seconds = 0.0
        """Of sound, by all."""
        self._known = asyncio.Event()
        super().__init__(tts=voices, conn_options=APIConnectOptions(max_retry=0))

    async def _run(self, emitter: AudioEmitter) -> None:
        emitter.initialize(
            request_id=shortuuid(),
            sample_rate=self._voices.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        emitter.start_segment(segment_id=shortuuid())
        reading = asyncio.create_task(self._read())
        try:
            await self._known.wait()
            await self._say(emitter)
        finally:
            await end(reading)

    async def _read(self) -> None:
        async for data in self._input_ch:
            if not isinstance(data, str):
                continue
            self._text += data
            if self._inner is not None:
                self._inner.push_text(data)
            self._known.set()
        self._ended_at = time.monotonic()
        self._known.set()
        if self._inner is not None:
            self._inner.end_input()

    async def _say(self, emitter: AudioEmitter) -> None:
        """By the first that can; whoever stands alone may try again."""
        order = self._voices.order
        for one in order.now() * (2 if order.alone else 1):
            began = time.monotonic()
            try:
                await self._by(one, emitter)
            except FAILURES as problem:
                # The kind of failure, never its text: that may hold words of the call, or a key.
                kind = type(problem).__name__
                log.warning("no longer spoken by", extra={"provider": one.label, "kind": kind})
                order.failed(one)
                if time.monotonic() - began >= self._voices.timeout_seconds and order.alone:
                    break  # it is not there; the caller has waited enough
            else:
                return
        raise APIConnectionError("No voice spoke.", retryable=False)

    async def _by(self, one: tts.TTS[Any], emitter: AudioEmitter) -> None:
        rest = after_words(self._text, self._said)
        if self._ended_at is not None and not rest.strip():
            return
        tune = _Tune(one.sample_rate, self._voices.sample_rate, self._seconds)
        patient = APIConnectOptions(
            max_retry=0, timeout=PLUGIN_TIMEOUTS * self._voices.timeout_seconds
        )
        stream = one.stream(conn_options=patient)
        stream.push_text(rest)
        if self._ended_at is not None:
            stream.end_input()
        self._inner = stream
        began, last = time.monotonic(), None
        try:
            async with stream:
                while (audio := await self._next(stream, began, last)) is not None:
                    last = time.monotonic()
                    self._voices.order.answered(one)
                    self._started_time = self._started_time or stream._started_time
                    for frame in tune.of(audio):
                        emitter.push_frame(frame)
                    emitter.push_timed_transcript(tune.timed(audio))
            for frame in tune.rest():
                emitter.push_frame(frame)
            if not tune.seconds or self._ended_at is None:
                raise APIConnectionError("It stopped speaking.")
        except BaseException:
            self._said += tune.words(rest)
            raise
        finally:
            self._inner = None
            self._seconds += tune.seconds

    async def _next(
        self, stream: tts.SynthesizeStream, began: float, last: float | None
    ) -> SynthesizedAudio | None:
        coming = asyncio.ensure_future(anext(stream, None))
        try:
            while not coming.done():
                await asyncio.wait({coming}, timeout=LOOK_SECONDS)
                late = self._waited(stream, began, last) > self._voices.timeout_seconds
                if late and not coming.done():
                    raise TimeoutError("no sound")
            return coming.result()
        finally:
            await end(coming)

    def _waited(self, stream: tts.SynthesizeStream, began: float, last: float | None) -> float:
        """So long it has had something to say and said nothing. While more is to come nobody
        knows whether it has all of a sentence, except that its first one was sent."""
        if self._ended_at is not None:
            return time.monotonic() - max(last or began, self._ended_at)
        if last is None and stream._started_time:
            return time.perf_counter() - stream._started_time
        return 0.0

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[SynthesizedAudio]) -> None:
        async for _ in event_aiter:
            pass  # each of the chain tells its own


class _Tune:
    """What one of the voices said: at the pitch of the chain, and how far it came."""

    def __init__(self, rate: int, wanted: int, before: float) -> None:
        self._resampler = None if rate == wanted else rtc.AudioResampler(rate, wanted)
        self._before = before
        self._words: list[tuple[str, float]] = []
        self.seconds = 0.0

    def of(self, audio: SynthesizedAudio) -> list[rtc.AudioFrame]:
        self.seconds += audio.frame.duration
        return [audio.frame] if self._resampler is None else self._resampler.push(audio.frame)

    def rest(self) -> list[rtc.AudioFrame]:
        return [] if self._resampler is None else self._resampler.flush()

    def timed(self, audio: SynthesizedAudio) -> list[TimedString]:
        """Its words, by the clock of the whole sentence."""
        words = []
        for word in audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ():
            # A voice that is given sentences tells only when each of them begins.
            if is_given(word.end_time):
                self._words.append((str(word), word.end_time))
            begin, over = self._later(word.start_time), self._later(word.end_time)
            words.append(TimedString(word, start_time=begin, end_time=over))
        return words

    def _later(self, at: NotGivenOr[float]) -> NotGivenOr[float]:
        return at + self._before if is_given(at) else at

    def words(self, text: str) -> int:
        """How many of the text were said."""
        if not self._words:
            return round(self.seconds * WORDS_A_SECOND)
        said = [word for word, over in self._words if over <= self.seconds + LOOK_SECONDS]
        return len("".join(said).split())


def after_words(text: str, count: int) -> str:
    """What follows the first words."""
    parts = text.split(maxsplit=count)
    if count == 0:
        return text
    return parts[count] if len(parts) > count else ""
