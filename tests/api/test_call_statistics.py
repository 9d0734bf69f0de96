"""`callStatistics`: the calls of a period by state and end reason, and how fast their agents answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from bench.scale import literal
from domain.calls.model import CallKind
from domain.calls.statistics import MAX_ENDED_CALLS
from domain.common.access import Viewer
from domain.common.durations import parse_duration
from domain.common.money import format_usd
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from persistence.call_statistics import SELECT_GROUPS
from persistence.database import DbRole, create_pool
from tests.api.test_call_filters import Listed, scattered_calls
from tests.conftest import new_tenant
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.viewers import owner_of
from tests.worker.test_text_calls import started

pytestmark = pytest.mark.anyio

DOCUMENT = """query ($created: TimeRange!) { callStatistics(created: $created) {
  since until calls cost groups { state endReason blame calls cost duration }
  firstAudio { calls turns p50 p95 } } }"""
DAY = timedelta(days=1)
# Four replies of each call, 0.1 to 0.4 s; those of text calls have no audio.
# One call each second, the last one at the given time.
INSERT_ENDED = """
    insert into ended_call (tenant_id, call_id, created_at, kind, direction, workflow_id, version_id,
                            end_reason, duration_ms, spent)
    select $1, gen_random_uuid(), $2::timestamptz - make_interval(secs => $3 - n), 'VOIP', 'INBOUND',
           gen_random_uuid(), gen_random_uuid(), 'HUNG_UP_BY_USER', 1000, 1
      from generate_series(1, $3) n
"""
INSERT_REPLIES = """
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select l.tenant_id, l.call_id, l.head + 100 + n, now(), 'turn_measured',
           json_build_object('first_audio_ms', case when l.kind = 'TEXT' then null else n * 100 end)
      from call_log l cross join generate_series(1, 4) n
"""


def period(since: datetime, until: datetime | None = None) -> dict[str, Any]:
    return {"created": {"since": since.isoformat(), "until": until and until.isoformat()}}


def counted(calls: list[Listed]) -> dict[str, Any]:
    """What the API should return for these calls."""
    groups: dict[Any, list[Listed]] = {}
    for each in calls:
        groups.setdefault((each.call.state, each.call.end_reason, each.call.blame), []).append(each)
    return {
        "calls": len(calls),
        "cost": cost_of(calls),
        "groups": {
            key: (len(group), cost_of(group), sum((each.duration for each in group), timedelta()))
            for key, group in groups.items()
        },
    }


def cost_of(calls: list[Listed]) -> str:
    return format_usd(sum(each.spent for each in calls))


def seen(statistics: dict[str, Any]) -> dict[str, Any]:
    return {
        "calls": statistics["calls"],
        "cost": statistics["cost"],
        "groups": {
            (group["state"], group["endReason"], group["blame"]): (
                group["calls"],
                group["cost"],
                parse_duration(group["duration"]),
            )
            for group in statistics["groups"]
        },
    }


async def test_calls_are_counted_by_state_and_end_reason(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    calls = list((await scattered_calls(services, viewer, settings)).values())
    times = sorted(each.call.created_at for each in calls)
    since, until = times[10], times[-10]
    whole = await statistics_of(api, times[0])
    part = await statistics_of(api, since, until)
    later = await statistics_of(api, times[-1] + DAY, times[-1] + 2 * DAY)

    assert seen(whole) == counted(calls)
    assert seen(part) == counted([each for each in calls if since <= each.call.created_at < until])
    assert seen(later) == counted([])
    assert [datetime.fromisoformat(part[name]) for name in ("since", "until")] == [since, until]
    largest = [group["calls"] for group in whole["groups"]]
    assert largest == sorted(largest, reverse=True)


async def test_a_period_with_too_many_calls_begins_later(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    """Calls in progress are counted since the same time as those that have ended."""
    await publish_clinic(services, viewer)
    now = datetime.now(UTC)
    first = now - timedelta(seconds=MAX_ENDED_CALLS - 1)
    db = await asyncpg.connect(settings.database_url)
    await db.execute("set session_replication_role = replica")
    for age in (timedelta(hours=1), now - first + timedelta(minutes=1)):
        call = await started(services, viewer)
        await db.execute(
            "update call_log set created_at = $1 where call_id = $2", now - age, call.id
        )
    await db.execute(INSERT_ENDED, viewer.tenant_id, now, MAX_ENDED_CALLS)
    whole = await statistics_of(api, now - 2 * DAY)
    await db.execute(INSERT_ENDED, viewer.tenant_id, first - timedelta(seconds=1), 1)
    part = await statistics_of(api, now - 2 * DAY)
    await db.close()

    assert datetime.fromisoformat(whole["since"]) == now - 2 * DAY
    assert sizes(whole) == {None: 2, "HUNG_UP_BY_USER": MAX_ENDED_CALLS}
    assert first - timedelta(seconds=1) < datetime.fromisoformat(part["since"]) <= first
    assert sizes(part) == {None: 1, "HUNG_UP_BY_USER": MAX_ENDED_CALLS}


def sizes(statistics: dict[str, Any]) -> dict[str | None, int]:
    return {group["endReason"]: group["calls"] for group in statistics["groups"]}


async def test_the_first_audio_is_that_of_voice_calls(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    calls = list((await scattered_calls(services, viewer, settings)).values())
    since = min(each.call.created_at for each in calls)
    before = await statistics_of(api, since)
    db = await asyncpg.connect(settings.database_url)
    await db.execute(INSERT_REPLIES)
    await db.close()
    after = await statistics_of(api, since)

    voice = [c for c in (e.call for e in calls) if c.ended_at and c.kind is not CallKind.TEXT]
    assert 0 < len(voice) <= 100
    assert before["firstAudio"] is None
    assert after["firstAudio"] == {
        "calls": len(voice),
        "turns": 4 * len(voice),
        "p50": "PT0.2S",
        "p95": "PT0.4S",
    }


async def test_calls_of_other_tenants_are_not_counted(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await scattered_calls(services, viewer, settings)
    other = owner_of(await new_tenant(settings, "other"))
    async with running_api(services, settings, other, build_schema_with_loaders) as api:
        statistics = await statistics_of(api, datetime.now(UTC) - DAY)

    assert (statistics["calls"], statistics["groups"]) == (0, [])


async def test_a_period_has_a_begin_and_at_most_a_month(api: Api) -> None:
    now = datetime.now(UTC)
    refused = [
        await refusal(api, {"created": {}}),
        await refusal(api, period(now - 33 * DAY)),
        await refusal(api, period(now, now - DAY)),
    ]

    assert refused == [
        ("INVALID_INPUT", "created needs the begin of the period."),
        ("INVALID_INPUT", "The period may have at most 32 days."),
        ("INVALID_INPUT", "created: the range ends before it begins."),
    ]
    assert (await statistics_of(api, now - 32 * DAY, now))["calls"] == 0


async def test_statistics_read_the_index_of_times(settings: Settings, viewer: Viewer) -> None:
    now = datetime.now(UTC)
    given = ", ".join(map(literal, (viewer.tenant_id, now - DAY, now)))
    pool = await create_pool(settings.database_url, DbRole.API, 1)
    async with pool, pool.acquire() as db, db.transaction():
        # The tables are empty here; this is the plan for large ones.
        await db.execute("set local enable_seqscan = off")
        await db.execute(f"select set_config('app.tenant', '{viewer.tenant_id}', true)")
        await db.execute(f"prepare asked as {SELECT_GROUPS}")
        plan: str = await db.fetchval(f"explain (format json) execute asked({given})")

    assert '"Seq Scan"' not in plan
    assert '"ix_ended_call_created_at"' in plan


async def statistics_of(api: Api, since: datetime, until: datetime | None = None) -> dict[str, Any]:
    answer = await api.execute(DOCUMENT, variables=period(since, until))
    statistics: dict[str, Any] = answer["data"]["callStatistics"]
    return statistics


async def refusal(api: Api, variables: dict[str, Any]) -> tuple[str, str]:
    answer = await api.execute(DOCUMENT, variables=variables)
    assert answer["data"] is None or answer["data"]["callStatistics"] is None
    [error] = answer["errors"]
    return error["extensions"]["code"], error["message"]
