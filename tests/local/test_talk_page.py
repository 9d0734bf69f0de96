"""The page /talk: its headers, its operations and its texts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, build_schema, parse, validate
from starlette.applications import Starlette
from starlette.testclient import TestClient

from domain.common.settings import Settings
from graph.web.talk import talk_routes
from tests.support.paths import ROOT

SOURCE = ROOT / "graph" / "web" / "pages" / "src" / "talk"
LIVEKIT = Settings(livekit_url="ws://inside:7880", livekit_api_key="key", livekit_api_secret="s")


def policy(settings: Settings, host: str = "studio.example:8443") -> str:
    app = Starlette(routes=talk_routes(settings))
    page = TestClient(app, base_url="http://localhost:8000").get("/talk", headers={"Host": host})
    assert page.status_code == 200
    return page.headers["Content-Security-Policy"]


def test_the_page_may_connect_only_to_its_api_and_its_livekit() -> None:
    public = replace(LIVEKIT, livekit_public_url="wss://rooms.example/sfu")

    assert policy(public) == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'; media-src 'self'; "
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
def test_the_policy_allows_the_configured_livekit_and_nothing_injected(
    url: str, rooms: str
) -> None:
    own = "connect-src 'self' ws://studio.example:8443 wss://studio.example:8443"

    assert policy(replace(LIVEKIT, livekit_url=url)).endswith(own + rooms)
    assert policy(LIVEKIT, host="x; script-src *").endswith(
        "connect-src 'self' ws://inside:7880 http://inside:7880"
    )


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({"recordings_url": "file:///sounds"}, ""),
        ({"recordings_url": "s3://sounds"}, " https://s3.eu-west-1.amazonaws.com"),
        ({"recordings_url": "s3://b/c", "s3_endpoint": "http://in:9000"}, " http://in:9000"),
        (
            {
                "recordings_url": "s3://b",
                "s3_endpoint": "http://in:9000",
                "s3_public_endpoint": "https://sounds.example/; script-src *",
            },
            " https://sounds.example",
        ),
    ],
)
def test_the_page_may_play_recordings_from_the_audio_store(
    given: dict[str, str], host: str
) -> None:
    environ = {name.upper(): value for name, value in given.items()}
    settings = Settings.from_env({"S3_REGION": "eu-west-1", **environ})

    assert f"; media-src 'self'{host}; connect-src" in policy(settings)


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
def test_the_page_knows_whether_voice_calls_are_available(settings: Settings, voice: bool) -> None:
    client = TestClient(Starlette(routes=talk_routes(settings)))

    assert client.get("/talk/config.json").json() == {"localToken": False, "voice": voice}


@pytest.mark.parametrize("file", sorted(SOURCE.glob("*.graphql")), ids=lambda file: file.stem)
def test_the_operations_of_the_page_match_the_schema(file: Path) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    call = schema.type_map["Call"]
    assert isinstance(call, GraphQLObjectType)
    if file.stem == "recording" and "recording" not in call.fields:
        return  # the page requests it only if the API supports it
    assert validate(schema, parse(file.read_text())) == []


def test_the_page_has_a_text_for_every_event() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    update = schema.type_map["CallUpdate"]
    assert isinstance(update, GraphQLUnionType)
    events = {each.name for each in update.types}
    drawn = re.findall(r"^  (\w+)\(.*\{$", (SOURCE / "transcript.js").read_text(), re.MULTILINE)

    # The state is shown above the transcript; the effect of a command shows that it was applied.
    assert events - set(drawn) <= {"StateChanged", "CommandApplied", "UsageMeasured"}
