"""Usage and cost of calls: in the log, on the call, and in the monthly usage of the tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from domain.calls.events import CallEnded, CallEvent, TurnMeasured, UsageMeasured, cost_of_event
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.providers.model import ProviderKind
from domain.providers.usage import Usage, merge_usage
from domain.use_cases.calls import end_call, send_message
from domain.use_cases.workflows import publish_workflow, update_workflow
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import ContextPolicy
from graph.app import build_schema_with_loaders
from local.emulators.llm import FailedReply, ScriptedReply
from resolvers.global_ids import global_id
from tests.api.test_providers import BOOK_IT, TO_BOOKING, calling
from tests.conftest import new_tenant
from tests.support import demo_workflow
from tests.support.api_server import Api, running_api
from tests.support.graphql_calls import ERROR_FIELDS, mutate
from tests.support.viewers import owner_of
from tests.worker.test_text_calls import started, watch

pytestmark = pytest.mark.anyio

COSTS = """query ($id: ID!) { call(id: $id) {
  usage { kind provider model inputTokens cachedTokens outputTokens characters audioSeconds cost }
  cost { total currency partial byProvider { provider total partial } }
  latency { turns totalMs { p50 p95 } firstAudioMs { p50 } llmFirstTokenMs sttMs } } }"""
UPDATE = f"""mutation ($input: UpdateSettingsInput!) {{ updateSettings(input: $input) {{ __typename
  ... on UpdateSettingsSuccess {{ settings {{ revision prices {{ model inputTokens outputTokens }}
  budgets {{ concurrentCalls minutesPerMonth spendPerMonth spendPerCall }} }} }} {ERROR_FIELDS} }} }}"""
BOOKED = [
    ScriptedReply("One moment.", (TO_BOOKING,)),
    ScriptedReply("", (BOOK_IT,)),
    ScriptedReply("You are booked."),
]
SAID = ("I need an appointment", "tomorrow at ten")
MINI = "gpt-4.1-mini"


def usage_in_log(events: Sequence[CallEvent]) -> tuple[Usage, ...]:
    """The total usage in the log."""
    reported = (e.usage for e in events if isinstance(e, TurnMeasured | UsageMeasured))
    return merge_usage(part for usage in reported for part in usage)


def usage_of(model: str, times: int, cost: int | None, provider: str = "openai") -> Usage:
    """The emulator reports 100 input and 10 output tokens for each request."""
    return Usage(
        kind=ProviderKind.LLM,
        provider=provider,
        model=model,
        input_tokens=100 * times,
        output_tokens=10 * times,
        cost=cost,
    )


async def run_booking(
    services: Services, settings: Settings, viewer: Viewer, choice: ProviderChoice
) -> list[CallEvent]:
    async with calling(services, settings, viewer, choice.provider, chain=choice) as (caller, it):
        it.script = list(BOOKED)
        return await caller.say(*SAID)


async def query_costs(api: Api, settings: Settings) -> Any:
    """The costs of the only call."""
    db = await asyncpg.connect(settings.database_url)
    id = await db.fetchval("select id from call")
    await db.close()
    return (await api.execute(COSTS, variables={"id": global_id("Call", id)}))["data"]["call"]


async def row(settings: Settings, query: str, *given: Any) -> dict[str, Any]:
    db = await asyncpg.connect(settings.database_url)
    found = await db.fetchrow(query, *given)
    await db.close()
    return dict(found or {})


async def test_a_call_reports_its_usage_and_its_cost(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    choice = ProviderChoice(provider="openai", model=MINI)
    events = await run_booking(services, settings, viewer, choice)
    # $0.40 per million input tokens, $1.60 per million output tokens.
    assert usage_in_log(events) == (usage_of(MINI, 3, 3 * (100 * 400 + 10 * 1600)),)
    first, second = (e for e in events if isinstance(e, TurnMeasured))
    assert (first.usage, second.usage) == (
        (usage_of(MINI, 1, 56_000),),
        (usage_of(MINI, 2, 112_000),),
    )
    assert (second.input_tokens, second.output_tokens) == (200, 20)
    reported = await query_costs(api, settings)
    assert reported["usage"] == [
        {
            "kind": "LLM",
            "provider": "openai",
            "model": MINI,
            "inputTokens": 300,
            "cachedTokens": 0,
            "outputTokens": 30,
            "characters": 0,
            "audioSeconds": 0.0,
            "cost": "0.000168",
        }
    ]
    assert reported["cost"] == {
        "total": "0.000168",
        "currency": "USD",
        "partial": False,
        "byProvider": [{"provider": "openai", "total": "0.000168", "partial": False}],
    }
    latency = reported["latency"]
    assert (latency["turns"], latency["firstAudioMs"], latency["sttMs"]) == (2, None, None)
    assert latency["totalMs"]["p50"] == min(first.total_ms, second.total_ms)
    assert latency["totalMs"]["p95"] == max(first.total_ms, second.total_ms)
    kept = await row(settings, "select spent from call_log")
    month = await row(settings, "select calls, spent, talk_ms from tenant_month")
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert kept == {"spent": 168_000}
    assert month == {"calls": 1, "spent": 168_000, "talk_ms": round(ended.duration_ms)}


async def test_a_call_without_usage_has_no_cost(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    await demo_workflow.publish_clinic(services, viewer)
    call = await started(services, viewer)
    await end_call(services, viewer, call.id)
    assert await query_costs(api, settings) == {"usage": [], "cost": None, "latency": None}
    month = await row(settings, "select calls, spent, talk_ms from tenant_month")
    assert month == {"calls": 1, "spent": 0, "talk_ms": 0}


async def test_usage_counts_for_the_fallback_that_answered(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    chain = ProviderChoice(
        provider="openai",
        model=MINI,
        fallbacks=(ProviderChoice(provider="google", model="gemini-2.5-flash"),),
    )
    async with calling(services, settings, viewer, "openai", chain=chain) as (caller, emulator):
        emulator.script = [FailedReply(500), ScriptedReply("Here I am.")]
        events = await caller.say("hello?")
    # $0.30 and $2.50 per million.
    assert usage_in_log(events) == (
        usage_of("gemini-2.5-flash", 1, 100 * 300 + 10 * 2_500, "google"),
    )


async def test_a_summary_counts_with_its_turn(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    way = replace(demo_workflow.CLINIC.connections[0], context_policy=ContextPolicy.SUMMARY)
    choice = ProviderChoice(provider="openai", model=MINI)
    async with calling(services, settings, viewer, "openai", chain=choice) as (caller, emulator):
        async with services.store.transaction(viewer.tenant_id) as work:
            (kept,) = await work.workflows.by_names(["clinic"])
        changes = {"connections": (way,)}
        changed = await update_workflow(services, viewer, kept.id, kept.revision, changes)
        await publish_workflow(services, viewer, kept.id, changed.revision, None)
        emulator.script = [BOOKED[0], ScriptedReply("Wants an appointment."), *BOOKED[1:]]
        events = await caller.say(*SAID)
        assert len(emulator.requests) == 4
    assert usage_in_log(events) == (usage_of(MINI, 4, 4 * 56_000),)
    first = next(e for e in events if isinstance(e, TurnMeasured))
    assert first.input_tokens == 200


async def test_usage_reported_by_a_lost_worker_is_counted_once(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    choice = ProviderChoice(provider="openai", model=MINI)
    async with calling(services, settings, viewer, "openai", chain=choice) as (_, emulator):
        emulator.script = [
            ScriptedReply("How can I help?"),
            ScriptedReply("so slow " * 50, word_delay=0.1),
            ScriptedReply("Yes."),
        ]
        call = await started(services, viewer)
        await send_message(services, viewer, call.id, "hello?", None)
        await watch(services, viewer, call.id, TurnMeasured)
        await send_message(services, viewer, call.id, "are you there?", None)
        async with asyncio.timeout(60):
            while len(emulator.requests) < 2:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.05)
        await row(
            settings,
            "update call_log set epoch = epoch + 1, worker_id = null where call_id = $1 "
            "returning 1",
            call.id,
        )
        await watch(services, viewer, call.id, TurnMeasured, 2)
        await end_call(services, viewer, call.id)
        events = await watch(services, viewer, call.id, CallEnded)
    assert len(emulator.requests) == 3
    assert usage_in_log(events) == (usage_of(MINI, 2, 2 * 56_000),)
    assert sum(map(cost_of_event, events)) == 112_000
    assert await row(settings, "select spent from call_log") == {"spent": 112_000}
    assert await row(settings, "select spent from tenant_month") == {"spent": 112_000}
    assert (await query_costs(api, settings))["cost"]["total"] == "0.000112"


async def test_a_tenant_sets_its_own_prices_and_unknown_prices_are_null(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    own = {
        "kind": "LLM",
        "provider": "openai",
        "model": MINI,
        "inputTokens": "1",
        "outputTokens": "0.5",
    }
    made = await mutate(api, UPDATE, expectedRevision=0, prices=[own])
    assert made["settings"]["prices"] == [
        {"model": MINI, "inputTokens": "1.00", "outputTokens": "0.50"}
    ]
    events = await run_booking(
        services, settings, viewer, ProviderChoice(provider="openai", model=MINI)
    )
    assert usage_in_log(events) == (usage_of(MINI, 3, 3 * (100 * 1_000 + 10 * 500)),)
    # A later price does not change the cost of past calls.
    await mutate(api, UPDATE, expectedRevision=1, prices=[])
    assert (await query_costs(api, settings))["cost"]["total"] == "0.000315"


async def test_usage_without_a_price_is_counted_and_the_total_is_partial(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    events = await run_booking(
        services, settings, viewer, ProviderChoice(provider="openai", model="gpt-unheard-of")
    )
    assert usage_in_log(events) == (usage_of("gpt-unheard-of", 3, None),)
    reported = await query_costs(api, settings)
    assert reported["usage"][0]["cost"] is None
    assert reported["cost"] == {
        "total": "0.00",
        "currency": "USD",
        "partial": True,
        "byProvider": [{"provider": "openai", "total": "0.00", "partial": True}],
    }


async def test_costs_are_visible_only_to_their_tenant(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await run_booking(services, settings, viewer, ProviderChoice(provider="openai", model=MINI))
    stranger = owner_of(await new_tenant(settings, "other"))
    async with running_api(services, settings, stranger, build_schema_with_loaders) as theirs:
        assert await query_costs(theirs, settings) is None
        answer = await theirs.execute("{ viewer { limits { budget used limit left } } }")
    assert answer["data"]["viewer"]["limits"][:3] == [
        {"budget": name, "used": 0.0, "limit": None, "left": None}
        for name in ("CONCURRENT_CALLS", "MINUTES_PER_MONTH", "SPEND_PER_MONTH")
    ]
    months = "select 1 from tenant_month"
    db = await asyncpg.connect(settings.database_url)
    await db.execute("set role studio_api")
    async with db.transaction():
        await db.execute("select set_config('app.tenant', $1, true)", str(stranger.tenant_id))
        assert await db.fetch(months) == []
    async with db.transaction():
        await db.execute("select set_config('app.tenant', $1, true)", str(viewer.tenant_id))
        assert len(await db.fetch(months)) == 1
    await db.close()
