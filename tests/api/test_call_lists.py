"""Live lists of calls: one query serves all subscribers, and no change is missed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import asyncpg
import pytest
from redis.asyncio import Redis

from domain.calls.filters import CallFilter
from domain.calls.model import Call, CallId, CallState, EndReason
from domain.common.access import Scope, TenantId, Viewer
from domain.common.drafts import DraftFilter
from domain.common.lists import EntryAdded, EntryChanged, EntryRemoved, ListSnapshot, ListUpdate
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services, Store, UnitOfWork
from domain.use_cases.calls import CallRequest, start_call
from graph.app import build_schema_with_loaders
from local import valkey
from persistence.call_lists import SqlCallLists
from persistence.database import DbRole, create_pool
from persistence.draft_lists import SqlDraftLists
from persistence.live_lists import LookupTurns, SharedList
from persistence.notifications import calls_channel
from persistence.pubsub import Channels, RedisBackend
from persistence.streams import decode_notification
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.support.api_server import Api, Socket, create_api_key, running_api
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio

ALL = CallFilter()
LIVE = CallFilter(live=True)
WAIT_SECONDS = 60
DOCUMENT = """subscription ($live: Boolean) { calls(filter: {live: $live}) { __typename
  ... on CallListSnapshot { calls { id state workflow { slug } } }
  ... on CallAdded { call { id state workflow { slug } } }
  ... on CallChanged { call { id state } } ... on CallRemoved { callId } } }"""
PLAIN = DOCUMENT.replace(" workflow { slug }", "")


@asynccontextmanager
async def counting_services(
    services: Services, settings: Settings
) -> AsyncIterator[tuple[Services, CountingStore]]:
    """The services, with lists that count their lookups."""
    store = CountingStore(services.store)
    pool = await create_pool(settings.database_url, DbRole.API)
    channels: Channels[object] = Channels(RedisBackend(settings.redis_url), decode_notification)
    await channels.connect()
    turns = LookupTurns()
    calls = SqlCallLists(store, pool, channels, turns)
    drafts = SqlDraftLists(store, pool, channels, turns)
    try:
        async with background_task(calls.run_version_check()):
            yield replace(services, call_lists=calls, draft_lists=drafts), store
    finally:
        await channels.disconnect()
        pool.terminate()


@dataclass(slots=True)
class CountingStore:
    """The store, with the number of lookups and of concurrent ones."""

    store: Store
    count: int = 0
    at_once: int = 0
    most_at_once: int = 0

    @asynccontextmanager
    async def transaction(self, tenant: TenantId) -> AsyncIterator[UnitOfWork]:
        self.count += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            async with self.store.transaction(tenant) as work:
                yield work
        finally:
            self.at_once -= 1

    def serialized_per_tenant(self) -> Store:
        return self.store.serialized_per_tenant()


async def new_call(services: Services, viewer: Viewer) -> Call:
    return await start_call(services, viewer, CallRequest(workflow_name="clinic"))


async def end_call(services: Services, viewer: Viewer, id: CallId) -> None:
    async with services.store.transaction(viewer.tenant_id) as work:
        assert await work.calls.end_unclaimed(id, EndReason.ENDED_BY_API)


class Watcher:
    """Applies updates, as a dashboard does."""

    def __init__(self, services: Services, viewer: Viewer, filter: CallFilter) -> None:
        self._updates = services.call_lists.watch(viewer.tenant_id, filter)
        self.reported: list[ListUpdate[Call]] = []
        self.states: dict[Any, CallState] = {}

    async def __aenter__(self) -> Self:
        await self.next()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._updates.aclose()

    async def next(self) -> ListUpdate[Call]:
        async with asyncio.timeout(WAIT_SECONDS):
            update = await anext(self._updates)
        self.reported.append(update)
        match update:
            case ListSnapshot(calls):
                self.states = {call.id: call.state for call in calls}
            case EntryAdded(call) | EntryChanged(call):
                self.states[call.id] = call.state
            case EntryRemoved(id):
                del self.states[id]
        return update

    async def until(self, states: dict[Any, CallState]) -> None:
        while self.states != states:
            await self.next()


async def test_subscribers_of_one_list_share_one_query(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    first = await new_call(services, viewer)
    async with counting_services(services, settings) as (counted, store), AsyncExitStack() as stack:
        watchers = [Watcher(counted, viewer, ALL) for _ in range(100)]
        await asyncio.gather(*map(stack.enter_async_context, watchers))
        # Subscribers that join during a lookup receive the next one.
        assert store.count <= 4
        before = store.count
        second = await new_call(services, viewer)
        expected = {first.id: CallState.PENDING, second.id: CallState.PENDING}
        await asyncio.gather(*(watcher.until(expected) for watcher in watchers))
        # For the notification of the change, and for the periodic check that found it as well.
        assert store.count - before <= 4
        updates = {id(watcher.reported[-1]) for watcher in watchers}
        assert len(updates) == 1, "all receive the same object"


async def test_a_subscriber_waiting_for_a_failed_query_receives_the_next_one() -> None:
    watched: SharedList[Call] = SharedList(Call)
    watched.finish_lookup(watched.start_lookup(), {})
    joining = asyncio.create_task(watched.fresh_result())
    await asyncio.sleep(0)
    watched.start_lookup()  # and the database is unavailable
    watched.finish_lookup(watched.start_lookup(), {})
    async with asyncio.timeout(60):
        assert (await joining).items == {}


async def test_a_late_subscriber_receives_the_current_snapshot(
    services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with Watcher(services, viewer, LIVE) as early:
        assert early.states == {}
        calls = [await new_call(services, viewer) for _ in range(3)]
        expected = {call.id: CallState.PENDING for call in calls}
        async with Watcher(services, viewer, LIVE) as late:
            assert late.states == expected
            assert [type(update) for update in late.reported] == [ListSnapshot]
            await early.until(expected)
            await end_call(services, viewer, calls[0].id)
            del expected[calls[0].id]
            await asyncio.gather(early.until(expected), late.until(expected))
            assert isinstance(late.reported[-1], EntryRemoved)


async def test_a_slow_subscriber_receives_the_accumulated_changes(
    services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with Watcher(services, viewer, LIVE) as slow, Watcher(services, viewer, LIVE) as quick:
        gone = await new_call(services, viewer)
        await quick.until({gone.id: CallState.PENDING})
        await end_call(services, viewer, gone.id)
        await quick.until({})
        stays = await new_call(services, viewer)
        await quick.until({stays.id: CallState.PENDING})
        update = await slow.next()
        assert isinstance(update, EntryAdded)
        assert update.item.id == stays.id


async def test_a_change_without_a_notification_is_found(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    calls = [await new_call(services, viewer) for _ in range(3)]
    async with Watcher(services, viewer, ALL) as watcher:
        db = await asyncpg.connect(settings.database_url)
        for call, state in zip(calls, ("CONNECTING", "ACTIVE", "ENDING"), strict=True):
            await db.execute("update call_log set state = $2 where call_id = $1", call.id, state)
            await watcher.until(watcher.states | {call.id: CallState(state)})
        await db.execute(
            "update call_log set state = 'COMPLETED', ended_at = now(), "
            "end_reason = 'ENDED_BY_API' where call_id = $1",
            calls[0].id,
        )
        await db.close()
        await watcher.until(watcher.states | {calls[0].id: CallState.COMPLETED})


async def test_a_list_is_updated_without_redis(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    async with (
        valkey.started(tmp_path) as server,
        api_services(replace(settings, redis_url=server.url)) as services,
    ):
        await publish_clinic(services, viewer)
        async with Watcher(services, viewer, ALL) as watcher:
            await server.kill()
            call = await new_call(services, viewer)
            await watcher.until({call.id: CallState.PENDING})


async def test_the_periodic_check_reports_only_changes_that_lists_show(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    call = await new_call(services, viewer)
    pool = await create_pool(settings.database_url, DbRole.API)

    async def version() -> str:
        [row] = await pool.fetch("select * from call_list_versions($1)", [viewer.tenant_id])
        return str(row["version"])

    async def changed(statement: str) -> bool:
        before = await version()
        await db.execute(statement, call.id)
        return await version() != before

    db = await asyncpg.connect(settings.database_url)
    assert not await changed("update call_log set head = head + 1 where call_id = $1")
    assert await changed("update call_log set active_node = 'x' where call_id = $1")
    assert await changed("update call_log set answered_at = now() where call_id = $1")
    assert await changed("update call_log set ended_at = now() where call_id = $1")
    before = await version()
    await new_call(services, viewer)
    assert await version() != before
    await db.close()
    await pool.close()


async def test_many_lists_of_one_tenant_are_queried_in_turn(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with counting_services(services, settings) as (counted, store), AsyncExitStack() as stack:
        watchers = [Watcher(counted, viewer, CallFilter(user_id=f"u{n}")) for n in range(40)]
        drafts = counted.draft_lists.workflows(viewer.tenant_id, DraftFilter())
        await stack.enter_async_context(aclosing(drafts))
        await asyncio.gather(*map(stack.enter_async_context, watchers), anext(drafts))
        assert (store.count, store.most_at_once) == (41, 1)
        call = await new_call(services, viewer)
        async with Watcher(counted, viewer, ALL) as watcher:
            assert watcher.states == {call.id: CallState.PENDING}


# ---- over sockets -----------------------------------------------------------------------------


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    async with running_api(services, settings, viewer, build_schema_with_loaders) as running:
        yield running


async def next_message(socket: Socket) -> Any:
    async with asyncio.timeout(WAIT_SECONDS):
        message = json.loads(await socket.raw.recv())
    assert message["type"] == "next", message
    return message["payload"]


async def test_viewers_of_a_list_receive_only_what_their_scopes_allow(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    poor = await create_api_key(settings, viewer)
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        "update api_key set role = null, scopes = $1 where prefix = $2",
        [Scope.CALLS_READ],
        poor[:12],
    )
    await db.close()
    async with AsyncExitStack() as stack:
        sockets = []
        for credential, document in ((api.token, DOCUMENT), (poor, PLAIN), (api.token, DOCUMENT)):
            socket = await stack.enter_async_context(api.socket(init={}))
            payload = {"authorization": f"Bearer {credential}"}
            await socket.send(type="connection_init", payload=payload)
            assert await socket.receive() == {"type": "connection_ack"}
            if credential == poor:
                await socket.subscribe("0", DOCUMENT)
                [refused] = (await socket.receive())["payload"]
                assert refused["extensions"]["missing"] == ["WORKFLOWS_READ"]
            await socket.subscribe("1", document)
            assert (await next_message(socket))["data"]["calls"]["calls"] == []
            sockets.append(socket)
        call = await new_call(services, viewer)
        shown = {"id": global_id("Call", call.id), "state": "PENDING"}
        full = {**shown, "workflow": {"slug": "clinic"}}
        for socket, expected in zip(sockets, (full, shown, full), strict=True):
            assert (await next_message(socket))["data"]["calls"]["call"] == expected


async def test_subscribers_of_a_list_share_rendered_updates(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    store = CountingStore(services.store)
    counted = replace(services, store=store)
    async with (
        running_api(counted, settings, viewer, build_schema_with_loaders) as api,
        AsyncExitStack() as stack,
    ):
        sockets = [await stack.enter_async_context(api.socket()) for _ in range(5)]
        for socket in sockets:
            for n in range(10):
                await socket.subscribe(str(n), DOCUMENT, live=True)
            for _ in range(10):
                await next_message(socket)
        before = store.count  # without the lookups of the list, which use another store
        await new_call(services, viewer)
        texts = {json.dumps(await next_message(socket)) for socket in sockets for _ in range(10)}
        assert len(texts) == 1
        assert store.count - before == 1


async def test_a_subscriber_that_leaves_a_list_leaves_nothing_behind(
    api: Api,
    services: Services,
    settings: Settings,
    viewer: Viewer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await publish_clinic(services, viewer)
    calls = [await new_call(services, viewer) for _ in range(12)]
    caplog.set_level(logging.WARNING)
    for n, call in enumerate(calls):
        async with api.socket() as socket:
            for id in range(20):
                await socket.subscribe(str(id), DOCUMENT, live=bool(id % 2) or None)
            for _ in range(min(20, n * 2)):
                await next_message(socket)
            if n % 2:
                await end_call(services, viewer, call.id)
            for id in range(0, 20, 2):
                await socket.send(type="complete", id=str(id))
            await socket.subscribe("last", "{ viewer { subject } }")
            while (message := await socket.receive()) != {"type": "complete", "id": "last"}:
                assert message["type"] == "next"
                assert "errors" not in message["payload"]
    async with Redis.from_url(settings.redis_url) as redis, asyncio.timeout(WAIT_SECONDS):
        channel = calls_channel(viewer.tenant_id)
        while (await redis.pubsub_numsub(channel))[0][1]:  # noqa: ASYNC110 - it is a server
            await asyncio.sleep(0.05)
    assert [record.getMessage() for record in caplog.records] == []
