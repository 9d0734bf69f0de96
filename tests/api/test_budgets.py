"""Budgets of tenants: they refuse new calls, and end running ones that exhaust them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import pytest

from domain.calls.events import AgentTurn, CallEnded, TurnMeasured, UserTurn
from domain.calls.model import Blame, Call, CallKind, CallState, EndReason
from domain.common.access import Viewer
from domain.common.errors import QuotaExceeded
from domain.common.money import NANOS_PER_DOLLAR
from domain.common.settings import Settings
from domain.ports import Services
from domain.providers.model import ProviderKind
from domain.tenants.budgets import Budget, Budgets
from domain.use_cases.calls import CallRequest, end_call, send_message, start_call
from domain.use_cases.settings import update_settings
from domain.workflows.agents import ProviderChoice
from local.emulators.llm import ScriptedReply
from local.livekit import LivekitCredentials
from tests.api.test_costs import MINI, row, usage_in_log
from tests.api.test_providers import calling
from tests.conftest import new_tenant
from tests.support.api_server import Api
from tests.support.demo_workflow import publish_clinic
from tests.support.graphql_calls import mutate
from tests.support.spoken_texts import BUDGET_EXHAUSTED, ENDING_SOON
from tests.support.viewers import owner_of
from tests.support.voice_clients import joined_caller, voice_clinic
from tests.worker.test_text_calls import running_worker, started, watch
from worker.common.retry import retry_while_unavailable

pytestmark = pytest.mark.anyio

START = """mutation ($input: StartCallInput!) { startCall(input: $input) { __typename
  ... on Error { code message path }
  ... on QuotaExceeded { budget used limit resetsAt } } }"""
LIMITS = "{ viewer { limits { budget used limit left resetsAt } } }"
BOOKED = """insert into tenant_month (tenant_id, month, calls, talk_ms, spent)
  values ($1, date_trunc('month', now() at time zone 'UTC')::date, 1, $2, $3)
  on conflict on constraint pk_tenant_month do update set talk_ms = $2, spent = $3 returning 1"""
AGO = "update tenant_month set month = month - interval '1 month' returning 1"


async def limit(services: Services, viewer: Viewer, **budgets: int) -> None:
    async with services.store.transaction(viewer.tenant_id) as work:
        revision = (await work.settings.get()).revision
    await update_settings(services, viewer, revision, {"budgets": Budgets(**budgets)})


async def counts(settings: Settings) -> dict[str, Any]:
    return await row(
        settings,
        "select (select count(*) from call) calls, (select count(*) from call_log) logs, "
        "(select count(*) from call_event) events, (select count(*) from idempotency) keys",
    )


def all_of(calls: int) -> dict[str, int]:
    return {"calls": calls, "logs": calls, "events": calls, "keys": calls}


def request(number: int) -> CallRequest:
    return CallRequest(workflow_name="clinic", idempotency_key=f"k{number}")


async def test_fifty_simultaneous_starts_against_a_limit_of_ten_start_ten_calls(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    await limit(services, viewer, concurrent_calls=10)
    # On a busy machine some wait longer for the lock of the tenant than the store allows.
    starts = (
        retry_while_unavailable(partial(start_call, services, viewer, request(n)))
        for n in range(50)
    )
    answers = await asyncio.gather(*starts, return_exceptions=True)
    calls = [each for each in answers if isinstance(each, Call)]
    refused = [each for each in answers if isinstance(each, QuotaExceeded)]
    assert (len(calls), len(refused)) == (10, 40)
    assert await counts(settings) == all_of(10)
    assert {(e.budget, e.used, e.limit, e.resets_at) for e in refused} == {
        (Budget.CONCURRENT_CALLS, 10.0, 10.0, None)
    }
    # A repeated start with the same key succeeds, whatever the budget.
    accepted = next(n for n, each in enumerate(answers) if isinstance(each, Call))
    again = await start_call(services, viewer, request(accepted))
    assert again.id in {call.id for call in calls}
    await end_call(services, viewer, calls[0].id)
    rejected = next(n for n, each in enumerate(answers) if isinstance(each, QuotaExceeded))
    assert (await start_call(services, viewer, request(rejected))).id
    with pytest.raises(QuotaExceeded):
        await start_call(services, viewer, request(99))


async def test_budgets_of_tenants_are_separate(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    other = owner_of(await new_tenant(settings, "other"))
    for each in (viewer, other):
        await publish_clinic(services, each)
    await limit(services, viewer, concurrent_calls=0)
    assert await start_call(services, other, request(1))
    with pytest.raises(QuotaExceeded):
        await start_call(services, viewer, request(1))


@pytest.mark.parametrize(
    ("budgets", "used", "reported"),
    [
        ({"minutes_per_month": 5}, (5 * 60_000, 0), ("MINUTES_PER_MONTH", 5.0, 5.0)),
        (
            {"spend_per_month": 2 * NANOS_PER_DOLLAR},
            (0, 3 * NANOS_PER_DOLLAR),
            ("SPEND_PER_MONTH", 3.0, 2.0),
        ),
    ],
)
async def test_an_exhausted_monthly_budget_resets(
    api: Api,
    services: Services,
    settings: Settings,
    viewer: Viewer,
    budgets: dict[str, int],
    used: tuple[int, int],
    reported: tuple[str, float, float],
) -> None:
    await publish_clinic(services, viewer)
    await limit(services, viewer, **budgets)
    await row(
        settings, BOOKED, viewer.tenant_id, used[0] - 1, used[1] and budgets["spend_per_month"] - 1
    )
    assert (await mutate(api, START, workflow={"slug": "clinic"}))[
        "__typename"
    ] == "StartCallSuccess"
    await row(settings, BOOKED, viewer.tenant_id, *used)
    before = await counts(settings)
    refused = await mutate(api, START, workflow={"slug": "clinic"})
    assert (refused["code"], refused["path"]) == ("QUOTA_EXCEEDED", ["input"])
    assert (refused["budget"], refused["used"], refused["limit"]) == reported
    now = datetime.now(UTC)
    resets_at = datetime.fromisoformat(refused["resetsAt"])
    assert resets_at == datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    assert await counts(settings) == before
    levels = (await api.execute(LIMITS))["data"]["viewer"]["limits"]
    level = next(each for each in levels if each["budget"] == reported[0])
    assert (level["used"], level["limit"], level["left"]) == (*reported[1:], 0.0)
    assert levels[0] == {
        "budget": "CONCURRENT_CALLS",
        "used": 1.0,
        "limit": None,
        "left": None,
        "resetsAt": None,
    }
    await row(settings, AGO)
    assert (await mutate(api, START, workflow={"slug": "clinic"}))[
        "__typename"
    ] == "StartCallSuccess"


async def test_months_are_utc_months_in_any_time_zone_of_the_database(
    settings: Settings, viewer: Viewer
) -> None:
    db = await asyncpg.connect(settings.database_url)
    await db.execute("set time zone 'Pacific/Kiritimati'")
    await db.execute(
        "insert into tenant_month values ($1, '2030-01-01', 1, 7, 9)", viewer.tenant_id
    )
    for at, spent, resets_at in (
        (datetime(2029, 12, 31, 23, 59, tzinfo=UTC), 0, datetime(2030, 1, 1, tzinfo=UTC)),
        (datetime(2030, 1, 1, tzinfo=UTC), 9, datetime(2030, 2, 1, tzinfo=UTC)),
        (datetime(2030, 1, 31, 23, 59, tzinfo=UTC), 9, datetime(2030, 2, 1, tzinfo=UTC)),
        (datetime(2030, 2, 1, tzinfo=UTC), 0, datetime(2030, 3, 1, tzinfo=UTC)),
    ):
        found = await db.fetchrow("select * from tenant_standing($1, $2)", viewer.tenant_id, at)
        assert found is not None
        assert (found["spent"], found["resets_at"]) == (spent, resets_at)
    await db.close()


async def test_usage_is_booked_once_even_if_a_call_is_ended_concurrently(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    calls = [await start_call(services, viewer, request(n)) for n in range(8)]
    await asyncio.gather(*(end_call(services, viewer, c.id) for c in calls for _ in range(4)))
    assert await row(settings, "select calls from tenant_month") == {"calls": 8}


async def test_a_call_whose_budget_is_exhausted_says_so_and_ends(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await limit(services, viewer, spend_per_call=100_000)  # the emulator's replies cost 56,000
    choice = ProviderChoice(provider="openai", model=MINI)
    async with calling(services, settings, viewer, "openai", chain=choice) as (_, emulator):
        emulator.script = [ScriptedReply("Yes?")]
        call = await started(services, viewer)
        for n in range(3):
            await send_message(services, viewer, call.id, "hello?", f"m{n}")
        events = await watch(services, viewer, call.id, CallEnded)
    assert [e.text for e in events if isinstance(e, AgentTurn)][1:] == [
        "Yes?",
        "Yes?",
        BUDGET_EXHAUSTED,
    ]
    assert sum(isinstance(e, UserTurn) for e in events) == 2
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert (ended.state, ended.reason, ended.blame) == (
        CallState.COMPLETED,
        EndReason.BUDGET_SPENT,
        Blame.CONFIG,
    )


async def test_a_call_ends_when_the_monthly_budget_is_exhausted_during_it(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with running_worker(settings):
        call = await started(services, viewer)
        await send_message(services, viewer, call.id, "hello?", None)
        await watch(services, viewer, call.id, TurnMeasured)
        # Set during the call: the current budgets apply.
        await limit(services, viewer, minutes_per_month=5)
        await row(settings, BOOKED, viewer.tenant_id, 5 * 60_000, 0)
        events = await watch(services, viewer, call.id, CallEnded)
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.reason is EndReason.BUDGET_SPENT
    assert [e.text for e in events if isinstance(e, AgentTurn)][-1] == BUDGET_EXHAUSTED


async def test_a_voice_call_is_metered_and_warned_before_its_budget_ends_it(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit) as (services, heard, _):
        await limit(services, viewer, spend_per_call=2_500_000)
        heard.utterances = ["I need an appointment", "tomorrow at ten"]
        asked = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
        call = await start_call(services, viewer, asked)
        async with joined_caller(services, call) as caller:
            await caller.speak()
            events = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.reason is EndReason.BUDGET_SPENT
    said = [e.heard_text for e in events if isinstance(e, AgentTurn)]
    assert said[-1] == ENDING_SOON
    used = {u.provider: u for u in usage_in_log(events)}
    assert {name: (u.kind, u.model) for name, u in used.items()} == {
        "scripted": (ProviderKind.LLM, "rules"),
        "deepgram": (ProviderKind.STT, "nova-3"),
        "cartesia": (ProviderKind.TTS, "sonic-3"),
    }
    stt, voice, model = used["deepgram"], used["cartesia"], used["scripted"]
    assert 0.8 * ended.duration_ms < stt.audio_ms < 1.2 * ended.duration_ms + 3_000
    assert voice.characters == sum(len(line) for line in said)
    assert voice.audio_ms > 1_000
    assert (voice.cost, model.cost) == (voice.characters * 39_200, 0)
    # $0.0077 a minute; each reported part is rounded separately.
    assert stt.cost is not None
    assert abs(stt.cost - stt.audio_ms * 7_700_000 / 60_000) < 100
