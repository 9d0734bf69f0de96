"""Every filter of `calls`, and the search for uses of a draft, in a database of a million calls.

PostgreSQL measures the time, as the role of the API under row-level security, with a plan for the values
and with the generic plan that a prepared statement gets after some executions."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from bench.harness.benchmark import Figure, installation, new_owner, report, run_benchmark
from domain.calls.filters import NEWEST_FIRST, CallFilter, CallOrder, CallSort
from domain.calls.model import Blame, CallKind, CallState, Direction, EndReason
from domain.common.access import TenantId
from domain.common.lists import Position, Window
from domain.workflows.model import WorkflowId
from persistence.call_pages import CallQueries
from persistence.call_statistics import SELECT_GROUPS
from persistence.database import DbRole, create_pool
from persistence.drafts import usage_query
from persistence.sqlalchemy_engine import compile_query

CALLS, LIVE, SMALL_TENANT, DRAFTS = 1_000_000, 2_000, 11_000, 5_000
BUSY_WORKFLOW, COLD_WORKFLOW, USER, USUAL_USER = uuid4(), uuid4(), "user-7", "web"
RUNS = 5

# Without triggers it takes a third of the time: the columns that they copy are written here.
FILL = """
    insert into call (id, tenant_id, kind, direction, workflow_id, version_id, user_id,
                      user_context, metadata, max_seconds, created_at)
    select gen_random_uuid(), $1,
           case when n % 1000 = 0 then 'SIP' when n % 10 < 3 then 'VOIP' else 'TEXT' end,
           'INBOUND',
           case when n % 240 = 0 then $4 when n % 11 = 0 then $3 else gen_random_uuid() end,
           $2, case when n % 50 = 1 then 'web' when n % 3 > 0 then 'user-' || n % 50000 end,
           '{}', '{}', 3600, now() - make_interval(secs => n)
      from generate_series(1, $5::int) n
"""
FILL_LOGS = """
    insert into call_log (call_id, tenant_id, epoch, head, state, created_at, ended_at, end_reason,
                          kind, workflow_id, user_id)
    select id, tenant_id, 1, 2, s.state, created_at,
           case when s.state <> 'ACTIVE' then created_at end,
           case s.state when 'NO_ANSWER' then 'NO_ANSWER' when 'FAILED' then 'INTERNAL'
                        when 'COMPLETED' then 'ENDED_BY_API' end, kind, workflow_id, user_id
      from (select *, row_number() over (order by created_at desc) as n from call
             where tenant_id = $1) c
      cross join lateral (select case when n <= $2::int then 'ACTIVE'
                                      when n % 100 = 0 and kind <> 'SIP' then 'NO_ANSWER'
                                      when n % 90 = 0 then 'FAILED' else 'COMPLETED' end as state) s
"""
FILL_ENDED = """
    insert into ended_call (call_id, tenant_id, created_at, kind, direction, workflow_id, version_id,
                            user_id, phone_number, end_reason, duration_ms, spent)
    select c.id, c.tenant_id, c.created_at, c.kind, c.direction, c.workflow_id, c.version_id,
           c.user_id, c.phone_number, l.end_reason, hashtext(c.id::text) & 1048575,
           hashtext('cost' || c.id::text) & 134217727
      from call c join call_log l on l.call_id = c.id
     where c.tenant_id = $1 and l.end_reason is not null
"""
FILL_LABELS = """
    insert into call_label (tenant_id, name, value, created_at, call_id)
    select e.tenant_id, label.name, label.value, e.created_at, e.call_id
      from (select *, row_number() over (order by created_at desc) as n from ended_call
             where tenant_id = $1) e
     cross join lateral (values
           ('agent', 'reception'), ('metadata.ticket', 'T' || e.n),
           ('metadata.campaign', 'C' || e.n % 50)) label (name, value)
"""
FILL_DRAFTS = """
    insert into agent (id, tenant_id, name, revision, spec)
    select gen_random_uuid(), $1, 'agent-' || n, 1,
           jsonb_build_object('tools', jsonb_build_array('tool-' || n % 500, 'tool-' || n % 7))
      from generate_series(1, $2::int) n
"""


async def fill_tenant(db: asyncpg.Connection[Any], tenant: UUID, calls: int, live: int) -> None:
    version = uuid4()
    await db.execute(
        "insert into workflow_version (id, tenant_id, workflow_id, number, checksum,"
        " published_at, published_by, snapshot) values ($1, $2, $3, 1, '', now(), '', '{}')",
        *(version, tenant, BUSY_WORKFLOW),
    )
    await db.execute(FILL, tenant, version, BUSY_WORKFLOW, COLD_WORKFLOW, calls)
    await db.execute(FILL_LOGS, tenant, live)
    await db.execute(FILL_ENDED, tenant)
    await db.execute(FILL_LABELS, tenant)


async def fill_database(url: str, tenant: UUID, small: UUID) -> None:
    db = await asyncpg.connect(url)
    await db.execute("insert into tenant (id, slug, name) values ($1, 'small', 'small')", small)
    await db.execute("set session_replication_role = replica")
    await fill_tenant(db, tenant, CALLS - SMALL_TENANT, LIVE)
    await fill_tenant(db, small, SMALL_TENANT, 10)
    await db.execute("set session_replication_role = origin")
    await db.execute(FILL_DRAFTS, tenant, DRAFTS)
    await db.execute("vacuum analyze")
    await db.close()


def filters() -> Mapping[str, CallFilter]:
    cold, busy = WorkflowId(COLD_WORKFLOW), WorkflowId(BUSY_WORKFLOW)
    s, k = CallState, CallKind
    return {
        "none": CallFilter(),
        "BUSY": CallFilter(states=(s.BUSY,)),
        "PENDING, CONNECTING": CallFilter(states=(s.PENDING, s.CONNECTING)),
        "FAILED": CallFilter(states=(s.FAILED,)),
        "ACTIVE": CallFilter(states=(s.ACTIVE,)),
        "user": CallFilter(user_id=USER),
        "usual user": CallFilter(user_id=USUAL_USER),
        "unknown user": CallFilter(user_id="nobody"),
        "workflow": CallFilter(workflow_id=busy),
        "cold workflow": CallFilter(workflow_id=cold),
        "workflow, user": CallFilter(workflow_id=busy, user_id=USER),
        "cold workflow, usual user": CallFilter(workflow_id=cold, user_id=USUAL_USER),
        "workflow, BUSY": CallFilter(workflow_id=busy, states=(s.BUSY,)),
        "SIP": CallFilter(kinds=(k.SIP,)),
        "SIP, NO_ANSWER": CallFilter(kinds=(k.SIP,), states=(s.NO_ANSWER,)),
        "all four": CallFilter(kinds=(k.TEXT,), states=(s.FAILED,), workflow_id=busy, user_id=USER),
        "live": CallFilter(live=True),
        "ended": CallFilter(live=False),
        "live, cold workflow": CallFilter(live=True, workflow_id=cold),
        "inbound TRANSFERRED": CallFilter(
            directions=(Direction.INBOUND,), end_reasons=(EndReason.TRANSFERRED,)
        ),
        "blame PROVIDER": CallFilter(blames=(Blame.PROVIDER,)),
        "phone number": CallFilter(phone_number="+12025550123"),
        "ticket": CallFilter(metadata=(("ticket", "T7"),)),
        "no ticket": CallFilter(metadata=(("ticket", "T"),)),
        "campaign": CallFilter(metadata=(("campaign", "C7"),)),
        "agent": CallFilter(agent="reception"),
        "a week": CallFilter(created_since=datetime.now(UTC) - timedelta(days=7)),
    }


def orders() -> Mapping[str, tuple[CallFilter, CallOrder]]:
    """Filters and orders that no index has together; the range of time bounds what they read."""
    day = datetime.now(UTC) - timedelta(days=1)
    cost = CallOrder(CallSort.COST)
    return {
        "longest": (CallFilter(), CallOrder(CallSort.DURATION)),
        "costliest": (CallFilter(), cost),
        "costliest of a day": (CallFilter(created_since=day), cost),
        "costliest FAILED of a day": (
            CallFilter(created_since=day, states=(CallState.FAILED,)),
            cost,
        ),
        "over a dollar, of a day": (CallFilter(created_since=day, min_cost=10**9), NEWEST_FIRST),
    }


def literal(value: Any) -> str:
    match value:
        case int():
            return str(value)
        case list():
            return f"array[{', '.join(map(literal, value))}]::text[]"
        case tuple():
            return f"array[{', '.join(map(literal, value))}]::text[]"
    return f"'{value}'"


async def slowest_page_ms(
    db: Any, tenant: UUID, filter: CallFilter, order: CallOrder, window: Window
) -> float:
    query = CallQueries(TenantId(tenant), filter).page(order, window)
    assert query is not None
    return await slowest_plan_ms(db, query.text, query.values)


async def slowest_plan_ms(db: Any, text: str, values: Sequence[Any]) -> float:
    """The median execution time of the slower plan, in milliseconds."""
    arguments = ", ".join(map(literal, values))
    await db.execute(f"prepare measured as {text}")
    medians: list[float] = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        await db.execute(f"set local plan_cache_mode = {mode}")
        times = []
        for _ in range(RUNS):
            plan = await db.fetchval(
                f"explain (analyze, format json) execute measured({arguments})"
            )
            times.append(json.loads(plan)[0]["Execution Time"])
        medians.append(statistics.median(times))
    await db.execute("deallocate measured")
    return max(medians)


async def main() -> None:
    async with installation() as settings:
        viewer = await new_owner(settings)
        small = uuid4()
        print(f"creating {CALLS:,} calls …", file=sys.stderr, flush=True)
        await fill_database(settings.database_url, viewer.tenant_id, small)
        pool = await create_pool(settings.database_url, DbRole.API, 1)
        figures: list[Figure] = []
        unindexed: list[Figure] = []
        counted: list[Figure] = []
        async with pool, pool.acquire() as db:
            for tenant, suffix in ((viewer.tenant_id, ""), (small, " (small tenant)")):
                async with db.transaction():
                    await db.execute(f"select set_config('app.tenant', '{tenant}', true)")
                    second = Window(20, after=Position(datetime.now(UTC), UUID(int=0)))
                    for name, filter in filters().items():
                        elapsed = await slowest_page_ms(db, tenant, filter, NEWEST_FIRST, second)
                        figures.append(Figure(f"{name}{suffix}", elapsed))
                    for name, (filter, order) in orders().items():
                        elapsed = await slowest_page_ms(db, tenant, filter, order, Window(20))
                        unindexed.append(Figure(f"{name}{suffix}", elapsed))
                    text, names = compile_query(usage_query())
                    period = (tenant, datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))
                    elapsed = await slowest_plan_ms(db, SELECT_GROUPS, period)
                    counted.append(Figure(f"statistics of a day{suffix}", elapsed))
                    users = {"tenant": tenant, "kind": "tool", "names": ["tool-3"]}
                    elapsed = await slowest_plan_ms(db, text, [users[name] for name in names])
                    figures.append(Figure(f"used by{suffix}", elapsed))
    report(
        f"scale: {CALLS:,} calls, {LIVE:,} of them live; execution time in PostgreSQL in ms",
        [
            *figures,
            *unindexed,
            *counted,
            Figure("slowest_filter_ms", max(f.value for f in figures), "<= 5"),
            Figure("slowest_order_ms", max(f.value for f in unindexed), "<= 500"),
            Figure("slowest_statistics_ms", max(f.value for f in counted), "<= 50"),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
