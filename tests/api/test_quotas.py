"""Quotas of tenants: a warning when little is left, and a typed refusal when nothing is."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from domain.common.access import Tenant, Viewer
from domain.common.quotas import TenantQuotas
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from persistence.open_counts import RedisOpenCounts
from persistence.rate_limiter import RedisRateLimiter
from persistence.wiring import api_services
from persistence.worker_wiring import worker_services
from tests.support.api_server import Api, running_api
from tests.support.graphql_calls import ERROR_FIELDS, GREETER, mutate

pytestmark = pytest.mark.anyio

CREATE = f"""mutation ($input: CreateAgentInput!) {{ createAgent(input: $input) {{ __typename
  ... on QuotaExceeded {{ budget used limit resetsAt }} {ERROR_FIELDS} }} }}"""
IMPORT = f"""mutation ($input: ImportBundleInput!) {{ importBundle(input: $input) {{ __typename
  ... on QuotaExceeded {{ budget used limit }} {ERROR_FIELDS} }} }}"""
LIMITS = "{ viewer { limits { budget used limit left isNear isExhausted } } }"
SUBSCRIPTION = "subscription { calls { __typename } }"


async def set_quotas(settings: Settings, tenant: Tenant, quotas: str) -> None:
    db = await asyncpg.connect(settings.database_url)
    try:
        await db.execute("update tenant set quotas = $2 where id = $1", tenant.id, quotas)
    finally:
        await db.close()


async def limits(api: Api) -> dict[str, Any]:
    found = (await api.execute(LIMITS))["data"]["viewer"]["limits"]
    return {each.pop("budget"): each for each in found}


async def count(settings: Settings, table: str) -> int:
    db = await asyncpg.connect(settings.database_url)
    try:
        number: int = await db.fetchval(f"select count(*) from {table}")
        return number
    finally:
        await db.close()


def test_quotas_of_a_tenant_override_those_of_the_installation() -> None:
    defaults = TenantQuotas.from_settings(Settings(requests_per_minute=60, tenant_sockets=0))
    assert (defaults.requests_per_minute, defaults.sockets, defaults.agents) == (600, None, 5_000)
    own = defaults.override({"agents": 0, "sockets": 3, "of-a-newer-release": 1})
    assert (own.requests_per_minute, own.sockets, own.agents) == (600, 3, None)


async def test_agents_are_limited_with_a_warning_before(
    services: Services, settings: Settings, tenant: Tenant, api: Api
) -> None:
    await set_quotas(settings, tenant, '{"agents": 5}')

    async def create(number: int) -> Any:
        given = {**GREETER, "name": f"agent-{number}"}
        return await api.execute(CREATE, variables={"input": given})

    answers = [await create(number) for number in range(4)]
    assert ["warnings" in each["extensions"] for each in answers] == [False, False, False, True]
    [warning] = answers[3]["extensions"]["warnings"]
    assert (warning["code"], warning["quota"], warning["used"], warning["limit"]) == (
        "QUOTA_NEARLY_EXHAUSTED",
        "AGENTS",
        4,
        5,
    )
    raced = await asyncio.gather(*(create(number) for number in range(4, 10)))
    refused = [
        each["data"]["createAgent"] for each in raced if "code" in each["data"]["createAgent"]
    ]
    assert len(refused) == 5
    assert {(r["code"], r["budget"], r["used"], r["limit"], r["resetsAt"]) for r in refused} == {
        ("QUOTA_EXCEEDED", "AGENTS", 5, 5, None)
    }
    assert await count(settings, "agent") == 5
    bundle = {"agents": [{"name": "imported", "prompt": {"system": "x"}, "llm": GREETER["llm"]}]}
    imported = await mutate(api, IMPORT, bundle=bundle)
    assert (imported["code"], imported["budget"]) == ("QUOTA_EXCEEDED", "AGENTS")
    assert await count(settings, "agent") == 5
    shown = await limits(api)
    assert shown["AGENTS"] == {
        "used": 5,
        "limit": 5,
        "left": 0,
        "isNear": True,
        "isExhausted": True,
    }
    assert shown["STORAGE_MEGABYTES"]["limit"] is None


TOOL = """mutation ($input: CreateToolInput!) { createTool(input: $input) { __typename
  ... on QuotaExceeded { code budget used limit } } }"""
WORKFLOW = """mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename
  ... on QuotaExceeded { code budget used limit } } }"""
RACES: dict[str, tuple[str, dict[str, Any], str]] = {
    "tool": (TOOL, {"description": "x", "actions": [{"respond": {"message": "x"}}]}, "name"),
    "workflow": (WORKFLOW, {}, "slug"),
}


@pytest.mark.parametrize("kind", RACES)
async def test_of_many_creations_at_once_only_those_within_the_quota_succeed(
    settings: Settings, tenant: Tenant, api: Api, kind: str
) -> None:
    await set_quotas(settings, tenant, f'{{"{kind}s": 4}}')
    document, fields, name = RACES[kind]
    answers = await asyncio.gather(
        *(
            api.execute(document, variables={"input": {**fields, name: f"x{number}"}})
            for number in range(20)
        )
    )
    [results] = zip(*(each["data"].values() for each in answers), strict=True)
    refused = {"code": "QUOTA_EXCEEDED", "budget": f"{kind.upper()}S", "used": 4, "limit": 4}
    assert [each for each in results if "code" in each] == [
        {"__typename": "QuotaExceeded", **refused}
    ] * 16
    assert await count(settings, kind) == 4
    exhausted = (await limits(api))[f"{kind.upper()}S"]
    assert (exhausted["used"], exhausted["isExhausted"]) == (4, True)


async def test_requests_of_all_keys_of_a_tenant_share_its_quota(
    services: Services, settings: Settings, tenant: Tenant, api: Api
) -> None:
    await set_quotas(settings, tenant, '{"requests_per_minute": 10}')
    by_user = [await api.post("{ viewer { subject } }") for _ in range(5)]
    as_key: dict[str, Any] = {"auth": False, "headers": {"x-api-key": api.key}}
    by_key = [await api.post("{ viewer { subject } }", **as_key) for _ in range(5)]
    assert {answer.status_code for answer in (*by_user, *by_key)} == {200}
    last = by_key[-1]
    assert last.json()["extensions"]["rateLimit"]["scope"] == "tenant"
    assert last.json()["extensions"]["rateLimit"]["limit"] == 10
    assert [each["quota"] for each in last.json()["extensions"]["warnings"]] == [
        "REQUESTS_PER_MINUTE"
    ]
    assert last.headers["ratelimit-policy"] == '"key";q=600;w=60, "tenant";q=10;w=60'
    assert last.headers["ratelimit-limit"] == "10"
    for more in (dict[str, Any](), as_key):
        refused = await first_refusal(api, more)
        assert refused.status_code == 429
        [error] = refused.json()["errors"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert refused.json()["extensions"]["rateLimit"]["scope"] == "tenant"


async def first_refusal(api: Api, credential: dict[str, Any]) -> httpx.Response:
    """On a slow machine, a part of the allowance is back before the next request."""
    async with asyncio.timeout(60):
        while (answer := await api.post("{ viewer { subject } }", **credential)).status_code == 200:
            pass
    return answer


async def test_sockets_and_subscriptions_are_limited_over_all_processes(
    settings: Settings, tenant: Tenant, viewer: Viewer
) -> None:
    await set_quotas(settings, tenant, '{"sockets": 3, "subscriptions": 2}')
    patient = RedisRateLimiter(settings.redis_url, timeout=30.0)
    async with api_services(settings) as one, api_services(settings) as other:
        counts = [RedisOpenCounts(patient), RedisOpenCounts(patient)]
        apis = [
            running_api(
                replace(wired, open_counts=each), settings, viewer, build_schema_with_loaders
            )
            for wired, each in zip((one, other), counts, strict=True)
        ]
        async with (
            apis[0] as first,
            apis[1] as second,
            first.socket() as a,
            second.socket() as b,
        ):
            await a.subscribe("1", SUBSCRIPTION)
            await a.receive()
            await b.subscribe("1", SUBSCRIPTION)
            await b.receive()
            await b.subscribe("2", SUBSCRIPTION)
            message = await b.receive()
            assert message["payload"][0]["extensions"] == {
                "code": "TOO_MANY_SUBSCRIPTIONS",
                "limit": 2,
                "quota": "SUBSCRIPTIONS",
                "docs": "/docs/api#too_many_subscriptions",
            }
            init = {"authorization": f"Bearer {first.token}"}
            async with first.socket({}) as c:
                await c.send(type="connection_init", payload=init)
                assert (await c.receive())["payload"]["warnings"][0]["quota"] == "SOCKETS"
                async with second.socket({}) as d:
                    await d.send(type="connection_init", payload=init)
                    code, reason = await d.wait_closed()
                    assert code == 1013
                    assert reason is not None
                    assert reason.startswith("All 3 sockets of the tenant are in use.")
            shown = await limits(second)
            assert (shown["SUBSCRIPTIONS"]["used"], shown["SUBSCRIPTIONS"]["isExhausted"]) == (
                2,
                True,
            )
    await patient.aclose()


async def test_storage_is_measured_and_limited(
    services: Services, settings: Settings, tenant: Tenant, api: Api
) -> None:
    large = {**GREETER, "prompt": {"system": secrets.token_hex(15_000)}}
    await mutate(api, CREATE, **{**large, "name": "first"})
    async with worker_services(settings) as wired:
        assert await wired.tenants.measure_usage() == 1
        assert await wired.tenants.measure_usage() == 0, "not again so soon"
    assert (await limits(api))["STORAGE_MEGABYTES"]["used"] > 0
    db = await asyncpg.connect(settings.database_url)
    await db.execute("update tenant_usage set storage_bytes = 2000000")
    await db.close()
    await set_quotas(settings, tenant, '{"storage_megabytes": 2}')
    async with asyncio.timeout(60):
        while (await limits(api))["STORAGE_MEGABYTES"]["limit"] != 2:  # noqa: ASYNC110 - it is cached
            await asyncio.sleep(0.05)
    refused = await mutate(api, CREATE, **{**large, "name": "second"})
    assert (refused["code"], refused["budget"], refused["used"], refused["limit"]) == (
        "QUOTA_EXCEEDED",
        "STORAGE_MEGABYTES",
        2,
        2,
    )
    assert await count(settings, "agent") == 1


async def test_counts_of_dead_processes_are_forgotten(settings: Settings) -> None:
    limiter = RedisRateLimiter(settings.redis_url, timeout=30.0)
    dead, alive = RedisOpenCounts(limiter), RedisOpenCounts(limiter)
    key = f"sockets:{UUID(int=1)}"
    assert await dead.acquire(key, 2) == 1
    assert await alive.acquire(key, 2) == 2
    assert await alive.acquire(key, 2) is None
    assert await alive.total(key) == 2
    # As if the other process had last been seen a minute ago.
    await limiter._redis.hset(f"studio:open:{key}", dead._process, "1:1")
    assert await alive.acquire(key, 2) == 2
    alive.release(key)
    alive.release(key)
    assert await alive.total(key) == 0
    await limiter.aclose()
