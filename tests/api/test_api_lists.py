"""Lists of the API: pages, cursors, cost, and the live list of calls."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from domain.common.access import TenantId, Viewer
from domain.common.settings import Settings
from domain.ports import Services, Store, UnitOfWork
from domain.use_cases.calls import CallRequest, start_call
from graph.app import build_schema_with_loaders
from resolvers.global_ids import decode_global_id, global_id
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.graphql_calls import END, mutate

pytestmark = pytest.mark.anyio

BAD_CURSORS = {
    "nonsense": "zzz",
    "empty": "",
    "of another list": base64.urlsafe_b64encode(b"tools|2026-01-01T00:00:00|x").decode(),
}


@pytest.mark.parametrize("name", BAD_CURSORS)
async def test_an_invalid_cursor_of_a_list_is_refused(api: Api, name: str) -> None:
    document = "query ($a: Cursor) { agents(after: $a) { edges { cursor } } }"
    answer = await api.execute(document, variables={"a": BAD_CURSORS[name]})
    assert answer["data"] == {"agents": None}
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": "INVALID_CURSOR",
        "path": ["after"],
        "docs": "/docs/api#invalid_cursor",
    }


def test_an_id_with_foreign_characters_is_no_id() -> None:
    id = global_id("Call", UUID(int=1))
    assert decode_global_id(id) == ("Call", UUID(int=1))
    assert decode_global_id(f"{id}!!!!") is None


async def test_invalid_cursors_of_a_stream_are_refused(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    calls = [
        await start_call(services, viewer, CallRequest(workflow_name="clinic")) for _ in range(2)
    ]
    one, other = (global_id("Call", call.id) for call in calls)
    page = await api.execute(
        "query ($id: ID!) { call(id: $id) { events { edges { cursor } } } }", variables={"id": one}
    )
    cursor = page["data"]["call"]["events"]["edges"][-1]["cursor"]
    follow = (
        "subscription ($id: ID!, $a: Cursor) { callEvents(callId: $id, after: $a) {__typename}}"
    )
    async with api.socket() as socket:
        for number, after in enumerate((cursor, "zzz", "", cursor[:-1])):
            await socket.send(
                type="subscribe",
                id=str(number),
                payload={"query": follow, "variables": {"id": other, "a": after}},
            )
            message = await socket.receive()
            assert message["type"] == "error", (after, message)
            assert message["payload"][0]["extensions"]["code"] == "INVALID_CURSOR"
        await socket.send(
            type="subscribe",
            id="good",
            payload={"query": follow, "variables": {"id": one, "a": cursor}},
        )
        await mutate(api, END, callId=one)
        message = await socket.receive()
        assert message["payload"]["data"] == {"callEvents": {"__typename": "CallEnded"}}


async def test_pages_have_no_gap_and_no_overlap(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    started = [
        await start_call(services, viewer, CallRequest(workflow_name="clinic")) for _ in range(23)
    ]
    document = (
        "query ($a: Cursor) { calls(first: 5, after: $a) { edges { node { id } } "
        "pageInfo { hasNextPage endCursor } } }"
    )
    seen: list[str] = []
    after: str | None = None
    pages = 0
    while True:
        page = (await api.execute(document, variables={"a": after}))["data"]["calls"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        pages += 1
        if pages == 2:
            # A newer item belongs to none of the following pages.
            await start_call(services, viewer, CallRequest(workflow_name="clinic"))
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert pages == 5
    assert seen == [global_id("Call", call.id) for call in reversed(started)]


@dataclass(slots=True)
class MeasuredStore:
    """The store, with the maximum number of concurrent transactions."""

    store: Store
    count: int = 0
    under_way: int = 0
    most: int = 0
    large: MeasuredStore | None = None

    @property
    def total(self) -> int:
        return self.count + (self.large.total if self.large else 0)

    @asynccontextmanager
    async def transaction(self, tenant: TenantId) -> AsyncGenerator[UnitOfWork]:
        async with self.store.transaction(tenant) as work:
            self.count += 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                yield work
            finally:
                self.under_way -= 1

    def serialized_per_tenant(self) -> Store:
        self.large = MeasuredStore(self.store.serialized_per_tenant())
        return self.large


async def test_a_list_of_any_length_takes_the_same_number_of_transactions(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    for _ in range(20):
        await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    document = (
        "query ($n: Int) { calls(first: $n) { edges { node { id workflow { slug } version { number } transcript { text } "
        "nodesVisited } } } }"
    )
    counting = MeasuredStore(services.store)
    counts = []
    async with running_api(
        replace(services, store=counting), settings, viewer, build_schema_with_loaders
    ) as api:
        for n in (1, 20):
            before = counting.total
            answer = await api.execute(document, variables={"n": n})
            assert len(answer["data"]["calls"]["edges"]) == n, answer
            counts.append(counting.total - before)
    assert counts[0] == counts[1] <= 7, counts


async def test_large_queries_of_a_tenant_run_one_transaction_at_a_time(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    store = MeasuredStore(services.store)
    async with running_api(
        replace(services, store=store), settings, viewer, build_schema_with_loaders
    ) as api:
        assert store.large is not None

        async def ask(first: int) -> None:
            lists = " ".join(
                f"a{n}: agents(first: {first}) {{ edges {{ node {{ name }} }} }}" for n in range(4)
            )
            answer = await api.execute(f"{{ {lists} }}")
            assert all(found["edges"] for found in answer["data"].values()), answer

        await ask(5)
        assert (store.count, store.large.count) == (4, 0)
        await asyncio.gather(ask(50), ask(50))
        assert (store.count, store.large.count, store.large.most) == (4, 8, 1)


async def test_a_list_of_calls_is_updated_live(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic")
    first = await start_call(services, viewer, request)
    document = (
        "subscription { calls(filter: {live: true}) { __typename "
        "... on CallListSnapshot { calls { id state } } ... on CallAdded { call { id state } } "
        "... on CallChanged { call { id } } ... on CallRemoved { callId } } }"
    )
    async with api.socket() as socket:
        await socket.subscribe("1", document)

        async def next_update() -> Any:
            return (await socket.receive())["payload"]["data"]["calls"]

        snapshot = await next_update()
        assert [call["id"] for call in snapshot["calls"]] == [global_id("Call", first.id)]
        second = await start_call(services, viewer, request)
        added = await next_update()
        assert (added["__typename"], added["call"]["id"]) == (
            "CallAdded",
            global_id("Call", second.id),
        )
        await mutate(api, END, callId=global_id("Call", first.id))
        removed = await next_update()
        assert removed == {"__typename": "CallRemoved", "callId": global_id("Call", first.id)}
