"""Lets TTS providers say a short text, outside any call: with the requests that their LiveKit plugins
send, but without the plugins, which would multiply the memory of an API process."""

from __future__ import annotations

import asyncio
import base64
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from domain.common.errors import ProviderFailed
from domain.common.languages import primary_subtag
from domain.common.processes import running_program
from domain.common.settings import Settings
from domain.providers.catalog import KEY_HEADERS, find_provider
from domain.providers.espeak import MISSING, espeak_command
from domain.providers.espeak import SAMPLE_RATE as ESPEAK_RATE
from domain.providers.model import ProviderKind
from domain.tenants.credentials import DecryptedCredentials
from domain.tenants.provider_keys import ProviderKeys, ProviderMisconfigured
from domain.tenants.voice_previews import SpokenAudio, VoicePreview
from domain.tools.http import EgressBlocked, HttpFailed, HttpRequest, HttpResponse
from persistence.provider_http import ProviderHttp
from persistence.wav import BYTES_PER_SAMPLE, NotWav, decode_wav, encode_wav

TIMEOUT_SECONDS = 7.0
"""Less than an operation of the API may take, so that its client learns which provider was too slow."""
MAX_RESPONSE_BYTES = 5 * 1024 * 1024
"""More than the longest text takes at the slowest pace: 200 characters of Chinese or an Indian language take 80
seconds, which are 3.8 MB, or 5.1 MB as Base64."""
CHUNK_BYTES = 65_536
SAMPLE_RATE = 24_000

CARTESIA_VOICE = "f786b574-daa5-4673-aa0c-cbe3e8534c02"
SARVAM_VOICES = {
    "bulbul:v4-flash": "shubh_en_narration_gentle",
    "bulbul:v3": "shubh",
    "bulbul:v3-beta": "shubh",
}
SARVAM_VOICE_OF_OTHERS = "anushka"
"""The voices that the plugins use when none is chosen."""

FAILURES = {
    "timeout": "did not respond in time",
    "connect": "could not be reached",
    "broken": "closed the connection before its response was complete",
    "too_large": "sent more audio than the text needs",
}


@dataclass(frozen=True, slots=True)
class SpeechApi:
    """How a provider is asked for a WAV file, and where its response has it. `wav` returns what is there,
    which may be no audio."""

    path: str
    body: Callable[[VoicePreview], Mapping[str, Any]]
    wav: Callable[[bytes], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


class ProviderSynthesizer:
    def __init__(
        self, settings: Settings, http: ProviderHttp, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._keys = ProviderKeys.from_settings(settings)
        self._http = http
        self._timeout_seconds = timeout_seconds

    async def synthesize(
        self, preview: VoicePreview, credentials: DecryptedCredentials
    ) -> SpokenAudio:
        provider = preview.choice.provider
        if provider == "local":
            wav = await self._run_espeak(preview)
            return await asyncio.to_thread(_audio, provider, wav, ESPEAK_RATE)
        api, keys = SPEECH_APIS[provider], self._keys.with_tenant_credentials(credentials)
        response = await self._request(api, preview, keys)
        return await asyncio.to_thread(
            lambda: _audio(provider, api.wav(response.body), SAMPLE_RATE, response.status)
        )

    async def _request(
        self, api: SpeechApi, preview: VoicePreview, keys: ProviderKeys
    ) -> HttpResponse:
        provider = preview.choice.provider
        account = keys.account(preview.choice)
        request = HttpRequest(
            "POST",
            api.path,
            {KEY_HEADERS[provider]: account.key, **api.headers, **account.headers},
            orjson.dumps(api.body(preview)),
            timeout=self._timeout_seconds,
            max_body_bytes=MAX_RESPONSE_BYTES,
        )
        try:
            # Only the server of a tenant has a rule for its address.
            url = None if account.egress is None else account.base_url
            response = await self._http.send(provider, request, url)
        except EgressBlocked:
            raise _failed(provider, BLOCKED) from None
        except HttpFailed as error:
            raise _failed(provider, FAILURES[error.kind]) from None
        if response.status != 200:
            raise _failed(provider, _refusal(response.status), response.status)
        return response

    async def _run_espeak(self, preview: VoicePreview) -> bytes:
        """What espeak-ng writes. The process ends with this call at the latest."""
        program = shutil.which(self._keys.espeak_ng)
        if program is None:
            raise ProviderMisconfigured(MISSING)
        command = espeak_command(program, preview.language, preview.voice, preview.choice.options)
        wav = bytearray()
        try:
            async with (
                running_program(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process,
                asyncio.timeout(self._timeout_seconds),
            ):
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(preview.spoken_text.encode() + b"\n")
                process.stdin.close()
                while chunk := await process.stdout.read(CHUNK_BYTES):
                    wav += chunk
                    if len(wav) > MAX_RESPONSE_BYTES:
                        raise _failed("local", FAILURES["too_large"])
                if await process.wait():
                    raise _failed("local", "failed; it may not have this voice or this language")
        except TimeoutError:
            raise _failed("local", FAILURES["timeout"]) from None
        except OSError:
            raise _failed("local", "did not start") from None
        return bytes(wav)


def _cartesia_body(preview: VoicePreview) -> Mapping[str, Any]:
    choice = preview.choice
    body: dict[str, Any] = {
        "model_id": choice.model,
        "transcript": preview.spoken_text,
        "voice": {"mode": "id", "id": preview.voice or CARTESIA_VOICE},
        "language": primary_subtag(preview.language) if preview.language else "en",
        "output_format": {
            "container": "wav",
            "encoding": "pcm_s16le",
            "sample_rate": SAMPLE_RATE,
        },
    }
    if choice.model.startswith("sonic-3") and choice.options:
        body["generation_config"] = dict(choice.options)
    return body


def _sarvam_body(preview: VoicePreview) -> Mapping[str, Any]:
    model, options = preview.choice.model, preview.choice.options
    language = preview.language or "en"
    body: dict[str, Any] = {
        "model": model,
        "text": preview.spoken_text,
        "speaker": preview.voice or SARVAM_VOICES.get(model, SARVAM_VOICE_OF_OTHERS),
        "target_language_code": f"{primary_subtag(language)}-IN",
        "pace": options.get("pace", 1.0),
        "speech_sample_rate": SAMPLE_RATE,
        "output_audio_codec": "wav",
    }
    if model in ("bulbul:v2", "bulbul:v4-flash"):
        limit = 0.5 if model == "bulbul:v4-flash" else 0.75
        body["pitch"] = max(-limit, min(limit, options.get("pitch", 0.0)))
        body["loudness"] = options.get("loudness", 1.0)
        body["enable_preprocessing"] = False
    if model in SARVAM_VOICES:
        body["temperature"] = options.get("temperature", 0.6)
    return body


def _sarvam_wav(body: bytes) -> bytes:
    try:
        [audio] = orjson.loads(body)["audios"]
        return base64.b64decode(audio)
    except (KeyError, TypeError, ValueError):
        return b""


SPEECH_APIS: Mapping[str, SpeechApi] = {
    "cartesia": SpeechApi(
        "/tts/bytes", _cartesia_body, lambda body: body, {"Cartesia-Version": "2025-04-16"}
    ),
    "sarvam": SpeechApi("/text-to-speech", _sarvam_body, _sarvam_wav),
}
BLOCKED = "was not asked, because the server of its credential has a private address"
NO_AUDIO = "responded with something other than the audio that was requested"


def _audio(provider: str, wav: bytes, rate: int, status: int | None = None) -> SpokenAudio:
    """The audio as a file of our own, which has nothing of the provider's but the samples."""
    try:
        samples, actual_rate = decode_wav(wav)
    except NotWav:
        raise _failed(provider, NO_AUDIO, status) from None
    if not samples or actual_rate != rate:
        raise _failed(provider, NO_AUDIO, status)
    seconds = len(samples) / BYTES_PER_SAMPLE / rate
    return SpokenAudio(wav=encode_wav(samples, rate), seconds=seconds)


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"rejects the key (status {status})"
    if status == 429:
        return f"takes no more requests for the moment (status {status})"
    if 400 <= status < 500:
        return f"refuses the model, the voice, the language or an option (status {status})"
    return f"failed with status {status}"


def _failed(provider: str, what: str, status: int | None = None) -> ProviderFailed:
    entry = find_provider(ProviderKind.TTS, provider)
    name = provider if entry is None else entry.display_name.partition(" (")[0]
    return ProviderFailed(f"{name} {what}.", ("tts", "provider"), provider=provider, status=status)
