"""`./studio up --emulators`: voice calls without API keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from domain.calls.rooms import RoomAccess
from domain.common.settings import Settings
from local import demo, livekit_binary
from local.emulator_service import BASE_PATHS, EMULATOR_KEY, choose_emulators
from local.livekit import LivekitCredentials
from local.livekit_availability import LivekitAvailability
from local.process_spec import StartupError
from local.services import Plan, all_services
from local.state_dir import StateDir
from tests.local.test_local_voice import OURS, Studio, studio
from tests.support.voice_clients import VoiceCaller

__all__ = ["studio"]  # a fixture

START = """mutation { startCall(input: {workflow: {slug: "clinic"}, kind: VOIP}) {
  ... on StartCallSuccess { call { id } join { url token } } ... on Error { message } } }"""
CARTESIA = {"provider": "cartesia", "model": "sonic-3", "options": {}}
DEEPGRAM = {"provider": "deepgram", "model": "nova-3", "options": {}}
SAARAS = {"provider": "sarvam", "model": "saaras:v4", "options": {}}
BULBUL = {"provider": "sarvam", "model": "bulbul:v3", "options": {}}


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ({}, {"stt": None, "tts": None}),
        ({"DEEPGRAM": "k", "CARTESIA": "k"}, {"stt": DEEPGRAM, "tts": CARTESIA}),
        ({"SARVAM": "k"}, {"stt": SAARAS, "tts": BULBUL}),
        ({"CARTESIA": "k"}, {"stt": None, "tts": CARTESIA}),
        (dict.fromkeys(BASE_PATHS, EMULATOR_KEY), {"stt": DEEPGRAM, "tts": CARTESIA}),
        (dict.fromkeys(BASE_PATHS, EMULATOR_KEY) | {"SARVAM": "k"}, {"stt": SAARAS, "tts": BULBUL}),
    ],
)
def test_the_demo_uses_the_providers_that_have_keys(
    keys: dict[str, str], chosen: dict[str, object]
) -> None:
    environ = {f"{name}_API_KEY": key for name, key in keys.items()} | {"ESPEAK_NG": "/nowhere"}
    assert demo.choose_speech(environ) == chosen
    assert all(agent["llm"]["provider"] == "scripted" for agent in demo.agents(environ))


@pytest.mark.parametrize(
    ("keys", "duration"),
    [
        ({}, "PT0.8S"),
        (dict.fromkeys(BASE_PATHS, EMULATOR_KEY), "PT0.8S"),
        (dict.fromkeys(BASE_PATHS, EMULATOR_KEY) | {"SARVAM": "k"}, "PT3S"),
        ({"DEEPGRAM": "k"}, "PT3S"),
    ],
)
def test_the_demo_waits_for_unfinished_turns_only_with_a_real_stt(
    keys: dict[str, str], duration: str
) -> None:
    environ = {f"{name}_API_KEY": key for name, key in keys.items()}
    waits = [agent["session"]["maxEndpointingDelay"] for agent in demo.agents(environ)]
    assert waits == [duration, duration]


def test_only_providers_without_a_key_are_emulated(tmp_path: Path) -> None:
    state = StateDir.from_env({"STUDIO_STATE": str(tmp_path)})
    given = {"DEEPGRAM_API_KEY": "real", "DATABASE_URL": "unused", "REDIS_URL": "unused"}
    found = choose_emulators(state, given)
    assert found.names == ("CARTESIA", "SARVAM", "OPENAI", "GOOGLE")
    plan = Plan(
        state=state,
        environ=given,
        host="::1",
        port=1,
        voice=LivekitAvailability("off"),
        emulators=found,
    )
    reported = Settings.from_env(plan.environment)
    assert (reported.deepgram_api_key, reported.deepgram_base_url) == ("real", "")
    url = f"http://127.0.0.1:{found.port}"
    assert (reported.cartesia_api_key, reported.cartesia_base_url) == (EMULATOR_KEY, url)
    assert reported.google_base_url == f"{url}/gemini"
    assert "emulators" in [one.name for one in all_services(plan)]
    assert choose_emulators(state, given).port == found.port, "its place is kept"
    with pytest.raises(StartupError, match="every provider has an API key"):
        choose_emulators(state, {f"{name}_API_KEY": "real" for name in BASE_PATHS})


@pytest.mark.anyio
async def test_a_voice_call_works_without_any_key(
    livekit: LivekitCredentials, studio: Callable[..., Studio]
) -> None:
    without = {f"{name}_API_KEY": "" for name in BASE_PATHS}
    binary = str(livekit_binary.find_or_build(os.environ, print))
    here = studio(LIVEKIT_SERVER_BIN=binary, **without)
    up = here("up", "--emulators", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    warning = "EMULATORS, not the real Deepgram, Cartesia, Sarvam, OpenAI, Google"
    assert f"voice calls: ready; with {warning}: what callers say is made up" in up.stdout
    assert warning in here("status").stdout
    before = here.processes()
    assert {*before} == {*OURS, "livekit", "livekit-db", "emulators"}
    reported = psutil.Process(before["worker"]["pid"]).environ()
    assert reported["DEEPGRAM_BASE_URL"].startswith("http://127.0.0.1:")

    token = StateDir(Path(here.environ["STUDIO_STATE"])).token.read_text().strip()
    async with httpx.AsyncClient(
        headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as client:
        answer = await client.post(f"{here.url}/graphql", json={"query": START})
    entry = answer.json()["data"]["startCall"]["join"]
    caller = VoiceCaller()
    soon = datetime.now(UTC) + timedelta(minutes=1)
    await caller.enter(RoomAccess(url=entry["url"], token=entry["token"], room="", expires_at=soon))
    await caller.wait_for_audio(0.0)
    await caller.wait_for_silence()
    spoke = await caller.speak_and_time(1.0)
    await caller.wait_for_audio(spoke)
    await caller.leave()
    assert here("logs", "emulators").returncode == 0
    assert "\nstopped in " in here("down").stdout
