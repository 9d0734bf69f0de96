"""Every filter and order of `calls` returns the right calls, in both directions, and uses an index."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bench.scale import literal
from domain.calls.filters import NEWEST_FIRST, CallFilter, CallOrder, CallSort
from domain.calls.model import (
    Blame,
    Call,
    CallId,
    CallKind,
    CallState,
    Direction,
    EndReason,
)
from domain.common.access import Viewer
from domain.common.lists import Position, Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.workflows.agents import AgentSpec
from domain.workflows.model import VersionId, WorkflowId
from persistence.call_pages import CallQueries
from persistence.database import DbRole, create_pool
from resolvers.global_ids import global_id
from tests.support.api_server import Api
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio

COUNT = 150
FILTERS = 150
S, K, D, R = CallState, CallKind, Direction, EndReason
OTHER_WORKFLOW = WorkflowId(UUID(int=1))
# What calls are filtered by is scattered over them at random, but the same in each run.
SCATTER_CALLS = """
    update call c
       set kind = (array['TEXT', 'VOIP', 'SIP'])[1 + place.n % 3],
           direction = case when place.n % 6 = 5 then 'OUTBOUND' else 'INBOUND' end,
           workflow_id = case when place.n % 4 = 0 then $1 else c.workflow_id end,
           version_id = case when place.n % 4 = 0 then $1 else c.version_id end,
           phone_number = case when place.n % 6 > 2 then '+1202555010' || place.n % 2 end
      from (select id, row_number() over (order by id) as n from call) place where place.id = c.id
"""
COPY_VERSION = """
    insert into workflow_version select (jsonb_populate_record(v,
           jsonb_build_object('id', $1::uuid, 'workflow_id', $1::uuid))).* from workflow_version v
"""
SCATTER_LOGS = """
    update call_log l
       set kind = c.kind, workflow_id = c.workflow_id, spent = (place.n * 7919) % 40,
           answered_at = case when place.n % 5 > 0 then c.created_at end,
           state = place.outcome ->> 0, end_reason = place.outcome ->> 1,
           ended_at = case when place.outcome ->> 1 is not null
                           then c.created_at + make_interval(secs => (place.n * 31) % 50) end
      from call c, (
           select call_id, n,
                  case n % 7 when 0 then '["ACTIVE", null]'::jsonb
                             when 1 then '["PENDING", null]' when 2 then '["FAILED", "INTERNAL"]'
                             when 3 then '["BUSY", "BUSY"]' when 4 then '["BUSY", "DECLINED"]'
                             when 5 then '["COMPLETED", "HUNG_UP_BY_USER"]'
                             else '["COMPLETED", "ENDED_BY_API"]' end as outcome
             from (select call_id, row_number() over (order by call_id) as n from call_log) l) place
     where c.id = l.call_id and place.call_id = l.call_id
"""
SCATTER_EVENTS = """
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select l.tenant_id, l.call_id, l.head + 1, now(), e.kind, e.body::json
      from (select *, row_number() over (order by call_id) as n from call_log) l
     cross join lateral (values
           (0, 'node_entered', '{"node": "x", "agent": "reception", "first_visit": true}'),
           (1, 'node_entered', '{"node": "y", "agent": "booking", "first_visit": true}'),
           (2, 'tool_started', '{"node": "y", "tool": "book", "tool_call_id": "1"}'))
           e (n, kind, body)
     where e.n = l.n % 3
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A call with what lists know of it in addition."""

    call: Call
    spent: int
    labels: frozenset[tuple[str, str]]

    @property
    def duration(self) -> timedelta:
        call = self.call
        if call.ended_at is None or call.answered_at is None:
            return timedelta()
        return call.ended_at - call.answered_at

    def matches(self, filter: CallFilter) -> bool:
        call = self.call
        given = {
            "states": call.state,
            "kinds": call.kind,
            "directions": call.direction,
            "end_reasons": call.end_reason,
            "blames": call.blame,
        }
        has_ended = call.ended_at is not None
        equal = ("workflow_id", "version_id", "user_id", "phone_number")
        durations = (filter.min_duration, filter.max_duration)
        return (
            all(
                getattr(filter, name) is None or value in getattr(filter, name)
                for name, value in given.items()
            )
            and all(getattr(filter, name) in (None, getattr(call, name)) for name in equal)
            and (filter.workflow_slug is None or call.workflow_id != OTHER_WORKFLOW)
            and set(filter.labels) <= self.labels
            and (durations == (None, None) or has_ended)
            and _is_within(self.duration, *durations)
            and _is_within(self.spent, filter.min_cost, filter.max_cost)
            and (filter.created_since is None or call.created_at >= filter.created_since)
            and (filter.created_until is None or call.created_at < filter.created_until)
            and (filter.live is None or filter.live is not has_ended)
        )

    def place(self, sort: CallSort) -> Any:
        by = {
            CallSort.CREATED_AT: self.call.created_at,
            CallSort.DURATION: self.duration,
            CallSort.COST: self.spent,
        }
        return by[sort], self.call.id


def _is_within(value: Any, low: Any, high: Any) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


async def scattered_calls(
    services: Services, viewer: Viewer, settings: Settings
) -> Mapping[CallId, Listed]:
    await publish_clinic(services, viewer)
    dice = random.Random(7)
    for n in range(COUNT):
        user, ticket = dice.choice(["u1", "u2", None]), f"T{n % 5}"
        metadata = {"ticket": ticket, "vip": n % 2 == 0, "nested": {"x": 1}, "long": "x" * 201}
        request = CallRequest(workflow_name="clinic", user_id=user, metadata=metadata)
        await start_call(services, viewer, request)
    db = await asyncpg.connect(settings.database_url)
    await db.execute(COPY_VERSION, OTHER_WORKFLOW)
    await db.execute(SCATTER_CALLS, OTHER_WORKFLOW)
    await db.execute(SCATTER_EVENTS)
    await db.execute(SCATTER_LOGS)
    async with services.store.transaction(viewer.tenant_id) as work:
        ids = [row["id"] for row in await db.fetch("select id from call")]
        calls = await work.calls.by_ids(ids)
    rows = await db.fetch("select call_id, spent from call_log")
    spent = {row["call_id"]: row["spent"] for row in rows}
    took_part = "select e.body ->> 'agent', e.body ->> 'tool' from call_event e where call_id = $1"
    listed = {}
    for call in calls:
        labels = {
            label
            for agent, tool in await db.fetch(took_part, call.id)
            for label in (("agent", agent), ("tool", tool))
        }
        ticket, vip = call.metadata["ticket"], str(call.metadata["vip"]).lower()
        labels |= {("metadata.ticket", ticket), ("metadata.vip", vip)}
        listed[call.id] = Listed(call, spent[call.id], frozenset(labels))
    await db.close()
    return listed


def random_filter(dice: random.Random, calls: Mapping[CallId, Listed]) -> CallFilter:
    """A filter with some of the fields, whose values calls have or do not have."""
    some = dice.choice(list(calls.values()))
    versions = (some.call.version_id, VersionId(UUID(int=3)))
    minutes = timedelta(milliseconds=dice.randrange(50_000))
    fields: dict[str, Any] = {
        "states": dice.choice([(S.FAILED,), (S.BUSY, S.COMPLETED, S.ACTIVE), ()]),
        "kinds": dice.choice([(K.SIP,), (K.TEXT, K.VOIP)]),
        "directions": dice.choice([(D.INBOUND,), (D.OUTBOUND,)]),
        "end_reasons": dice.choice([(R.BUSY,), (R.INTERNAL, R.ENDED_BY_API), (R.TRANSFERRED,)]),
        "blames": dice.choice([(Blame.CALLER,), (Blame.PLATFORM, Blame.API)]),
        "workflow_id": dice.choice([OTHER_WORKFLOW, WorkflowId(UUID(int=2))]),
        "workflow_slug": "clinic",
        "version_id": dice.choice(versions),
        "agent": dice.choice(["reception", "booking", "none"]),
        "tool": dice.choice(["book", "none"]),
        "user_id": dice.choice(["u1", "u2", "none"]),
        "phone_number": dice.choice(["+12025550100", "+12025550101", "+1"]),
        "metadata": dice.choice(
            [(("ticket", "T3"),), (("vip", "true"), ("ticket", "T1")), (("nested", "x"),)]
        ),
        "created_since": some.call.created_at,
        "created_until": dice.choice(list(calls.values())).call.created_at,
        "min_duration": minutes,
        "max_duration": minutes + timedelta(seconds=dice.randrange(40)),
        "min_cost": dice.randrange(40),
        "max_cost": dice.randrange(20, 40),
        "live": dice.choice([True, False]),
    }
    chosen = dice.sample(sorted(fields), dice.choice([0, 1, 1, 2, 2, 3, 4]))
    return CallFilter(**{name: fields[name] for name in chosen})


async def test_every_filter_and_order_returns_the_matching_calls_in_both_directions(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    calls = await scattered_calls(services, viewer, settings)
    assert len(calls) == COUNT
    dice = random.Random(18)
    async with services.store.transaction(viewer.tenant_id) as work:
        for _ in range(FILTERS):
            filter = random_filter(dice, calls)
            order = CallOrder(dice.choice(list(CallSort)), dice.choice([True, False]))
            wanted = sorted(
                (each for each in calls.values() if each.matches(filter)),
                key=lambda each: each.place(order.sort),
                reverse=order.is_descending,
            )
            ids = [each.call.id for each in wanted]
            described = f"{filter} {order}"
            size = dice.choice([1, 7, 40, 100]) if len(ids) < 60 else 40
            forward = await paged(work.calls, filter, order, size)
            assert forward == ids, described
            assert await paged(work.calls, filter, order, size, is_from_end=True) == ids, described
            assert (await work.calls.count(filter)).value == len(ids), described


async def paged(
    calls: Any, filter: CallFilter, order: CallOrder, size: int, *, is_from_end: bool = False
) -> list[CallId]:
    """All pages, one after another, from the start or from the end of the list."""
    pages: list[list[CallId]] = []
    edge: Position | None = None
    while True:
        cursor = {"before": edge} if is_from_end else {"after": edge}
        page = await calls.page(Window(size, **cursor, is_from_end=is_from_end), filter, order)
        pages.append([call.id for call in page.items])
        has_more, had_some = page.has_next, page.has_previous
        if is_from_end:
            has_more, had_some = had_some, has_more
        assert had_some is (edge is not None)
        if not has_more:
            break
        edge = page.entries[0 if is_from_end else -1][0]
    return [id for page in (reversed(pages) if is_from_end else pages) for id in page]


BY_COST = CallOrder(CallSort.COST)
INDEXED = {
    "busy": (CallFilter(states=(S.BUSY,)), NEWEST_FIRST, "end_reason"),
    "sip": (CallFilter(kinds=(K.SIP,), states=(S.NO_ANSWER,)), NEWEST_FIRST, "kind"),
    "blame": (CallFilter(blames=(Blame.PROVIDER,)), NEWEST_FIRST, "end_reason"),
    "outbound": (CallFilter(directions=(D.OUTBOUND,)), NEWEST_FIRST, "direction"),
    "user": (CallFilter(user_id="u"), NEWEST_FIRST, "user_id"),
    "phone": (CallFilter(phone_number="+1"), NEWEST_FIRST, "phone_number"),
    "workflow": (
        CallFilter(workflow_id=OTHER_WORKFLOW, live=True),
        NEWEST_FIRST,
        "tenant_id",
    ),
    "slug": (CallFilter(workflow_slug="clinic", live=False), NEWEST_FIRST, "workflow_id"),
    "version": (CallFilter(version_id=VersionId(UUID(int=3))), NEWEST_FIRST, "workflow_id"),
    "agent": (CallFilter(agent="reception"), NEWEST_FIRST, "value"),
    "metadata": (CallFilter(metadata=(("ticket", "T1"),)), NEWEST_FIRST, "value"),
    "ended": (CallFilter(live=False), NEWEST_FIRST, "tenant_id"),
    "costliest": (CallFilter(live=False), BY_COST, "tenant_id"),
    "over a dollar": (CallFilter(live=False, min_cost=10**9), BY_COST, "spent"),
    "longest of a week": (
        CallFilter(created_since=datetime(2026, 1, 1, tzinfo=UTC)),
        CallOrder(CallSort.DURATION),
        "created_at",
    ),
}


@pytest.mark.parametrize("name", INDEXED)
async def test_no_filter_scans_a_whole_table(settings: Settings, viewer: Viewer, name: str) -> None:
    filter, order, column = INDEXED[name]
    query = CallQueries(viewer.tenant_id, filter).page(order, Window(20))
    assert query is not None
    pool = await create_pool(settings.database_url, DbRole.API, 1)
    async with pool, pool.acquire() as db, db.transaction():
        # The tables are empty here; this is the plan for large ones.
        await db.execute(
            "set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan"
        )
        await db.execute(f"select set_config('app.tenant', '{viewer.tenant_id}', true)")
        await db.execute(f"prepare asked as {query.text}")
        given = ", ".join(map(literal, query.values))
        plan: str = await db.fetchval(f"explain (format json) execute asked({given})")
    assert '"Seq Scan"' not in plan
    # Row-level security lets the operator reach the index.
    conditions = re.findall('"Index Cond": "(.*)"', plan)
    assert [found for found in conditions if f"{column} " in found], conditions


COPY_CALL = """
    insert into call select (jsonb_populate_record(c,
           jsonb_build_object('id', gen_random_uuid(), 'user_id', 'u2'))).*
      from call c, generate_series(1, 1500);
    insert into call_log (call_id, tenant_id, head, state, created_at, ended_at, end_reason)
    select id, tenant_id, 1, 'COMPLETED', created_at, created_at, 'ENDED_BY_API'
      from call where user_id = 'u2';
"""


async def test_many_calls_are_estimated_and_few_are_counted(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic", user_id="u1"))
    db = await asyncpg.connect(settings.database_url)
    await db.execute(COPY_CALL)
    await db.execute("analyze")
    await db.close()
    async with services.store.transaction(viewer.tenant_id) as work:
        every = await work.calls.count(CallFilter())
        assert (every.is_estimate, 1_001 <= every.value <= 3_000) == (True, True)
        few = await work.calls.count(CallFilter(user_id="u1"))
        assert (few.is_estimate, few.value) == (False, 1)
        page = await work.calls.page(Window(2), CallFilter(live=True))
        assert [found.id for found in page.items] == [call.id]


async def test_a_call_is_listed_under_its_current_state(services: Services, viewer: Viewer) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic", metadata={"ticket": "T1"})
    call = await start_call(services, viewer, request)

    async def listed(filter: CallFilter) -> list[UUID]:
        async with services.store.transaction(viewer.tenant_id) as work:
            return [found.id for found in (await work.calls.page(Window(20), filter)).items]

    ticket = CallFilter(metadata=(("ticket", "T1"),))
    waiting, ended = replace(ticket, states=(S.PENDING,)), replace(ticket, live=False)
    assert (await listed(waiting), await listed(ended)) == ([call.id], [])
    await end_call(services, viewer, call.id)
    assert (await listed(waiting), await listed(ended)) == ([], [call.id])
    assert await listed(ticket) == [call.id]


LIST = """query ($filter: CallFilter, $order: CallOrder, $first: Int, $last: Int, $after: Cursor) {
  calls(filter: $filter, orderBy: $order, first: $first, last: $last, after: $after) {
    since totalCount { value isEstimate } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage } } }"""
COSTS = "{ calls(orderBy: {by: COST}) { edges { node { totalCost } } } }"


async def test_calls_are_listed_by_slug_and_sorted_through_the_api(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    for _ in range(3):
        await start_call(services, viewer, CallRequest(workflow_name="clinic"))

    async def list_calls(**variables: Any) -> Any:
        answer = await api.execute(LIST, variables=variables)
        assert "errors" not in answer, answer
        return answer["data"]["calls"]

    newest = await list_calls(filter={"workflow": {"slug": "clinic"}})
    ids = [edge["node"]["id"] for edge in newest["edges"]]
    assert (len(ids), newest["since"]) == (3, None)
    assert newest["totalCount"] == {"value": 3, "isEstimate": False}
    oldest = await list_calls(order={"direction": "ASC"}, first=2)
    assert [edge["node"]["id"] for edge in oldest["edges"]] == ids[:0:-1]
    assert oldest["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    last = await list_calls(last=1)
    assert [edge["node"]["id"] for edge in last["edges"]] == ids[2:]
    assert last["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}
    by_cost = await list_calls(order={"by": "COST"}, filter={"kinds": ["TEXT"]})
    assert sorted(edge["node"]["id"] for edge in by_cost["edges"]) == sorted(ids)
    assert by_cost["since"] is not None
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        "update call_log set spent = 1500000 where call_id = (select id from call limit 1)"
    )
    await db.close()
    costs = (await api.execute(COSTS))["data"]["calls"]["edges"]
    assert [edge["node"]["totalCost"] for edge in costs] == ["0.0015", "0.00", "0.00"]
    assert await list_calls(filter={"workflow": {"slug": "another"}}) == {
        "since": None,
        "totalCount": {"value": 0, "isEstimate": False},
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False},
    }


END_CALL = """
    update call set phone_number = '+12025550100';
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select tenant_id, call_id, head + 1, now(), 'node_entered',
           '{"node": "x", "agent": "reception", "first_visit": true}'::json from call_log;
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select tenant_id, call_id, head + 2, now(), 'tool_started',
           '{"node": "x", "tool": "book", "tool_call_id": "1"}'::json from call_log;
    update call_log
       set answered_at = created_at, spent = 1500000, state = 'BUSY', end_reason = 'DECLINED',
           ended_at = created_at + interval '30 seconds';
"""
UNKNOWN_ID = UUID(int=7)
# A value of each field that matches that call, and one that does not.
FIELDS: Mapping[str, tuple[Any, Any]] = {
    "states": (["BUSY", "FAILED"], ["FAILED"]),
    "kinds": (["TEXT"], ["VOIP", "SIP"]),
    "directions": (["INBOUND"], ["OUTBOUND"]),
    "endReasons": (["DECLINED"], ["BUSY"]),
    "blames": (["CALLER"], ["API"]),
    "workflow": ({"slug": "clinic"}, {"slug": "annex"}),
    "agent": ("reception", "book"),
    "tool": ("book", "reception"),
    "userId": ("ada", "T1"),
    "phoneNumber": ("+12025550100", "ada"),
    "metadata": ([{"key": "ticket", "value": "T1"}], [{"key": "T1", "value": "ticket"}]),
    "created": ({"since": "2026-01-01T00:00:00Z"}, {"until": "2026-01-01T00:00:00Z"}),
    "duration": ({"min": "PT30S", "max": "PT30S"}, {"max": "PT29.9S"}),
    "cost": ({"min": "0.0015", "max": "0.0015"}, {"min": "0.0016"}),
    "live": (False, True),
}


async def test_each_field_of_the_filter_selects_what_its_name_says(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic", user_id="ada", metadata={"ticket": "T1"})
    call = await start_call(services, viewer, request)
    db = await asyncpg.connect(settings.database_url)
    await db.execute(END_CALL)
    await db.close()
    ids = {
        "workflowId": (
            global_id("Workflow", call.workflow_id),
            global_id("Workflow", UNKNOWN_ID),
        ),
        "versionId": (
            global_id("WorkflowVersion", call.version_id),
            global_id("WorkflowVersion", UNKNOWN_ID),
        ),
    }
    fields = (await api.execute('{ __type(name: "CallFilter") { inputFields { name } } }'))["data"]
    cases = {**FIELDS, **ids}
    assert sorted(cases) == sorted(each["name"] for each in fields["__type"]["inputFields"])
    for name, (matching, other) in cases.items():
        for value, wanted in ((matching, [global_id("Call", call.id)]), (other, [])):
            answer = await api.execute(LIST, variables={"filter": {name: value}})
            found = [edge["node"]["id"] for edge in answer["data"]["calls"]["edges"]]
            assert (found, answer["data"]["calls"]["totalCount"]["value"]) == (
                wanted,
                len(wanted),
            ), f"{name}: {value}"


BAD_LISTS: Mapping[str, tuple[dict[str, Any], str, list[str]]] = {
    "both sizes": ({"first": 1, "last": 1}, "INVALID_INPUT", ["last"]),
    "empty page": ({"last": 0}, "INVALID_INPUT", ["last"]),
    "both workflows": (
        {"filter": {"workflowId": global_id("Workflow", UUID(int=1)), "workflow": {"slug": "x"}}},
        "INVALID_INPUT",
        ["filter", "workflow"],
    ),
    "slug as an id": (
        {"filter": {"workflow": {"id": "clinic"}}},
        "INVALID_INPUT",
        ["filter", "workflow", "id"],
    ),
    "too much metadata": (
        {"filter": {"metadata": [{"key": "k", "value": "v"}] * 6}},
        "INVALID_INPUT",
        ["filter", "metadata"],
    ),
    "long value": (
        {"filter": {"metadata": [{"key": "k", "value": "v" * 201}]}},
        "INVALID_INPUT",
        ["filter", "metadata", "0", "value"],
    ),
    "reversed range": (
        {"filter": {"cost": {"min": "2", "max": "1"}}},
        "INVALID_INPUT",
        ["filter", "cost", "max"],
    ),
    "no time zone": (
        {"filter": {"created": {"since": "2026-01-01T00:00:00"}}},
        "INVALID_INPUT",
        ["filter", "created", "since"],
    ),
}


@pytest.mark.parametrize("name", BAD_LISTS)
async def test_an_invalid_list_of_calls_is_refused(api: Api, name: str) -> None:
    variables, code, path = BAD_LISTS[name]
    answer = await api.execute(LIST, variables=variables)
    assert answer["data"] == {"calls": None}
    [error] = answer["errors"]
    assert error["extensions"] == {"code": code, "path": path, "docs": f"/docs/api#{code.lower()}"}


async def test_all_problems_of_a_filter_are_reported_at_once(api: Api) -> None:
    wrong = {"versionId": "2", "created": {"until": "2026-01-01T00:00:00"}, "agent": "a" * 501}
    answer = await api.execute(LIST, variables={"filter": wrong})
    [error] = answer["errors"]
    problems = error["extensions"]["problems"]
    assert [(problem["code"], problem["path"]) for problem in problems] == [
        ("INVALID_INPUT", ["filter", "versionId"]),
        ("INVALID_INPUT", ["filter", "agent"]),
        ("INVALID_INPUT", ["filter", "created", "until"]),
    ]


async def test_a_cursor_of_another_order_is_refused(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    newest = await api.execute(LIST)
    cursor = newest["data"]["calls"]["edges"][0]["cursor"]
    answer = await api.execute(LIST, variables={"order": {"by": "COST"}, "after": cursor})
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": "INVALID_CURSOR",
        "path": ["after"],
        "docs": "/docs/api#invalid_cursor",
    }


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
