"""API keys and secrets of tenants: encrypted in the database, used by calls, never shown."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from domain.calls.events import CallEnded
from domain.calls.model import EndReason
from domain.common.access import Role, Viewer
from domain.common.errors import DecryptionKeyMissing, Forbidden
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.credentials import CredentialKind, DecryptedCredentials, providers_with_keys
from domain.tools.secrets import Secret
from domain.use_cases.credentials import (
    TESTS_PER_MINUTE,
    list_credentials,
    set_credential,
    set_secret,
)
from graph.app import build_schema_with_loaders
from local.emulators.http_server import run_server
from local.emulators.llm import KEY, ScriptedReply
from local.emulators.speech import run_speech_emulator
from persistence.key_probes import PROBE_REQUESTS, HttpKeyProber
from persistence.key_ring import KeyRing
from persistence.provider_http import DEFAULT_BASE_URLS, ProviderHttp
from persistence.vault import Vault
from persistence.wiring import api_services
from persistence.worker_wiring import worker_services
from tests.api.test_providers import calling, dialogue
from tests.api.test_settings import CREATE_TOOL, TRY, api_that_reaches
from tests.conftest import new_tenant
from tests.support.api_server import Api, running_api
from tests.support.graphql_calls import ERROR_FIELDS, mutate
from tests.support.viewers import member_of, owner_of
from tests.worker.test_text_calls import started, watch

pytestmark = pytest.mark.anyio

PROVIDER = CredentialKind.PROVIDER
OWN = "own-key-of-a-tenant-1234"
LIST = "{ credentials { name lastFour updatedBy } secrets { name lastFour } }"
SET = f"""mutation ($input: SetCredentialInput!) {{ setCredential(input: $input) {{ __typename
  ... on SetCredentialSuccess {{ credential {{ name lastFour }} }} {ERROR_FIELDS} }} }}"""
SET_SECRET = f"""mutation ($input: SetSecretInput!) {{ setSecret(input: $input) {{ __typename
  ... on SetSecretSuccess {{ secret {{ hosts }} }} {ERROR_FIELDS} }} }}"""
UPDATE_SETTINGS = f"""mutation ($input: UpdateSettingsInput!) {{ updateSettings(input: $input) {{
  __typename {ERROR_FIELDS} }} }}"""
DELETE = f"""mutation ($input: DeleteCredentialInput!) {{ deleteCredential(input: $input) {{
  __typename {ERROR_FIELDS} }} }}"""
TEST = f"""mutation ($input: TestCredentialInput!) {{ testCredential(input: $input) {{ __typename
  ... on TestCredentialSuccess {{ verdict detail }} {ERROR_FIELDS} }} }}"""


async def decrypted(services: Services, viewer: Viewer) -> DecryptedCredentials:
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.credentials.decrypt_all()


async def execute(settings: Settings, statement: str, *values: Any) -> Any:
    db = await asyncpg.connect(settings.database_url)
    try:
        return await db.fetch(statement, *values)
    finally:
        await db.close()


async def test_only_the_last_characters_of_keys_are_returned(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    made = await mutate(api, SET, provider="openai", key=OWN)
    assert made["credential"] == {"name": "openai", "lastFour": "1234"}
    await mutate(api, SET_SECRET, name="crm_token", value="short")
    listed = (await api.execute(LIST))["data"]
    assert [c["lastFour"] for c in listed["credentials"] + listed["secrets"]] == ["1234", ""]
    assert (await decrypted(services, viewer)).providers == {"openai": OWN}
    assert (await decrypted(services, viewer)).secrets == {"crm_token": Secret("short")}
    await mutate(api, SET, provider="openai", key="another-key-5678")
    assert (await decrypted(services, viewer)).providers == {"openai": "another-key-5678"}
    assert (await mutate(api, DELETE, provider="openai"))["__typename"] == "DeleteCredentialSuccess"
    again = await mutate(api, DELETE, provider="openai")
    assert (again["code"], again["path"]) == ("NOT_FOUND", ["input", "provider"])
    assert (await decrypted(services, viewer)).providers == {}


@pytest.mark.parametrize(
    ("document", "given", "path", "words"),
    [
        (SET, {"provider": "openay", "key": OWN}, "provider", "openai"),
        (SET, {"provider": "scripted", "key": OWN}, "provider", "takes a key"),
        (SET, {"provider": "openai", "key": "short"}, "key", "8 to 512"),
        (SET, {"provider": "openai", "key": "with a space in it"}, "key", "without spaces"),
        (SET, {"provider": "openai", "key": "line-break\n-1234"}, "key", "without spaces"),
        (SET_SECRET, {"name": "CRM", "value": "x"}, "name", "lower-case"),
        (SET_SECRET, {"name": "crm", "value": ""}, "value", "1 to 4096"),
        (SET_SECRET, {"name": "crm", "value": "a\r\nb"}, "value", "a single line"),
        (SET_SECRET, {"name": "crm", "value": OWN, "hosts": []}, "hosts", "Name 1 to 20 hosts"),
        (TEST, {"provider": "openai"}, "provider", "no key for openai"),
    ],
)
async def test_invalid_keys_are_refused_without_being_echoed(
    api: Api, document: str, given: dict[str, Any], path: str, words: str
) -> None:
    refused = await mutate(api, document, **given)
    assert refused["path"] == ["input", path]
    assert words in refused["message"]
    for value in (given.get("key"), given.get("value")):
        assert not value or len(value) < 2 or value not in refused["message"]
    assert (await api.execute(LIST))["data"] == {"credentials": [], "secrets": []}


async def test_providers_say_for_which_the_operator_has_a_key(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    keyed = replace(services, provider_keys=frozenset({"deepgram"}))
    async with running_api(keyed, settings, viewer, build_schema_with_loaders) as api:
        answer = await api.execute("{ providers(kind: STT) { name hasOperatorKey } }")

    assert answer["data"]["providers"] == [
        {"name": "deepgram", "hasOperatorKey": True},
        {"name": "sarvam", "hasOperatorKey": False},
        {"name": "local", "hasOperatorKey": False},
    ]


async def test_only_owners_and_admins_may_list_or_set_credentials(
    services: Services, tenant: Any
) -> None:
    for role in Role:
        who = member_of(tenant, role)
        if role in (Role.OWNER, Role.ADMIN):
            await set_credential(services, who, "openai", OWN)
            assert len(await list_credentials(services, who, PROVIDER)) == 1
        else:
            with pytest.raises(Forbidden):
                await set_credential(services, who, "openai", OWN)
            with pytest.raises(Forbidden):
                await list_credentials(services, who, PROVIDER)


async def test_credentials_are_invisible_to_other_tenants(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await set_credential(services, viewer, "openai", OWN)
    other = owner_of(await new_tenant(settings, "other"))
    assert await list_credentials(services, other, PROVIDER) == []
    assert (await decrypted(services, other)).providers == {}


async def test_stored_credentials_are_encrypted(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await set_credential(services, viewer, "openai", OWN)
    await set_secret(services, viewer, "crm", OWN)
    rows = await execute(settings, "select sealed from credential")
    keys = await execute(settings, "select wrapped from data_key")
    assert len(rows) == 2
    assert len({row["sealed"] for row in rows}) == 2, "the same value is sealed differently"
    assert all(OWN.encode() not in row[0] for row in [*rows, *keys])


@pytest.mark.parametrize(
    "change",
    [
        "update credential set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
        "update credential set name = 'google'",
        "update credential set kind = 'SECRET'",
        "update data_key set wrapped = set_byte(wrapped, 0, get_byte(wrapped, 0) # 1)",
    ],
)
async def test_a_row_that_was_changed_cannot_be_decrypted(
    services: Services, settings: Settings, viewer: Viewer, change: str
) -> None:
    await set_credential(services, viewer, "openai", OWN)
    await execute(settings, change)
    with pytest.raises(DecryptionKeyMissing):
        await decrypted(services, viewer)


async def test_a_row_that_was_moved_to_another_tenant_cannot_be_decrypted(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    other = owner_of(await new_tenant(settings, "other"))
    await set_credential(services, viewer, "openai", OWN)
    await set_credential(services, other, "google", OWN)
    await execute(
        settings,
        "update credential set tenant_id = $1 where name = 'openai'",
        other.tenant_id,
    )
    with pytest.raises(DecryptionKeyMissing):
        await decrypted(services, other)


async def test_secret_key_is_rotated_while_calls_continue(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    tenants = [owner_of(await new_tenant(settings, f"t{n}")) for n in range(5)]
    for who in tenants:
        await set_credential(services, who, "openai", OWN)
    both = replace(settings, secret_key=f"{'n' * 40},{settings.secret_key}")
    reading = True

    async def read_on() -> int:
        count = 0
        while reading:
            for who in tenants:
                assert (await decrypted(fresh, who)).providers == {"openai": OWN}
                count += 1
            await asyncio.sleep(0)
        return count

    async with api_services(both) as fresh, worker_services(both) as tidying:
        reader = asyncio.create_task(read_on())
        wrapped = await asyncio.gather(tidying.rewrap(), tidying.rewrap())
        reading = False
        assert await reader > 0
        assert sum(wrapped) == 5
        assert await tidying.rewrap() == 0
    async with api_services(replace(settings, secret_key="n" * 40)) as alone:
        for who in tenants:
            assert (await decrypted(alone, who)).providers == {"openai": OWN}
    with pytest.raises(DecryptionKeyMissing, match="add it again"):
        await decrypted(services, tenants[0])


async def test_a_missing_key_does_not_prevent_rewrapping_the_others(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await set_credential(services, viewer, "openai", OWN)
    other = owner_of(await new_tenant(settings, "other"))
    async with api_services(replace(settings, secret_key="g" * 40)) as gone:
        await set_credential(gone, other, "openai", OWN)
    both = replace(settings, secret_key=f"{'n' * 40},{settings.secret_key}")
    async with worker_services(both) as tidying:
        assert await tidying.rewrap() == 1
    ids = {row["key_id"] for row in await execute(settings, "select key_id from data_key")}
    assert ids == {Vault(KeyRing.from_secret_key(k * 40)).newest_key_id for k in "ng"}


# ---- providers ------------------------------------------------------------------------------


@asynccontextmanager
async def provider(
    seen: list[Request] | None = None,
) -> AsyncIterator[tuple[str, list[Request]]]:
    """Accepts one key in any form; the key `broken` makes it fail."""
    asked: list[Request] = [] if seen is None else seen

    async def answer(request: Request) -> JSONResponse:
        asked.append(request)
        text = json.dumps(dict(request.headers))
        if "broken" in text:
            return JSONResponse({}, status_code=500)
        return JSONResponse({}, status_code=200 if OWN in text else 401)

    app = Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST"])])
    async with run_server(app) as url:
        yield url, asked


def prober_at(settings: Settings, urls: Mapping[str, str] | None = None) -> HttpKeyProber:
    return HttpKeyProber(ProviderHttp(settings, urls))


@pytest.mark.parametrize("name", PROBE_REQUESTS)
async def test_a_key_is_tested_with_its_provider(
    services: Services, settings: Settings, viewer: Viewer, name: str
) -> None:
    async with provider() as (url, asked):
        asking = replace(
            services, key_prober=prober_at(settings, dict.fromkeys(PROBE_REQUESTS, url))
        )
        async with running_api(asking, settings, viewer, build_schema_with_loaders) as api:

            async def verdict(**given: Any) -> str:
                reported = await mutate(api, TEST, provider=name, **given)
                assert OWN not in reported["detail"]
                return str(reported["verdict"])

            assert await verdict(key="another-key") == "REJECTED"
            assert await verdict(key="broken-key") == "UNREACHABLE"
            assert await verdict(key=OWN) == "ACCEPTED"
            await mutate(api, SET, provider=name, key=OWN)
            assert await verdict() == "ACCEPTED"
    assert asked[-1].method == ("POST" if name == "sarvam" else "GET")
    nowhere = prober_at(settings, {name: "http://127.0.0.1:1"})
    assert (await nowhere.test_key(name, OWN)).verdict == "UNREACHABLE"


@pytest.mark.parametrize("name", PROBE_REQUESTS)
async def test_a_key_is_sent_only_to_the_configured_address(settings: Settings, name: str) -> None:
    elsewhere: list[Request] = []
    async with provider() as (url, asked), provider(elsewhere) as (other, _):
        configured: dict[str, Any] = {f"{each}_base_url": other for each in PROBE_REQUESTS}
        prober = prober_at(replace(settings, **{**configured, f"{name}_base_url": url}))
        assert (await prober.test_key(name, OWN)).verdict == "ACCEPTED"
    assert (len(asked), elsewhere) == (1, [])


@pytest.mark.parametrize("name", ["deepgram", "cartesia", "sarvam"])
async def test_an_emulator_of_the_provider_tests_its_keys(settings: Settings, name: str) -> None:
    async with run_speech_emulator() as emulator:
        configured: dict[str, Any] = {f"{name}_base_url": emulator.url}
        reported = await prober_at(replace(settings, **configured)).test_key(name, OWN)
    assert reported.verdict == "ACCEPTED"


async def test_a_key_is_not_sent_to_the_target_of_a_redirect(settings: Settings) -> None:
    elsewhere: list[Request] = []
    async with provider(elsewhere) as (other, _):

        async def redirect(request: Request) -> RedirectResponse:
            return RedirectResponse(other)

        app = Starlette(routes=[Route("/{rest:path}", redirect, methods=["GET", "POST"])])
        async with run_server(app) as url:
            prober = prober_at(settings, dict.fromkeys(PROBE_REQUESTS, url))
            verdicts = [(await prober.test_key(name, OWN)).verdict for name in PROBE_REQUESTS]
    assert (set(verdicts), elsewhere) == ({"UNREACHABLE"}, [])


def test_the_key_of_every_provider_can_be_tested() -> None:
    assert providers_with_keys() == PROBE_REQUESTS.keys() == DEFAULT_BASE_URLS.keys()
    assert Settings().provider_base_urls.keys() == DEFAULT_BASE_URLS.keys()


async def test_a_call_uses_the_tenants_own_key_and_never_shows_it(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await set_credential(services, viewer, "openai", KEY)
    async with calling(services, settings, viewer, "openai", key="platform-key") as (caller, model):
        model.script = [ScriptedReply("Here I am.")]
        events = await caller.say("hello?")
    assert dialogue(events)[-1] == "reception: Here I am."
    assert model.keys == [KEY]
    assert KEY not in repr(events)
    assert KEY not in caplog.text
    for table in ("call", "call_event", "call_log", "call_command", "workflow_version"):
        rows = await execute(settings, f"select t::text from {table} t")
        assert all(KEY not in row[0] for row in rows), table


async def test_a_call_ends_with_a_reason_when_its_credentials_cannot_be_decrypted(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await set_credential(services, viewer, "openai", "kept-under-another-key")
    await execute(settings, "update data_key set key_id = 'gone'")
    async with calling(services, settings, viewer, "openai", key=KEY) as (_, model):
        call = await started(services, viewer)
        events = await watch(services, viewer, call.id, CallEnded)
    [error] = [e for e in events if e.kind == "error_raised"]
    assert "SECRET_KEY" in error.message
    [ended] = [e for e in events if isinstance(e, CallEnded)]
    assert ended.reason is EndReason.PROVIDER_FAILED
    assert model.keys == [], "the operator's key does not stand in"


async def test_a_server_that_echoes_requests_does_not_reveal_the_secret(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await set_secret(services, viewer, "crm", OWN)

    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({"seen": dict(request.headers)})

    async with (
        run_server(Starlette(routes=[Route("/{rest:path}", echo)])) as url,
        api_that_reaches(services, settings, viewer, url.removeprefix("http://")) as api,
    ):
        call = {"url": f"{url}/", "headers": {"X-Token": "Bearer {{secret.crm}}"}}
        save = {"save": {"workflow.seen": "body.seen"}}
        made = await mutate(
            api,
            CREATE_TOOL,
            name="echo",
            description="Echoes.",
            actions=[{"apiCall": {**call, **save}}],
        )
        tried = await mutate(api, TRY, id=made["tool"]["id"], live=True)
    assert tried["context"]["workflow"]["seen"]["x-token"] == "Bearer [secret]"
    assert OWN not in json.dumps(tried)


async def test_a_secret_is_sent_to_its_hosts_only(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    seen: list[Request] = []

    async def answer(request: Request) -> JSONResponse:
        seen.append(request)
        return JSONResponse({})

    async with (
        run_server(Starlette(routes=[Route("/{rest:path}", answer, methods=["POST"])])) as url,
        api_that_reaches(services, settings, viewer, url.removeprefix("http://")) as api,
    ):
        place = url.removeprefix("http://")
        host = place.split(":")[0]
        headers = {"X-Token": "{{secret.crm}}"}
        server = {"name": "crm", "url": f"{url}/", "headers": headers}
        changed = await mutate(api, UPDATE_SETTINGS, expectedRevision=0, mcpServers=[server])
        assert changed["__typename"] == "UpdateSettingsSuccess"
        actions = [{"apiCall": {"url": f"{url}/", "method": "POST", "headers": headers}}]
        tool = await mutate(api, CREATE_TOOL, name="crm", description="Asks.", actions=actions)
        for hosts, arrives in (
            (["api.example.com", f"{host}:1"], False),
            ([place], True),
            (None, True),
            (["*.example.com"], False),
        ):
            stored = await mutate(api, SET_SECRET, name="crm", value=OWN, hosts=hosts)
            assert stored["secret"] == {"hosts": hosts}
            before = len(seen)
            tried = await mutate(api, TRY, id=tool["tool"]["id"], live=True)
            listed = await api.execute('{ mcpTools(server: "crm") { name } }')
            problem = f"The secret 'crm' may not be sent to {host}."
            assert (tried["result"] == problem, len(seen) == before) == (not arrives, not arrives)
            assert (listed["errors"][0]["message"] == problem) is not arrives
        kept = await mutate(api, SET_SECRET, name="crm", value="another-value")
        assert kept["secret"] == {"hosts": ["*.example.com"]}


async def test_key_tests_are_rate_limited(api: Api) -> None:
    async def code() -> Any:
        answer = await api.execute(
            TEST, variables={"input": {"provider": "openai", "key": "short"}}
        )
        return answer

    answers = [await code() for _ in range(TESTS_PER_MINUTE + 1)]
    assert "errors" not in answers[0]
    assert answers[-1]["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
