"""STT on this machine with PocketSphinx, without a key or a network. It recognizes little more than
the phrases that an agent lists."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectionError, APITimeoutError, inference, stt, utils
from livekit.agents.language import LanguageCode
from livekit.agents.types import NOT_GIVEN, APIConnectOptions

from domain.tenants.provider_keys import ProviderMisconfigured
from domain.workflows.agents import ProviderChoice
from worker.providers.local.pocketsphinx_process import LENGTH_PREFIX, SAMPLE_RATE

log = logging.getLogger(__name__)

START_TIMEOUT_SECONDS = 10.0
MIN_UTTERANCE_SECONDS = 0.25
"""Shorter sounds are coughs and clicks, not words."""
MIN_SILENCE_SECONDS = 0.4
NO_POCKETSPHINX = (
    "The speech-to-text provider local needs the package pocketsphinx, which is not installed. "
    "It has wheels for Python 3.11 and 3.13 only: run the worker on one of these, or choose another "
    "speech-to-text provider."
)
UNCLEAR = "(unclear)"
"""The transcript of speech that matches no phrase, so that the agent can ask again."""


def local_stt(choice: ProviderChoice) -> stt.STT[Any]:
    if find_spec("pocketsphinx") is None:
        raise ProviderMisconfigured(NO_POCKETSPHINX)
    return LocalSTT(choice.options.get("phrases", ()))


class LocalSTT(stt.StreamAdapter):
    """Splits the audio into utterances by VAD and has each recognized by a subprocess."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._sphinx = SphinxProcess(phrases)
        vad = inference.VAD(min_silence_duration=MIN_SILENCE_SECONDS)
        super().__init__(stt=_UtteranceSTT(self._sphinx), vad=vad)

    def prewarm(self) -> None:
        self._sphinx.prewarm()

    async def aclose(self) -> None:
        await super().aclose()
        await self._sphinx.aclose()


class _UtteranceSTT(stt.STT[Any]):
    def __init__(self, sphinx: SphinxProcess) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._sphinx = sphinx

    @property
    def model(self) -> str:
        return "pocketsphinx"

    @property
    def provider(self) -> str:
        return "local"

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: Any = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        pcm = _resample(rtc.combine_audio_frames(buffer))
        text = ""
        if len(pcm) >= MIN_UTTERANCE_SECONDS * SAMPLE_RATE * 2:
            text = await self._sphinx.recognize(pcm, conn_options.timeout) or UNCLEAR
        return stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            alternatives=[stt.SpeechData(language=LanguageCode("en"), text=text)],
        )


class SphinxProcess:
    """The PocketSphinx subprocess: started when it is first needed, restarted when it has died."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._phrases = list(phrases)
        self._process: Process | None = None
        self._prewarm_task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def prewarm(self) -> None:
        if self._prewarm_task is None:
            self._prewarm_task = asyncio.create_task(self._prewarm())

    async def _prewarm(self) -> None:
        # Errors are ignored here: the first recognition meets and reports them.
        async with self._lock:
            try:
                async with asyncio.timeout(START_TIMEOUT_SECONDS):
                    await self._ensure_started()
            except (OSError, ValueError, LookupError, TimeoutError):
                await self._kill()
            except asyncio.CancelledError:
                await self._kill()
                raise

    async def recognize(self, pcm: bytes, seconds: float) -> str:
        async with self._lock:
            try:
                async with asyncio.timeout(START_TIMEOUT_SECONDS):
                    process = await self._ensure_started()
                async with asyncio.timeout(seconds):
                    response = await _request(process, LENGTH_PREFIX.pack(len(pcm)) + pcm)
                return str(response["text"])
            except TimeoutError:
                await self._kill()
                raise APITimeoutError("PocketSphinx did not respond in time.") from None
            except (OSError, ValueError, LookupError):
                await self._kill()
                raise APIConnectionError("The PocketSphinx process died.") from None
            except asyncio.CancelledError:
                await self._kill()  # its response would be read as the one to the next request
                raise

    async def _ensure_started(self) -> Process:
        if self._process is None:
            command = (sys.executable, "-m", "worker.providers.local.pocketsphinx_process")
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
            )
            response = await _request(self._process, json.dumps(self._phrases).encode() + b"\n")
            if response["unknown"]:
                log.warning(
                    "phrases contain words that PocketSphinx does not know",
                    extra={"count": len(response["unknown"])},
                )
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def aclose(self) -> None:
        if self._prewarm_task is not None:
            self._prewarm_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._prewarm_task
        await self._kill()


async def _request(process: Process, message: bytes) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(message)
    await process.stdin.drain()
    return dict(json.loads(await process.stdout.readline()))


def _resample(frame: rtc.AudioFrame) -> bytes:
    """The PCM samples of the frame at 16 kHz, which PocketSphinx requires."""
    if frame.sample_rate == SAMPLE_RATE:
        return bytes(frame.data)
    resampler = rtc.AudioResampler(frame.sample_rate, SAMPLE_RATE)
    return b"".join(bytes(f.data) for f in (*resampler.push(frame), *resampler.flush()))
