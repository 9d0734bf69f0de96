"""The page /talk: its headers, and that a person can hold a call on it, in a real browser."""

from __future__ import annotations

import asyncio
import socket
import wave
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread
from graphql import build_schema, parse, validate
from starlette.applications import Starlette
from starlette.testclient import TestClient

from domain.access import Viewer
from domain.ports import Services
from domain.settings import Settings
from graph.app import with_loaders
from graph.connections import Patience
from graph.talk import talk_routes
from local.livekit import Access
from tests.browsers import ROOT, missing, scripts
from tests.clinic import publish_clinic
from tests.emulators.speech import syllables
from tests.serving import key_of, serving
from tests.voices import voice_clinic

SOURCE = ROOT / "graph" / "pages" / "src" / "talk"
RATE = 48_000
LIVEKIT = Settings(livekit_url="ws://inside:7880", livekit_api_key="key", livekit_api_secret="s")


# ---- what is served -----------------------------------------------------------------------


def policy(settings: Settings, host: str = "studio.example:8443") -> str:
    app = Starlette(routes=talk_routes(settings))
    page = TestClient(app, base_url="http://localhost:8000").get("/talk", headers={"Host": host})
    assert page.status_code == 200
    return page.headers["Content-Security-Policy"]


def test_the_page_runs_its_own_scripts_and_speaks_to_its_api_and_its_livekit_alone() -> None:
    public = replace(LIVEKIT, livekit_public_url="wss://rooms.example/sfu")

    assert policy(public) == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'; "
        "connect-src 'self' ws://studio.example:8443 wss://studio.example:8443 "
        "wss://rooms.example https://rooms.example"
    )


@pytest.mark.parametrize(
    ("url", "rooms"),
    [
        ("ws://10.0.0.7:7880", " ws://10.0.0.7:7880 http://10.0.0.7:7880"),
        ("https://rooms.example", " wss://rooms.example https://rooms.example"),
        ("", ""),
        ("wss://rooms.example; script-src *", ""),
    ],
)
def test_the_policy_names_livekit_as_it_is_set_and_nothing_strange(url: str, rooms: str) -> None:
    own = "connect-src 'self' ws://studio.example:8443 wss://studio.example:8443"

    assert policy(replace(LIVEKIT, livekit_url=url)).endswith(own + rooms)
    assert policy(LIVEKIT, host="x; script-src *").endswith(
        "connect-src 'self' ws://inside:7880 http://inside:7880"
    )


def test_the_page_may_use_the_microphone_and_little_else() -> None:
    page = TestClient(Starlette(routes=talk_routes(LIVEKIT))).get("/talk")

    assert {name: page.headers[name] for name in ("Permissions-Policy", "Cache-Control")} == {
        "Permissions-Policy": (
            "microphone=(self), autoplay=(self), camera=(), display-capture=(), geolocation=()"
        ),
        "Cache-Control": "no-cache",
    }
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(("settings", "voice"), [(LIVEKIT, True), (Settings(), False)])
def test_the_page_is_told_whether_there_are_voice_calls(settings: Settings, voice: bool) -> None:
    client = TestClient(Starlette(routes=talk_routes(settings)))

    assert client.get("/talk/config.json").json() == {"localToken": False, "voice": voice}


@pytest.mark.parametrize("file", sorted(SOURCE.glob("*.graphql")), ids=lambda file: file.stem)
def test_what_the_page_asks_fits_the_schema(file: Path) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    if file.stem == "recording" and "recording" not in schema.type_map["Call"].fields:
        return  # the page asks for it only where the API knows of it
    assert validate(schema, parse(file.read_text())) == []


# ---- in a browser -------------------------------------------------------------------------


def microphone(path: Path, *starts: float) -> Path:
    """Hears a second of speech at each of these seconds, and then silence."""
    pcm = bytearray(2 * RATE * 60)
    for start in starts:
        sound = syllables(1.0, RATE)
        at = 2 * int(start * RATE)
        pcm[at : at + len(sound)] = sound
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return path


def need_a_network() -> None:
    """Browsers do not connect by way of the loopback interface alone."""
    if [name for _, name in socket.if_nameindex() if name != "lo"] == []:
        missing("THE PAGE IS NOT TESTED IN A CALL: this machine has a loopback interface only")


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_a_call_by_keyboard_from_the_sign_in_to_the_end(
    settings: Settings, viewer: Viewer, livekit: Access, tmp_path: Path
) -> None:
    need_a_network()
    visit = scripts(tmp_path / "scripts")
    wav = microphone(tmp_path / "microphone.wav", 4.0, 11.0)
    async with voice_clinic(settings, viewer, livekit) as (services, heard, voiced):
        heard.words = ["I need an appointment", "tomorrow at ten", "thank you"]
        more = talk_routes(replace(voiced, local_token=await key_of(voiced, viewer)))
        async with serving(services, voiced, viewer, with_loaders, Patience(), more) as api:
            host = livekit.url.split("//")[1]
            see = partial(visit, "talk.mjs", f"{api.url}/talk", host, wav)
            seen = await to_thread.run_sync(see)
    print(seen)
