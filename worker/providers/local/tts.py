"""TTS on this machine with espeak-ng, found on PATH or at ESPEAK_NG. It always runs as a separate
process, because its licence is the GPL."""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import Any

from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions

from domain.workflows.agents import ProviderChoice
from worker.providers.api_keys import ProviderKeys, ProviderMisconfigured

SAMPLE_RATE = 22_050
WAV_HEADER_BYTES = 44
CHUNK_BYTES = 4_096
DEFAULT_WORDS_PER_MINUTE = 165
VOICE_PATTERN = re.compile(r"[a-z]{2,8}(-[a-zA-Z0-9]{1,8})*(\+[a-zA-Z0-9]{1,20})?")
ESPEAK_LANGUAGES = {"en": "en-us", "zh": "cmn", "no": "nb"}
"""The names of espeak-ng for languages, where they differ from the language tag."""


def local_tts(
    choice: ProviderChoice, keys: ProviderKeys, language: str | None, voice: str | None
) -> tts.TTS[Any]:
    program = shutil.which(keys.espeak_ng)
    if program is None:
        raise ProviderMisconfigured(
            "The text-to-speech provider local needs espeak-ng. Install it (apt-get install "
            "espeak-ng, or brew install espeak-ng), or set ESPEAK_NG to its path."
        )
    if voice and not VOICE_PATTERN.fullmatch(voice):
        raise ProviderMisconfigured(
            f"{voice[:40]!r} is not an espeak-ng voice; examples are en-gb and en-us+f3."
        )
    speed = float(choice.options.get("speed", 1.0))
    return LocalTTS(program, voice or _default_voice(language or "en"), speed)


def _default_voice(language: str) -> str:
    family = language.split("-")[0]
    return ESPEAK_LANGUAGES.get(family, family)


class LocalTTS(tts.TTS[Any]):
    def __init__(self, program: str, voice: str, speed: float) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        rate = str(round(DEFAULT_WORDS_PER_MINUTE * speed))
        # The text is passed on stdin, so it cannot be read as an option or by a shell.
        self.command = (program, "--stdin", "--stdout", "-b", "1", "-v", voice, "-s", rate)

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
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
            )
        except OSError:
            raise APIConnectionError("espeak-ng did not start.", retryable=False) from None
        try:
            async with asyncio.timeout(self._conn_options.timeout):
                await self._speak(process, output_emitter)
        except TimeoutError:
            raise APITimeoutError("espeak-ng did not finish.") from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

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
