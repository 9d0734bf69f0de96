"""Calls with very long logs: they are taken over, read and ended, and nobody else waits for that."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import httpx
import pytest
from livekit.agents import llm

from domain.access import Viewer
from domain.actions.calls import end_call, send_message
from domain.calls import Call, CallId, EndReason
from domain.context import Context as CallContext
from domain.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    CommandApplied,
    Recorded,
    TurnMeasured,
    UserTurn,
    WorkerReplaced,
)
from domain.persistent import PersistentList
from domain.ports import MAX_LONG_LOGS, Services
from domain.providers import ProviderKind
from domain.settings import Settings
from domain.transcripts import MAX_REMEMBERED, brief_story, tell
from domain.usage import Usage
from graph.app import with_loaders
from resolvers.context import Context
from resolvers.ids import global_id
from tests.clinic import publish_clinic
from tests.conftest import new_tenant
from tests.cpu import MAX_GROWTH, growth, without_collections
from tests.long_logs import lengthen, watching_delays
from tests.people import owner_of
from tests.serving import serving
from tests.test_text_calls import started, watch, working
from worker.conversation import forget_oldest

pytestmark = pytest.mark.anyio

MOST_CPU_AT_ONCE = 0.2
"""Seconds. Slices take 5 ms, and a whole log a second and more."""


# ---- retelling -----------------------------------------------------------------------------


def log_of(events: int) -> list[Recorded]:
    id, at = CallId(uuid4()), datetime.now(UTC)
    used = (Usage(kind=ProviderKind.LLM, provider="scripted", model="rules", input_tokens=9),)
    made: list[CallEvent] = []
    while len(made) < events:
        turn = str(uuid4())
        made.append(UserTurn(turn_id=turn, text="hello", message_id=turn))
        made.append(AgentTurn(turn_id=turn, node="n", agent="a", text="hi", heard_text="hi"))
        made.append(TurnMeasured(turn_id=turn, total_ms=1.0, usage=used))
    return [Recorded(id, seq, at, event, "") for seq, event in enumerate(made, 1)]


def test_a_log_of_four_times_the_length_takes_four_times_as_long_to_retell() -> None:
    events = log_of(20_000)
    assert growth(lambda: tell(events[:5_000]), lambda: tell(events), 3) < MAX_GROWTH


def test_a_story_that_goes_on_leaves_the_earlier_one_as_it_was() -> None:
    events = log_of(6)
    early = tell(events[:3])
    before = (list(early.turns), early.said[:], early.obeyed[:])
    late, other = early, early
    for recorded in events[3:]:
        late = late.after(recorded.event, recorded.at)
    other = other.after(UserTurn(turn_id="x", text="another end"), events[0].at)
    assert (list(early.turns), early.said[:], early.obeyed[:]) == before
    assert late == tell(events)
    assert [turn.text for turn in other.turns] == ["hello", "hi", "another end"]
    assert isinstance(late.said, PersistentList)


def test_who_goes_on_with_a_call_remembers_its_newest_parts_and_counts_the_rest() -> None:
    events = log_of(3 * 5 * MAX_REMEMBERED)
    brief, whole = brief_story(CallContext()), tell(events)
    for recorded in events:
        brief = brief.after(recorded.event, recorded.at)
    assert brief.history == whole.history
    assert brief.usage == whole.usage
    assert brief.memory[-MAX_REMEMBERED:] == whole.memory[-MAX_REMEMBERED:]
    assert brief.turns[-MAX_REMEMBERED:] == whole.turns[-MAX_REMEMBERED:]
    assert len(brief.turns) <= 2 * MAX_REMEMBERED
    assert len(whole.turns) == 10 * MAX_REMEMBERED


def test_a_model_is_shown_the_newest_of_a_long_call_and_its_instructions() -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content="You help.")
    for n in range(MAX_REMEMBERED):
        context.add_message(role="user", content=f"question {n}")
        call = llm.FunctionCall(call_id=str(n), name="find", arguments="{}")
        context.items.append(call)
        context.items.append(
            llm.FunctionCallOutput(call_id=str(n), name="find", output="found", is_error=False)
        )
    forget_oldest(context.items)
    first, second, *_ = context.items
    assert first.type == second.type == "message"
    assert (first.role, second.role) == ("system", "user")
    assert MAX_REMEMBERED - 1 <= len(context.items) <= MAX_REMEMBERED + 1
    kept = context.items[:]
    forget_oldest(context.items)
    assert context.items == kept


# ---- taking over ---------------------------------------------------------------------------


async def test_others_are_answered_while_a_very_long_call_is_taken_over(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with working(settings):
        long, other = [await started(services, viewer) for _ in range(2)]
        for call in (long, other):
            await send_message(services, viewer, call.id, "hello", None)
            await watch(services, viewer, call.id, TurnMeasured)
    await lengthen(settings, long.id, 100_000)
    await send_message(services, viewer, long.id, "are you still there?", None)
    with without_collections():
        async with working(settings), watching_delays() as delays:
            for n in range(2, 5):
                await send_message(services, viewer, other.id, "hello again", None)
                await watch(services, viewer, other.id, TurnMeasured, n)
            assert await last_of(settings, long) == "worker_replaced"  # it is still being read
            await until_last(settings, long, "turn_measured")
    print(f"at most {delays.worst_cpu * 1000:.0f} ms of CPU time at once")
    assert delays.worst_cpu < MOST_CPU_AT_ONCE
    async with services.store.work(viewer.tenant_id) as work:
        [*_, asked, answer] = await work.calls.turns(long.id, 100_000, 10)
    assert isinstance(asked.event, UserTurn)
    assert asked.event.text == "are you still there?"
    assert isinstance(answer.event, AgentTurn)


async def test_the_end_of_a_call_is_obeyed_before_its_log_is_read(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with working(settings):
        call = await started(services, viewer)
        await send_message(services, viewer, call.id, "hello", None)
        await watch(services, viewer, call.id, TurnMeasured)
    await lengthen(settings, call.id, 100_000)
    async with working(settings):
        await until_last(settings, call, "worker_replaced")
        await end_call(services, viewer, call.id)
        events = await tail(services, viewer, call, CallEnded)
    assert [type(event) for event in events] == [WorkerReplaced, CommandApplied, CallEnded]
    [*_, ended] = events
    assert isinstance(ended, CallEnded)
    assert ended.reason is EndReason.ENDED_BY_API


async def test_a_caller_is_idle_since_the_last_turn_whoever_holds_the_call(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    patient = replace(settings, idle_call_seconds=600.0)
    async with working(patient):
        idle, asking = [await started(services, viewer) for _ in range(2)]
        for call in (idle, asking):
            await watch(services, viewer, call.id, AgentTurn)
    db = await asyncpg.connect(settings.database_url)
    await db.execute("update call_event set at = at - interval '601 s'")
    await db.close()
    await send_message(services, viewer, asking.id, "I have thought about it", None)
    async with working(patient):
        [*_, ended] = await watch(services, viewer, idle.id, CallEnded)
        assert isinstance(ended, CallEnded)
        assert ended.reason is EndReason.SILENCE
        await watch(services, viewer, asking.id, TurnMeasured)


async def last_of(settings: Settings, call: Call) -> str:
    db = await asyncpg.connect(settings.database_url)
    query = "select kind from call_event where call_id = $1 order by seq desc limit 1"
    kind: str = await db.fetchval(query, call.id)
    await db.close()
    return kind


async def until_last(settings: Settings, call: Call, kind: str) -> None:
    async with asyncio.timeout(60):
        while await last_of(settings, call) != kind:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def tail(services: Services, viewer: Viewer, call: Call, until: type) -> list[CallEvent]:
    """The events behind those that were made up."""
    events: list[CallEvent] = []
    async with asyncio.timeout(60):
        while not (events and isinstance(events[-1], until)):
            await asyncio.sleep(0.05)
            async with services.store.work(viewer.tenant_id) as work:
                stored = await work.calls.events(call.id, 100_000, 100)
            kinds = [recorded.event.kind for recorded in stored]
            start = kinds.index("worker_replaced")
            events = [recorded.event for recorded in stored[start:]]
    return events


# ---- reading -------------------------------------------------------------------------------

ASKED = """query ($id: ID!) { node(id: $id) { ... on Call {
  transcript { turnId at speaker text node agent interrupted } nodesVisited context
  usage { model inputTokens } latency { turns } } } }"""
TRANSCRIPT = "query ($id: ID!) { node(id: $id) { ... on Call { transcript { text } } } }"
PATIENT = httpx.Timeout(60)
PAGED = """query ($id: ID!, $after: Cursor) { node(id: $id) { ... on Call {
  turns(first: 100, after: $after) {
    edges { cursor node { turnId text } } pageInfo { hasNextPage endCursor } } } } }"""


async def test_others_are_served_while_a_long_call_is_read_again_and_again(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    call = await started(services, viewer)
    await lengthen(settings, call.id, 6_000)
    other = replace(owner_of(await new_tenant(settings, "other")), subject=f"user:{uuid4()}")
    given = {"id": global_id("Call", call.id)}
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(serving(services, settings, viewer, with_loaders))
        of_other = await stack.enter_async_context(serving(services, settings, other, with_loaders))
        api.http.timeout = of_other.http.timeout = PATIENT
        await api.post(ASKED, variables=given)  # what is loaded at first is not counted
        with without_collections():
            async with watching_delays() as delays:
                reading = asyncio.gather(*(api.post(ASKED, variables=given) for _ in range(3)))
                served = 0
                while not reading.done():
                    answer = await of_other.ask("{ viewer { __typename } }")
                    assert answer["data"]["viewer"], answer
                    served += 1
        print(f"{served} served, at most {delays.worst_cpu * 1000:.0f} ms of CPU time at once")
        assert served > 2
        assert delays.worst_cpu < MOST_CPU_AT_ONCE
        for response in await reading:
            shown = response.json()["data"]["node"]
            assert len(shown["transcript"]) == 4_000
            assert shown["transcript"][0]["text"] == "This is question number 1"
            assert shown["usage"] == [{"model": "rules", "inputTokens": 2_000 * 9}]
            assert shown["latency"] == {"turns": 2_000}


async def test_the_turns_of_a_call_come_in_pages(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    call = await started(services, viewer)
    await lengthen(settings, call.id, 360)
    given: dict[str, object] = {"id": global_id("Call", call.id)}
    texts: list[str] = []
    async with serving(services, settings, viewer, with_loaders) as api:
        more = True
        while more:
            page = (await api.ask(PAGED, variables=given))["data"]["node"]["turns"]
            texts += [edge["node"]["text"] for edge in page["edges"]]
            given["after"], more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        whole = (await api.ask(ASKED, variables=given))["data"]["node"]["transcript"]
        costs = [
            (
                await api.ask(
                    f"query ($id: ID!) {{ node(id: $id) {{ ... on Call {{ {field} }} }} }}",
                    variables=given,
                )
            )["extensions"]["cost"]["requested"]
            for field in ("kind", "nodesVisited", "nodesVisited context")
        ]
    assert costs == [1, 11, 11]
    assert len(texts) == 240
    assert texts == [turn["text"] for turn in whole]


async def test_who_gives_up_reading_leaves_room_for_others(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    call = await started(services, viewer)
    await lengthen(settings, call.id, 3_000)
    schema, given = with_loaders([]), {"id": global_id("Call", call.id)}
    for seconds in (0.02, 0.1, 0.3):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await schema.execute(
                    ASKED,
                    variable_values=given,
                    context_value=Context(services=services, settings=settings, viewer=viewer),
                )
    async with asyncio.timeout(60):
        for _ in range(MAX_LONG_LOGS):
            await services.long_logs.of(viewer.tenant_id).acquire()


async def test_a_transcript_that_is_too_long_for_one_answer_says_how_to_read_it(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    call = await started(services, viewer)
    await lengthen(settings, call.id, 15_001, only_said=True)
    async with serving(services, settings, viewer, with_loaders) as api:
        api.http.timeout = PATIENT
        given = {"id": global_id("Call", call.id)}
        answer = await api.ask(TRANSCRIPT, variables=given)
    assert answer["data"] == {"node": None}
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["message"] == (
        "The transcript has 15001 turns, which is more than 15000; "
        "page through `turns(first:, after:)`."
    )
