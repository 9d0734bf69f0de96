"""Previews of voices: what the providers are asked for, and what becomes of their responses."""

from __future__ import annotations

import asyncio
import base64
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from domain.audit.model import AuditFilter, AuditKind
from domain.common.access import ROLE_SCOPES, Role, Tenant, Viewer
from domain.common.errors import Forbidden
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait
from domain.ports import Services
from domain.providers.catalog import TTS, find_provider
from domain.providers.model import ProviderKind
from domain.tenants.credentials import DecryptedCredentials, ProviderEndpoint
from domain.tenants.provider_keys import ProviderKeys
from domain.tenants.voice_previews import VoicePreview
from domain.tools.network_allow_list import AllowList
from domain.use_cases.credentials import set_credential
from domain.use_cases.voice_previews import PREVIEWS_PER_MINUTE, preview_voice
from domain.workflows.agents import ProviderChoice
from domain.workflows.spoken_texts import DEFAULT_SPOKEN_TEXTS, SpokenText
from graph.app import build_schema_with_loaders
from local.emulators.audio import wav_file
from local.emulators.faults import Fault, MalformedMessage, NoResponse, RejectedConnection
from local.emulators.http_server import run_server
from local.emulators.speech import run_speech_emulator
from persistence.guarded_http import GuardedHttpClient
from persistence.provider_http import ProviderHttp
from persistence.speech_synthesis import SPEECH_APIS, ProviderSynthesizer
from persistence.wav import BYTES_PER_SAMPLE, NotWav, decode_wav, encode_wav
from tests.api.test_budgets import limit
from tests.api.test_credential_endpoints import address_of
from tests.conftest import new_tenant
from tests.support.api_server import Api, running_api
from tests.support.graphql_calls import ERROR_FIELDS, mutate
from tests.support.viewers import member_of, owner_of
from tests.support.waiting import until
from tests.voice.test_voice_talk import espeak
from worker.providers.http import create_http_session
from worker.providers.registry import TTS_FACTORIES

pytestmark = pytest.mark.anyio

OPERATORS, OWN = "operator-key-1234", "own-key-of-a-tenant-1234"
PREVIEW = f"""mutation ($input: PreviewVoiceInput!) {{ previewVoice(input: $input) {{ __typename
  ... on PreviewVoiceSuccess {{ audio mimeType duration }}
  ... on ProviderFailed {{ provider status }} {ERROR_FIELDS}
  ... on ValidationError {{ problems {{ path }} }} }} }}"""
CARTESIA = {"provider": "cartesia", "model": "sonic-3"}
SARVAM = {"provider": "sarvam", "model": "bulbul:v3"}
LOCAL = {"provider": "local", "model": "espeak-ng"}
OF_DELIVERY = {
    *("output_format", "output_audio_codec", "output_audio_bitrate"),
    *("min_buffer_size", "max_chunk_length"),
}


def keyed(settings: Settings, url: str) -> Settings:
    """The operator has keys of all providers, whose server is at the URL."""
    keys: dict[str, Any] = {f"{name}_api_key": OPERATORS for name in SPEECH_APIS}
    urls: dict[str, Any] = {f"{name}_base_url": url for name in SPEECH_APIS}
    return replace(settings, **keys, **urls)


@asynccontextmanager
async def previewing(
    settings: Settings, services: Services, viewer: Viewer, seconds: float = 60.0
) -> AsyncIterator[Api]:
    """An API whose requests to providers may take this long."""
    outbound = GuardedHttpClient(settings.outbound_allow)
    http = ProviderHttp(settings, guarded_http=outbound)
    synthesizer = ProviderSynthesizer(settings, http, seconds)
    try:
        async with running_api(
            replace(services, speech_synthesizer=synthesizer),
            settings,
            viewer,
            build_schema_with_loaders,
        ) as api:
            yield api
    finally:
        await outbound.aclose()


def heard(preview: Any) -> tuple[int, Any]:
    assert preview["__typename"] == "PreviewVoiceSuccess", preview
    assert preview["mimeType"] == "audio/wav"
    with wave.open(BytesIO(base64.b64decode(preview["audio"]))) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        seconds = len(samples) / file.getframerate()
        assert float(preview["duration"][2:-1]) == pytest.approx(seconds, abs=0.001)
        return file.getframerate(), samples


@pytest.mark.parametrize("provider", SPEECH_APIS)
async def test_a_voice_is_heard_with_its_options(
    services: Services, settings: Settings, viewer: Viewer, provider: str
) -> None:
    options = {"cartesia": {"speed": 1.2, "volume": 0.8}, "sarvam": {"pace": 1.2}}[provider]
    voice = {"cartesia": "voice-of-cartesia", "sarvam": "ritu"}[provider]
    entry = find_provider(ProviderKind.TTS, provider)
    assert entry is not None
    async with run_speech_emulator() as emulator:
        emulator.accepted_keys = frozenset({OPERATORS})
        async with previewing(keyed(settings, emulator.url), services, viewer) as api:
            tts = {"provider": provider, "model": entry.models[0], "options": options}
            rate, samples = heard(
                await mutate(
                    api, PREVIEW, tts=tts, voice=voice, language="hi-IN", text="One {{two."
                )
            )
            await mutate(api, PREVIEW, tts=tts, language="hi-IN")
    assert (rate, len(samples)) == (24_000, 2 * 0.12 * 24_000)
    assert 5_000 < np.sqrt(np.mean(samples.astype(float) ** 2)) < 6_000
    [(_, asked), _] = emulator.connection_options
    assert options.items() <= {**asked, **asked.get("generation_config", {})}.items()
    hindi = DEFAULT_SPOKEN_TEXTS["hi"]
    usual = f"{hindi[SpokenText.STILL_THERE]} {hindi[SpokenText.ENDING_SOON]}"
    assert emulator.spoken_texts == ["One {{two.", usual]
    assert [used[1] == voice for used in emulator.used_voices] == [True, False]
    # An entry names who has used the key, at most once a minute.
    async with services.store.transaction(viewer.tenant_id) as work:
        page = await work.audit.page(Window(10), AuditFilter(kinds=(AuditKind.TESTED,)))
    assert [each.action for each in page.items] == ["previewVoice"]


CHOICES = [
    *[
        ("cartesia", model, language)
        for model in ("sonic-3", "sonic-2")
        for language in (None, "de", "hi-IN")
    ],
    *[
        ("sarvam", model, language)
        for model in ("bulbul:v2", "bulbul:v3", "bulbul:v4-flash")
        for language in (None, "hi", "en-IN", "od-IN")
    ],
]


@pytest.mark.parametrize(("provider", "model", "language"), CHOICES)
async def test_a_preview_asks_for_what_calls_ask_for(
    settings: Settings, provider: str, model: str, language: str | None
) -> None:
    entry = find_provider(ProviderKind.TTS, provider)
    assert entry is not None
    extremes = {each.name: each.maximum or "calm" for each in entry.options}
    async with run_speech_emulator() as emulator, create_http_session() as http:
        configured = keyed(settings, emulator.url)
        synthesizer = ProviderSynthesizer(configured, ProviderHttp(configured))
        for options in ({}, extremes):
            choice = ProviderChoice(provider=provider, model=model, options=options)
            preview = VoicePreview(choice=choice, language=language, text="Good morning.")
            await synthesizer.synthesize(preview, DecryptedCredentials())
            keys = ProviderKeys.from_settings(configured)
            plugin = TTS_FACTORIES[provider](choice, keys, language, None, http, 24_000)
            async with plugin.synthesize("Good morning.") as stream:
                assert [audio async for audio in stream]
            await plugin.aclose()
            (_, asked), (_, called) = emulator.connection_options[-2:]
            assert said(asked) == said(called)


def said(asked: dict[str, Any]) -> dict[str, Any]:
    """What decides how a text is spoken, and not how the audio is delivered."""
    return {name: value for name, value in asked.items() if name not in OF_DELIVERY}


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"tts": {"provider": "nobody"}}, ["tts", "provider"], "no text-to-speech provider"),
        ({"tts": {"provider": "cartesia"}}, ["tts", "model"], "without a model"),
        ({"tts": {"model": "sonic-3"}}, ["tts", "provider"], "missing"),
        (
            {"tts": {**CARTESIA, "options": {"speed": 9}}},
            ["tts", "options", "speed"],
            "more than 2",
        ),
        ({"tts": {**CARTESIA, "options": {"pace": 1}}}, ["tts", "options", "pace"], "no option"),
        ({"tts": {**CARTESIA, "options": [1]}}, ["tts", "options"], "must be a JSON object"),
        ({"tts": {**CARTESIA, "credential": "A B"}}, ["tts", "credential"], "lower-case"),
        ({"tts": {**CARTESIA, "fallbacks": [LOCAL]}}, ["tts", "fallbacks"], "one provider"),
        ({"tts": CARTESIA, "language": "English"}, ["language"], "not a language tag"),
        ({"tts": CARTESIA, "language": "is"}, ["tts", "provider"], "does not speak is"),
        ({"tts": CARTESIA, "voice": "{{user.voice}}"}, ["voice"], "without placeholders"),
        ({"tts": CARTESIA, "voice": " "}, ["voice"], "must not be empty"),
        ({"tts": CARTESIA, "voice": "x" * 129}, ["voice"], "128 are allowed"),
        ({"tts": {**SARVAM, "model": "bulbul:v2"}, "voice": "ritu"}, ["voice"], "has no voice"),
        ({"tts": LOCAL, "voice": "--help"}, ["voice"], "not an espeak-ng voice"),
        ({"tts": CARTESIA, "text": "x" * 201}, ["text"], "200 are allowed"),
        ({"tts": CARTESIA, "text": " "}, ["text"], "must not be empty"),
    ],
)
async def test_what_no_agent_could_speak_with_is_refused(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    given: dict[str, Any],
    path: list[str],
    words: str,
) -> None:
    async with (
        run_speech_emulator() as emulator,
        previewing(keyed(settings, emulator.url), services, viewer) as api,
    ):
        refused = await mutate(api, PREVIEW, **given)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path]), refused
    assert words in refused["message"]
    assert [each["path"] for each in refused["problems"]] == [refused["path"]]
    assert emulator.keys == []


async def test_a_preview_has_the_key_of_a_call(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    other = owner_of(await new_tenant(settings, "other"))
    async with run_speech_emulator() as emulator, run_speech_emulator() as own:
        keyless = replace(settings, cartesia_base_url=emulator.url)
        keyless = replace(keyless, outbound_allow=address_of(own.url))
        await set_credential(services, other, "cartesia", "key-of-the-other", "eu")
        async with previewing(keyless, services, viewer) as api:
            none = await mutate(api, PREVIEW, tts=CARTESIA)
            foreign = await mutate(api, PREVIEW, tts={**CARTESIA, "credential": "eu"})
            assert (emulator.keys, own.keys) == ([], [])
            await set_credential(services, viewer, "cartesia", OWN)
            heard(await mutate(api, PREVIEW, tts=CARTESIA))
            there = ProviderEndpoint(base_url=own.url)
            allowing = replace(services, outbound_allowed=AllowList.parse(address_of(own.url)))
            await set_credential(allowing, viewer, "cartesia", "labelled-key", "eu", there)
            heard(await mutate(api, PREVIEW, tts={**CARTESIA, "credential": "eu"}))
        async with previewing(keyed(settings, emulator.url), services, other) as api:
            heard(await mutate(api, PREVIEW, tts=CARTESIA))
    assert (none["code"], none["path"]) == ("NOT_FOUND", ["input", "tts", "provider"])
    assert none["message"] == (
        "cartesia needs a key: set one with setCredential, or let the operator set CARTESIA_API_KEY."
    )
    assert (foreign["code"], foreign["path"]) == ("NOT_FOUND", ["input", "tts", "credential"])
    assert [key for _, key in emulator.keys] == [OWN, OPERATORS]
    assert own.keys == [("cartesia", "labelled-key")]


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (RejectedConnection(422), 422, "refuses the model, the voice, the language or an option"),
        (RejectedConnection(429), 429, "no more requests for the moment"),
        (RejectedConnection(503), 503, "failed with status 503"),
        (MalformedMessage(), 200, "other than the audio"),
        (NoResponse(), None, "did not respond in time"),
    ],
)
@pytest.mark.parametrize("tts", [CARTESIA, SARVAM])
async def test_a_failure_of_the_provider_is_reported(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    fault: Fault,
    status: int | None,
    words: str,
    tts: dict[str, str],
) -> None:
    seconds = 0.5 if status is None else 60.0
    async with run_speech_emulator() as emulator:
        emulator.faults.persistent = dict.fromkeys(("cartesia", "sarvam-tts"), fault)
        configured = keyed(settings, emulator.url)
        async with previewing(configured, services, viewer, seconds) as api:
            failed = await mutate(api, PREVIEW, tts=tts)
    assert (failed["__typename"], failed["code"]) == ("ProviderFailed", "PROVIDER_FAILED")
    assert (failed["provider"], failed["status"]) == (tts["provider"], status)
    assert failed["path"] == ["input", "tts", "provider"]
    assert words in failed["message"]


@pytest.mark.parametrize(("tts", "status"), [(CARTESIA, 401), (SARVAM, 403)])
async def test_a_wrong_key_is_reported_without_showing_it(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    tts: dict[str, str],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run_speech_emulator() as emulator:
        emulator.accepted_keys = frozenset({OWN})
        async with previewing(keyed(settings, emulator.url), services, viewer) as api:
            failed = await mutate(api, PREVIEW, tts=tts)
    assert failed["status"] == status
    name = str(tts["provider"]).capitalize()
    assert failed["message"] == f"{name} rejects the key (status {status})."
    assert OPERATORS not in caplog.text


async def _pour(_: Request) -> StreamingResponse:
    async def endless() -> AsyncIterator[bytes]:
        yield wav_file(b"", 24_000)
        while True:
            yield bytes(65_536)
            await asyncio.sleep(0)  # so that the server notices when its client has gone

    return StreamingResponse(endless())


async def _at_another_rate(_: Request) -> Response:
    return Response(wav_file(bytes(1_000), 8_000))


async def _without_sound(_: Request) -> Response:
    return Response(wav_file(b"", 24_000))


async def _redirect(_: Request) -> RedirectResponse:
    return RedirectResponse("http://127.0.0.1:9/")


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_pour, "more audio than the text needs"),
        (_at_another_rate, "other than the audio"),
        (_without_sound, "other than the audio"),
        (_redirect, "failed with status 307"),
    ],
)
async def test_nothing_of_a_response_is_trusted(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    answer: Any,
    words: str,
    guarded: bool,
) -> None:
    app = Starlette(routes=[Route("/{rest:path}", answer, methods=["POST"])])
    async with run_server(app) as url:
        configured = keyed(settings, "http://127.0.0.1:9" if guarded else url)
        if guarded:
            there = ProviderEndpoint(base_url=url)
            await set_credential(
                replace(services, outbound_allowed=AllowList.parse(address_of(url))),
                *(viewer, "cartesia", OWN, None, there),
            )
            configured = replace(configured, outbound_allow=address_of(url))
        async with previewing(configured, services, viewer) as api:
            failed = await mutate(api, PREVIEW, tts=CARTESIA)
    assert failed["__typename"] == "ProviderFailed"
    assert words in failed["message"]


async def test_a_private_server_is_not_asked(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    there = ProviderEndpoint(base_url="https://localhost/")
    await set_credential(services, viewer, "cartesia", OWN, None, there)
    async with previewing(settings, services, viewer) as api:
        failed = await mutate(api, PREVIEW, tts=CARTESIA)
    assert (failed["code"], failed["status"]) == ("PROVIDER_FAILED", None)
    assert "private address" in failed["message"]


async def test_two_previews_of_a_tenant_are_requested_at_once(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with run_speech_emulator() as emulator:
        emulator.faults.persistent["cartesia"] = NoResponse()
        async with previewing(keyed(settings, emulator.url), services, viewer) as api:
            request = partial(api.execute, PREVIEW, variables={"input": {"tts": CARTESIA}})
            two = [asyncio.create_task(request()) for _ in range(2)]
            await until(lambda: len(emulator.keys) == 2)
            refused = await request()
            await cancel_and_wait(*two)
    assert refused["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert len(emulator.keys) == 2


async def test_an_exhausted_budget_allows_no_previews(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with (
        run_speech_emulator() as emulator,
        previewing(keyed(settings, emulator.url), services, viewer) as api,
    ):
        await limit(services, viewer, concurrent_calls=0)
        heard(await mutate(api, PREVIEW, tts=CARTESIA))
        await limit(services, viewer, spend_per_month=0)
        refused = await mutate(api, PREVIEW, tts=CARTESIA)
    assert refused["code"] == "QUOTA_EXCEEDED"
    assert len(emulator.keys) == 1


async def test_the_longest_text_is_heard_at_the_slowest_pace(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    """200 characters of Chinese, or of a language of India, take up to 80 seconds."""
    spoken = wav_file(bytes(80 * 24_000 * BYTES_PER_SAMPLE), 24_000)

    async def cartesia(_: Request) -> Response:
        return Response(spoken)

    async def sarvam(_: Request) -> Response:
        return JSONResponse({"audios": [base64.b64encode(spoken).decode()]})

    routes = [
        Route(api.path, answer, methods=["POST"])
        for api, answer in zip(SPEECH_APIS.values(), (cartesia, sarvam), strict=True)
    ]
    async with (
        run_server(Starlette(routes=routes)) as url,
        previewing(keyed(settings, url), services, viewer) as api,
    ):
        for tts in (CARTESIA, SARVAM):
            _, samples = heard(await mutate(api, PREVIEW, tts=tts))
            assert len(samples) == 80 * 24_000


async def test_previews_are_limited_per_minute(api: Api) -> None:
    # The allowance refills while the requests are sent.
    for _ in range(2 * PREVIEWS_PER_MINUTE):
        answer = await api.execute(PREVIEW, variables={"input": {"tts": {"provider": "nobody"}}})
        if "errors" in answer:
            break
    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


@pytest.mark.parametrize("role", ROLE_SCOPES)
async def test_only_who_edits_agents_hears_previews(
    services: Services, settings: Settings, tenant: Tenant, role: Role
) -> None:
    async with run_speech_emulator() as emulator:
        configured = keyed(settings, emulator.url)
        speaking = replace(
            services, speech_synthesizer=ProviderSynthesizer(configured, ProviderHttp(configured))
        )
        preview = VoicePreview(choice=ProviderChoice(provider="cartesia", model="sonic-3"))
        if role in (Role.OWNER, Role.ADMIN, Role.EDITOR):
            spoken = await preview_voice(speaking, member_of(tenant, role), preview, ())
            assert spoken.seconds > 1
        else:
            with pytest.raises(Forbidden):
                await preview_voice(speaking, member_of(tenant, role), preview, ())
            assert emulator.keys == []


async def test_the_voice_of_this_machine_is_heard(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    espeak()
    async with previewing(settings, services, viewer) as api:
        rate, samples = heard(
            await mutate(api, PREVIEW, tts=LOCAL, voice="en-gb", text="Good day.")
        )
        faster = {**LOCAL, "options": {"speed": 2.0}}
        _, fast = heard(await mutate(api, PREVIEW, tts=faster, voice="en-gb", text="Good day."))
        _, german = heard(await mutate(api, PREVIEW, tts=LOCAL, language="de"))
        unknown = await mutate(api, PREVIEW, tts=LOCAL, voice="xx-xx")
    assert rate == 22_050
    assert 0.4 < len(samples) / rate < 2.0
    assert np.abs(samples).max() > 3_000
    assert len(fast) < 0.75 * len(samples)
    assert len(german) > len(samples)
    assert (unknown["code"], unknown["path"]) == ("PROVIDER_FAILED", ["input", "tts", "provider"])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "apt-get install espeak-ng"),
        ("sleep 600", "did not respond in time"),
        ("exec cat /dev/zero", "more audio than the text needs"),
        ("exit 1", "may not have this voice"),
        ("echo hello", "other than the audio"),
    ],
)
async def test_a_program_that_does_not_speak_is_reported_and_ended(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    tmp_path: Path,
    script: str | None,
    words: str,
) -> None:
    program, started = tmp_path / "espeak-ng", tmp_path / "pid"
    if script is not None:
        program.write_text(f"#!/bin/sh\necho $$ > {started}\n{script}\n")
        program.chmod(0o700)
    seconds = 5.0 if script == "sleep 600" else 60.0
    configured = replace(settings, espeak_ng=str(program))
    async with previewing(configured, services, viewer, seconds) as api:
        failed = await mutate(api, PREVIEW, tts=LOCAL)
    assert failed["__typename"] == "ProviderFailed", failed
    assert words in failed["message"]
    if script is not None:
        assert not is_running(started)


def is_running(pid_file: Path) -> bool:
    return Path(f"/proc/{pid_file.read_text().strip()}").exists()


def test_every_tts_provider_has_previews() -> None:
    assert {each.name for each in TTS} == {*SPEECH_APIS, "local"}


def test_a_wav_file_is_read_whatever_its_header_says_about_its_length() -> None:
    samples = bytes(range(200))
    whole = encode_wav(samples, 24_000)
    assert decode_wav(whole) == (samples, 24_000)
    with wave.open(BytesIO(whole)) as file:
        assert file.readframes(file.getnframes()) == samples
    for size in (0, 0x7FFF_FFFF, 0xFFFF_FFFF):
        piped = whole[:40] + size.to_bytes(4, "little") + samples
        assert decode_wav(piped) == (samples, 24_000)
    stereo = whole[:22] + b"\x02\x00" + whole[24:]
    empty_chunks = whole[:12] + 1_000 * b"junk\0\0\0\0" + whole[12:]
    for other in (b"", b"RIFF", whole[:40], stereo, empty_chunks, b"x" * 100):
        with pytest.raises(NotWav):
            decode_wav(other)
