"""Every filter of `calls` returns the right calls in order, and uses an index."""

from __future__ import annotations

import random
import re
from itertools import product
from uuid import UUID

import asyncpg
import pytest

from bench.scale import literal
from domain.calls.model import Call, CallFilter, CallKind, CallState
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import PageKey, Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.workflows.agents import AgentSpec
from domain.workflows.model import WorkflowId
from persistence.calls import PAGE_SIZES, page_conditions, page_query
from persistence.database import DbRole, create_pool
from persistence.sqlalchemy_engine import compile_query
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio

COUNT = 150
S, K = CallState, CallKind
STATES = (None, (S.FAILED,), (S.BUSY, S.COMPLETED, S.ACTIVE), ())
KINDS = (None, (K.SIP,), (K.TEXT, K.VOIP))
USERS = (None, "u1", "nobody")
LIVE = (None, True, False)

SCATTER = """
    with told as (
        select call_id, (array['ACTIVE', 'PENDING', 'FAILED', 'BUSY', 'COMPLETED'])
                        [1 + (hashtext(call_id::text) & 3)] as state from call_log)
    update call_log l set state = told.state, kind = c.kind,
           ended_at = case when told.state in ('ACTIVE', 'PENDING') then null else now() end
      from told join call c on c.id = told.call_id where l.call_id = told.call_id
"""


async def every_call(services: Services, viewer: Viewer) -> list[Call]:
    async with services.store.transaction(viewer.tenant_id) as work:
        newest = await work.calls.page(CallFilter(), 100, None)
        last = newest.items[-1]
        older = await work.calls.page(CallFilter(), 100, PageKey(last.created_at, last.id))
    return [*newest.items, *older.items]


async def paged(services: Services, viewer: Viewer, filter: CallFilter, first: int) -> list[Call]:
    found: list[Call] = []
    after: PageKey | None = None
    async with services.store.transaction(viewer.tenant_id) as work:
        while True:
            page = await work.calls.page(filter, first, after)
            found += page.items
            if not page.has_more:
                return found
            after = PageKey(found[-1].created_at, found[-1].id)


async def test_every_combination_of_filters_returns_the_matching_calls(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    dice = random.Random(7)
    for _ in range(COUNT):
        request = CallRequest(workflow_name="clinic", user_id=dice.choice(["u1", "u2", None]))
        await start_call(services, viewer, request)
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        "update call set kind = (array['TEXT', 'VOIP', 'SIP'])[1 + (hashtext(id::text) & 1)],"
        " workflow_id = case when hashtext(id::text) & 4 = 0 then workflow_id else $1 end",
        other := UUID(int=1),
    )
    await db.execute(SCATTER)
    await db.execute(
        "update call_log l set workflow_id = c.workflow_id from call c where c.id = l.call_id"
    )
    await db.close()
    every = await every_call(services, viewer)
    assert len(every) == COUNT
    for states, kinds, user, live, workflow in product(
        STATES, KINDS, USERS, LIVE, (None, WorkflowId(other))
    ):
        filter = CallFilter(
            states=states, kinds=kinds, user_id=user, live=live, workflow_id=workflow
        )
        wanted = [call.id for call in every if filter.matches(call)]
        found = await paged(services, viewer, filter, 100)
        assert [call.id for call in found] == wanted, filter
    filter = CallFilter(kinds=(K.TEXT,), live=True)
    assert await paged(services, viewer, filter, 7) == [c for c in every if filter.matches(c)]


@pytest.mark.parametrize(
    "filter",
    [
        CallFilter(states=(S.BUSY,)),
        CallFilter(states=(S.NO_ANSWER,), kinds=(K.SIP,)),
        CallFilter(user_id="nobody"),
        CallFilter(workflow_id=WorkflowId(UUID(int=2)), live=True),
        CallFilter(live=False),
    ],
    ids=str,
)
async def test_no_filter_scans_a_whole_table(
    settings: Settings, viewer: Viewer, filter: CallFilter
) -> None:
    values = {"tenant": viewer.tenant_id, **page_conditions(filter, None)}
    text, names = compile_query(page_query(frozenset(values) - {"tenant"}, PAGE_SIZES[0]))
    pool = await create_pool(settings.database_url, DbRole.API, 1)
    async with pool, pool.acquire() as db, db.transaction():
        # The tables are empty here; this is the plan for large ones.
        await db.execute(
            "set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan"
        )
        await db.execute(f"select set_config('app.tenant', '{viewer.tenant_id}', true)")
        await db.execute(f"prepare asked as {text}")
        given = ", ".join(literal(values[name]) for name in names)
        plan: str = await db.fetchval(f"explain (format json) execute asked({given})")
    assert '"Seq Scan"' not in plan
    # Under row-level security, too, all leading columns of the index are used.
    [condition] = [found for found in re.findall('"Index Cond": "(.*)"', plan) if "state" in found]
    assert [part in condition for part in ("tenant_id = ", "state = ", "kind = ")] == [True] * 3


async def test_a_call_is_listed_under_its_current_state(services: Services, viewer: Viewer) -> None:
    await publish_clinic(services, viewer)
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))

    async def listed(filter: CallFilter) -> list[UUID]:
        return [found.id for found in await paged(services, viewer, filter, 20)]

    waiting, ended = CallFilter(states=(S.PENDING,)), CallFilter(live=False)
    assert (await listed(waiting), await listed(ended)) == ([call.id], [])
    await end_call(services, viewer, call.id)
    assert (await listed(waiting), await listed(ended)) == ([], [call.id])


async def test_the_users_of_a_draft_are_known_after_every_change(
    services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with services.store.transaction(viewer.tenant_id) as work:
        [booking] = await work.agents.by_names(["booking"])
        tool = booking.spec.tools[0]
        assert await work.tools.agents_using(tool) == ["booking"]
        assert await work.workflows.workflows_using("booking") == ["clinic"]
        other = await work.agents.add(
            AgentSpec(name="another", prompt=booking.spec.prompt, tools=(tool,))
        )
        assert await work.tools.agents_using(tool) == ["another", "booking"]
        renamed = AgentSpec(name="last", prompt=booking.spec.prompt, tools=(tool,))
        other = await work.agents.save(other.id, renamed, other.revision)
        assert await work.tools.agents_using(tool) == ["booking", "last"]
        bare = AgentSpec(name="last", prompt=booking.spec.prompt)
        other = await work.agents.save(other.id, bare, other.revision)
        assert await work.tools.agents_using(tool) == ["booking"]
        await work.agents.save(other.id, renamed, other.revision)
        await work.agents.delete(other.id)
        assert await work.tools.agents_using(tool) == ["booking"]
