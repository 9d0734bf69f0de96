"""Credentials with a server of their own: several per provider, for calls, tests and simulations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import httpx2
import pytest
from livekit.agents import APIError, llm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from domain.calls.events import CallEnded, TurnMeasured
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.credentials import DecryptedCredentials, ProviderEndpoint, credential_name
from domain.tenants.provider_keys import ProviderAccount, ProviderKeys
from domain.tools.egress import EgressRule
from domain.tools.network_allow_list import AllowList
from domain.use_cases.calls import end_call, send_message
from domain.use_cases.credentials import set_credential
from domain.workflows.agents import ProviderChoice
from graph.app import build_schema_with_loaders
from local.emulators.http_server import run_server
from local.emulators.llm import LlmEmulator, ScriptedReply, run_llm_emulator
from local.emulators.speech import run_speech_emulator
from persistence.wiring import api_services
from tests.conftest import new_tenant
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.support.graphql_calls import ERROR_FIELDS, mutate
from tests.support.processes import run_module
from tests.support.viewers import owner_of
from tests.worker.test_text_calls import running_worker, started, watch
from worker.providers.account_sessions import create_session_for
from worker.providers.guarded_connections import guarded_client
from worker.providers.http import create_http_session
from worker.providers.registry import SpeechBuildContext, build_llm, build_tts

pytestmark = pytest.mark.anyio

SET = f"""mutation ($input: SetCredentialInput!) {{ setCredential(input: $input) {{ __typename
  ... on SetCredentialSuccess {{ credential {{ name provider label baseUrl region headerNames }} }}
  {ERROR_FIELDS} }} }}"""
TEST = f"""mutation ($input: TestCredentialInput!) {{ testCredential(input: $input) {{ __typename
  ... on TestCredentialSuccess {{ verdict detail }} {ERROR_FIELDS} }} }}"""
DELETE = f"""mutation ($input: DeleteCredentialInput!) {{ deleteCredential(input: $input) {{
  __typename {ERROR_FIELDS} }} }}"""
LIST = "{ credentials { name label baseUrl region headerNames lastFour } }"
OPENAI = ProviderChoice(provider="openai", model="gpt-4.1-mini")
KEYS = ("key-of-the-first-one", "key-of-the-second")
SUITE = """
suite: The clinic
bundle: clinic.yaml
workflow: clinic
cases:
  - name: talks to the server of the tenant
    steps:
      - say: hello
        expect: {{says: {reply}}}
"""


def address_of(url: str) -> str:
    return url.removeprefix("http://").split("/")[0]


@asynccontextmanager
async def two_servers() -> AsyncIterator[tuple[LlmEmulator, LlmEmulator]]:
    """Two OpenAI-compatible servers, each of which accepts its own key."""
    async with run_llm_emulator() as one, run_llm_emulator() as other:
        for server, key in zip((one, other), KEYS, strict=True):
            server.accepted_keys = frozenset({key})
        yield one, other


def reaching(settings: Settings, *servers: LlmEmulator) -> Settings:
    return replace(settings, outbound_allow=",".join(address_of(each.url) for each in servers))


def second_owner(settings: Settings, viewer: Viewer) -> Viewer:
    return replace(viewer, subject=f"user:{UUID(int=2)}")


async def say(services: Services, viewer: Viewer, *texts: str) -> None:
    call = await started(services, viewer)
    for number, text in enumerate(texts, start=1):
        await send_message(services, viewer, call.id, text, None)
        await watch(services, viewer, call.id, TurnMeasured, number)
    await end_call(services, viewer, call.id)
    await watch(services, viewer, call.id, CallEnded)


async def test_two_tenants_run_on_two_openai_compatible_servers(
    settings: Settings, viewer: Viewer
) -> None:
    other = second_owner(settings, owner_of(await new_tenant(settings, "other")))
    async with two_servers() as servers:
        own = reaching(settings, *servers)
        async with api_services(own) as services, running_worker(own):
            for who, server, key in zip((viewer, other), servers, KEYS, strict=True):
                url = f"{server.url}/openai"
                async with running_api(services, own, who, build_schema_with_loaders) as api:
                    stored = await mutate(
                        api,
                        SET,
                        provider="openai",
                        key=key,
                        baseUrl=url,
                        headers={"X-Team": who.subject},
                    )
                    assert stored["credential"] == {
                        "name": "openai",
                        "provider": "openai",
                        "label": None,
                        "baseUrl": url,
                        "region": None,
                        "headerNames": ["X-Team"],
                    }
                    tested = await mutate(api, TEST, provider="openai")
                    assert tested["verdict"] == "ACCEPTED", tested
                agents = tuple(replace(each, llm=OPENAI) for each in (RECEPTION, BOOKING))
                await publish_clinic(services, who, agents)
                server.script = [ScriptedReply("Here I am.")]
            await asyncio.gather(*(say(services, who, "hello?") for who in (viewer, other)))
    for server, key, who in zip(servers, KEYS, (viewer, other), strict=True):
        assert server.keys == [key]
        assert [headers["x-team"] for headers in server.headers] == [who.subject]
        assert [asked for _, asked in server.model_list_requests if asked != key] == []


async def test_agents_choose_between_credentials_of_one_provider(
    settings: Settings, viewer: Viewer
) -> None:
    async with two_servers() as servers:
        own = reaching(settings, *servers)
        async with (
            api_services(own) as services,
            running_worker(own),
            running_api(services, own, viewer, build_schema_with_loaders) as api,
        ):
            for label, server, key in zip((None, "eu"), servers, KEYS, strict=True):
                url = f"{server.url}/openai"
                await mutate(api, SET, provider="openai", label=label, key=key, baseUrl=url)
            listed = (await api.execute(LIST))["data"]["credentials"]
            assert [each["name"] for each in listed] == ["openai", "openai/eu"]
            chosen = replace(OPENAI, credential="eu")
            agents = (replace(RECEPTION, llm=chosen), replace(BOOKING, llm=OPENAI))
            await publish_clinic(services, viewer, agents)
            servers[1].script = [ScriptedReply("", (("transfer_to_booking", {}),))]
            servers[0].script = [ScriptedReply("Booking, at your service.")]
            await say(services, viewer, "hello?", "tomorrow")
            missing = await mutate(api, DELETE, provider="openai", label="us")
            assert (missing["code"], missing["path"]) == ("NOT_FOUND", ["input", "label"])
            findings = await _findings(api)
            assert findings == []
            await mutate(api, DELETE, provider="openai", label="eu")
            assert await _findings(api) == [
                ("NO_KEY", ["agents", "reception", "llm", "credential"])
            ]
    assert [each.keys for each in servers] == [[KEYS[0]], [KEYS[1]]]


async def _findings(api: Api) -> list[Any]:
    query = '{ workflow(by: {slug: "clinic"}) { findings { findings { code path } } } }'
    found = (await api.execute(query))["data"]["workflow"]["findings"]["findings"]
    return [(each["code"], each["path"]) for each in found if each["code"] == "NO_KEY"]


async def test_a_simulation_uses_the_server_of_the_tenant(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    async with run_llm_emulator() as server:
        server.accepted_keys = frozenset({KEYS[0]})
        server.script = [ScriptedReply("A slot is free.")]
        own = reaching(settings, server)
        async with (
            api_services(own) as services,
            running_api(services, own, viewer, build_schema_with_loaders) as api,
        ):
            url = f"{server.url}/openai"
            await mutate(api, SET, provider="openai", key=KEYS[0], baseUrl=url)
            agents = tuple(replace(each, llm=OPENAI) for each in (RECEPTION, BOOKING))
            await publish_clinic(services, viewer, agents)
            bundle = (await api.execute('{ exportBundle(workflows: ["clinic"]) { yaml } }'))[
                "data"
            ]["exportBundle"]["yaml"]
        (tmp_path / "clinic.yaml").write_text(bundle)
        suite = tmp_path / "clinic.suite.yaml"
        suite.write_text(SUITE.format(reply="A slot is free."))
        ran = await _simulate(own, str(suite), "--tenant", "acme", "--json")
        unknown = await _simulate(own, str(suite), "--tenant", "nowhere")
    assert ran[0] == 0, ran
    assert server.keys == [KEYS[0]]
    assert unknown == (2, "There is no tenant 'nowhere'.\n")


async def _simulate(settings: Settings, *arguments: str) -> tuple[int | None, str]:
    return await run_module(settings, "worker.simulation", *arguments)


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"baseUrl": "http://127.0.0.1:9/v1"}, ["baseUrl"], "OUTBOUND_ALLOW"),
        ({"baseUrl": "https://169.254.169.254/v1"}, ["baseUrl"], "not a public address"),
        ({"baseUrl": "https://[::1]/v1"}, ["baseUrl"], "not a public address"),
        ({"baseUrl": "http://llm.example.com/v1"}, ["baseUrl"], "Only https"),
        ({"baseUrl": "https://llm.example.com:8443/v1"}, ["baseUrl"], "Only https"),
        ({"baseUrl": "https://me:secret@llm.example.com/"}, ["baseUrl"], "user name or password"),
        ({"baseUrl": "https://llm.example.com/{{user.x}}"}, ["baseUrl"], "plain URL"),
        ({"baseUrl": "ftp://llm.example.com/"}, ["baseUrl"], "https://"),
        ({"region": "moon"}, ["region"], "The regions of openai are ae, au, eu, in, jp, us."),
        ({"region": "eu", "baseUrl": "https://llm.example.com/"}, ["region"], "either"),
        ({"headers": {"Host": "x"}}, ["headers", "Host"], "must not set"),
        ({"headers": {"authorization": "x"}}, ["headers", "authorization"], "must not set"),
        ({"headers": {"X-A": "a\r\nb"}}, ["headers", "X-A"], "single line"),
        ({"headers": {"X-A": 1}}, ["headers", "X-A"], "must be a text"),
        ({"label": "With spaces"}, ["label"], "lower-case"),
    ],
)
async def test_an_invalid_endpoint_is_refused_and_nothing_is_stored(
    api: Api, given: dict[str, Any], path: Sequence[str], words: str
) -> None:
    for document in (SET, TEST):
        refused = await mutate(api, document, provider="openai", key=KEYS[0], **given)
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path])
        assert words in refused["message"]
    assert (await api.execute(LIST))["data"]["credentials"] == []


async def test_regions_are_those_of_the_provider(api: Api) -> None:
    stored = await mutate(api, SET, provider="deepgram", key=KEYS[0], region="eu", label="eu")
    assert (stored["credential"]["region"], stored["credential"]["baseUrl"]) == ("eu", None)
    refused = await mutate(api, SET, provider="cartesia", key=KEYS[0], region="eu")
    assert (refused["path"], refused["message"]) == (
        ["input", "region"],
        "cartesia has no regions; set baseUrl instead.",
    )
    query = "{ providers(kind: LLM) { name credentials { name required choices } } }"
    fields = {
        each["name"]: [field["name"] for field in each["credentials"]]
        for each in (await api.execute(query))["data"]["providers"]
    }
    assert fields["openai"] == ["apiKey", "region", "baseUrl", "headers"]
    assert fields["google"] == ["apiKey", "baseUrl", "headers"]
    assert fields["scripted"] == []


async def test_a_stored_key_is_only_tested_at_its_own_server(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await set_credential(services, viewer, "openai", KEYS[0])
    refused = await mutate(api, TEST, provider="openai", baseUrl="https://elsewhere.example.com/")
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "key"])


async def test_a_host_name_with_a_private_address_is_not_connected_to(api: Api) -> None:
    """Only the connection shows where a name leads."""
    await mutate(api, SET, provider="openai", key=KEYS[0], baseUrl="https://localhost/v1")
    tested = await mutate(api, TEST, provider="openai")
    assert tested["verdict"] == "UNREACHABLE"
    assert "private address" in tested["detail"]


# ---- the guard of workers -------------------------------------------------------------------


def rule(url: str, allowed: str = "") -> EgressRule:
    return EgressRule.of_url(url, AllowList.parse(allowed))


async def get_status(url: str, egress: EgressRule, client: str) -> int:
    if client == "httpx2":
        async with guarded_client(egress, httpx2.Timeout(10.0)) as http:
            return (await http.get(url)).status_code
    account = ProviderAccount(key=KEYS[0], base_url=url, egress=egress)
    async with create_session_for(account) as session, session.get(url) as response:
        return response.status


@pytest.mark.parametrize("client", ["httpx2", "aiohttp"])
async def test_workers_reach_only_the_permitted_server(client: str) -> None:
    async with run_llm_emulator() as server, run_llm_emulator() as private:
        seen: list[str] = []

        async def redirect(request: Request) -> RedirectResponse:
            seen.append(request.url.path)
            return RedirectResponse(f"{private.url}/openai/models")

        app = Starlette(routes=[Route("/{rest:path}", redirect)])
        url = f"{server.url}/openai/models"
        listed = address_of(url)
        assert await get_status(url, rule(url, listed), client) == 200
        refused = (httpx2.ConnectError, aiohttp.ClientConnectorError)
        with pytest.raises(refused):
            await get_status(url, rule(url), client)
        with pytest.raises(refused):
            await get_status("https://localhost/", rule("https://localhost/"), client)
        named = url.replace("127.0.0.1", "localhost")
        assert await get_status(named, rule(named, listed), client) == 200
        async with run_server(app) as redirecting:
            both = f"{address_of(redirecting)},{address_of(private.url)}"
            try:
                status = await get_status(redirecting, rule(redirecting, both), client)
            except refused:
                status = 0
            assert (status, seen) in ((307, ["/"]), (0, ["/"]))
        assert private.model_list_requests == []


@pytest.mark.parametrize(
    ("provider", "model", "path"),
    [("openai", "gpt-4.1-mini", "openai"), ("google", "gemini-2.5-flash", "gemini")],
)
async def test_models_reach_only_the_permitted_server(provider: str, model: str, path: str) -> None:
    async with run_llm_emulator() as server:
        server.accepted_keys = None
        server.script = [ScriptedReply("Here I am.")]
        own = DecryptedCredentials(
            providers={provider: KEYS[0]},
            endpoints={
                provider: ProviderEndpoint(base_url=f"{server.url}/{path}", headers={"X-Team": "a"})
            },
        )
        choice = ProviderChoice(provider=provider, model=model)
        for allowed in ("", address_of(server.url)):
            keys = ProviderKeys(outbound_allowed=AllowList.parse(allowed))
            keys = keys.with_tenant_credentials(own)
            assert await _reply(choice, keys) == ("Here I am." if allowed else None)
            assert len(server.requests) == (1 if allowed else 0)
        assert server.headers[0]["x-team"] == "a"
    assert server.keys == [KEYS[0]]


async def _reply(choice: ProviderChoice, keys: ProviderKeys) -> str | None:
    """What the model replies; None if it could not be reached."""
    model = build_llm(choice, keys, dict, lambda *_: None, lambda *_: None)
    history = llm.ChatContext.empty()
    history.add_message(role="user", content="hello")
    try:
        async with model.chat(chat_ctx=history) as stream:
            chunks = [chunk.delta.content or "" async for chunk in stream if chunk.delta]
        return "".join(chunks).strip()
    except APIError:
        return None
    finally:
        await model.aclose()


async def test_voices_use_the_server_of_the_tenant_too() -> None:
    async with run_speech_emulator() as emulator, create_http_session() as http:
        allowed = AllowList.parse(address_of(emulator.url))
        keys = ProviderKeys(cartesia="of-the-operator", outbound_allowed=allowed)
        own = DecryptedCredentials(
            providers={"cartesia": KEYS[0]},
            endpoints={
                "cartesia": ProviderEndpoint(base_url=emulator.url, headers={"X-Team": "a"})
            },
        )
        context = SpeechBuildContext(
            keys.with_tenant_credentials(own), http, lambda *_: None, lambda *_: None, {}, 30
        )
        choice = ProviderChoice(provider="cartesia", model="sonic-3")
        tts = build_tts(choice, context, "en", None)
        async with tts.stream() as stream:
            stream.push_text("Good morning.")
            stream.end_input()
            heard = [audio async for audio in stream]
        await tts.aclose()
        await context.account_sessions.aclose()
    assert heard


def test_the_name_of_a_credential_has_its_label() -> None:
    assert credential_name("openai", None) == "openai"
    assert credential_name("openai", "eu") == "openai/eu"
