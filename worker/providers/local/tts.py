"""TTS on this machine with espeak-ng, found on PATH or at ESPEAK_NG."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import Any

from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions

from domain.common.processes import running_program
from domain.providers.espeak import MISSING, SAMPLE_RATE, espeak_command, voice_problem
from domain.tenants.provider_keys import ProviderKeys, ProviderMisconfigured
from domain.workflows.agents import ProviderChoice

WAV_HEADER_BYTES = 44
CHUNK_BYTES = 4_096


def local_tts(
    choice: ProviderChoice, keys: ProviderKeys, language: str | None, voice: str | None
) -> tts.TTS[Any]:
    program = shutil.which(keys.espeak_ng)
    if program is None:
        raise ProviderMisconfigured(MISSING)
    if voice and (problem := voice_problem(voice)):
        raise ProviderMisconfigured(problem)
    return LocalTTS(espeak_command(program, language, voice, choice.options))


class LocalTTS(tts.TTS[Any]):
    def __init__(self, command: tuple[str, ...]) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self.command = command

    @property
    def model(self) -> str:
        return "espeak-ng"

    @property
    def provider(self) -> str:
        return "local"

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _EspeakStream(self, text, conn_options)


class _EspeakStream(tts.ChunkedStream):
    """Synthesizes one sentence in a process, which is killed with the stream on interruption."""

    def __init__(self, voice: LocalTTS, text: str, conn_options: APIConnectOptions) -> None:
        self._command = voice.command
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            mime_type="audio/pcm",
            frame_size_ms=50,
        )
        try:
            async with (
                running_program(*self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process,
                asyncio.timeout(self._conn_options.timeout),
            ):
                await self._speak(process, output_emitter)
        except TimeoutError:
            raise APITimeoutError("espeak-ng did not finish.") from None
        except OSError:
            raise APIConnectionError("espeak-ng did not start.", retryable=False) from None

    async def _speak(self, process: Process, output: tts.AudioEmitter) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self._input_text.encode() + b"\n")
        process.stdin.close()
        with suppress(asyncio.IncompleteReadError):
            await process.stdout.readexactly(WAV_HEADER_BYTES)
            while chunk := await process.stdout.read(CHUNK_BYTES):
                output.push(chunk)
        if code := await process.wait():
            raise APIStatusError("espeak-ng failed.", status_code=code, retryable=False)
        output.flush()
