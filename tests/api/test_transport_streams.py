"""Many subscribers of one call: shared updates equal individual ones."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from tests.support.api_server import Api, Socket, running_api
from tests.support.log_writer import CallWriter, writing_call
from tests.support.toy_schema import executed

pytestmark = pytest.mark.anyio

ALIASED = """subscription ($c: ID!) {
  it: callEvents(callId: $c) {
    kind: __typename ...on CallEvent { n: seq cursor } ...on Said { text } ...on Partial { words }
  }
}"""
CONDITIONAL = """
subscription Watch($c: ID!, $loud: Boolean!, $quiet: Boolean = true, $mark: String = "?") {
  callEvents(callId: $c) { ...A ...on Said @skip(if: $quiet) { text } }
}
fragment A on CallEvent { seq ...on Said @include(if: $loud) { shout(mark: $mark) ...B } }
fragment B on Said { other: shout }
"""
DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("subscription($c:ID!){callEvents(callId:$c){__typename}}", {}),
    (ALIASED, {}),
    (CONDITIONAL, {"loud": True, "mark": '\u203c\ufe0f "\xe9\u2028'}),
    (CONDITIONAL, {"loud": False, "quiet": False}),
    ("subscription($c:ID!){callEvents(callId:$c)\n{...on Said{seq broken text}}}", {}),
]


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    async with running_api(services, settings, viewer) as running:
        yield running


@pytest.fixture
async def writer(
    services: Services, settings: Settings, viewer: Viewer
) -> AsyncIterator[CallWriter]:
    async with writing_call(services, settings, viewer) as ready:
        yield ready


async def frames(socket: Socket, until: int) -> list[str]:
    """The frames in order, up to the `until`th durable event or the end."""
    return [str(await socket.raw.recv()) for _ in range(until)]


@pytest.mark.parametrize(("document", "variables"), DOCUMENTS)
async def test_shared_updates_equal_individual_ones_byte_for_byte(
    api: Api, writer: CallWriter, document: str, variables: dict[str, Any]
) -> None:
    await writer.write_turns("hello", 'é \U0001f600 "quoted"\n', "third")
    asked = {"c": str(writer.call_id), **variables}
    ordinary = (
        document.replace("it: callEvents", "it: alone")
        .replace(" callEvents", " callEvents: alone")
        .replace("{callEvents", "{callEvents: alone")
    )
    count = 3 + len([e async for e in _so_far(writer)])
    async with api.socket() as shared, api.socket() as again, api.socket() as alone:
        await shared.subscribe("a", document, **asked)
        await again.subscribe("a", document, **asked)
        await alone.subscribe("a", ordinary, **asked)
        expected = _unreferenced(await frames(alone, count))
        assert _unreferenced(await frames(shared, count)) == expected
        assert _unreferenced(await frames(again, count)) == expected
    assert ("errors" in "".join(expected)) == ("broken" in document)


async def _so_far(writer: CallWriter) -> AsyncIterator[Any]:
    for event in await writer.worker.queue.log_page(writer.claim.call, 0, 10_000):
        if event.event.kind != "agent_turn":
            yield event


def _unreferenced(texts: list[str]) -> list[str]:
    """Without the log references, which differ between failures."""
    parts = [text.split('"ref":"') for text in texts]
    return ["".join([first, *(part[12:] for part in rest)]) for first, *rest in parts]


async def test_an_event_is_rendered_once_for_equal_subscriptions(
    api: Api, writer: CallWriter
) -> None:
    document = "subscription($c:ID!,$a:String){callEvents(callId:$c,after:$a){...on Said{counted}}}"
    executed.clear()
    before = len([e async for e in _so_far(writer)])
    async with api.socket() as one, api.socket() as two:
        await one.subscribe("x", document, c=str(writer.call_id))
        await two.subscribe("y", document, c=str(writer.call_id), a=None)
        await frames(one, before)
        await frames(two, before)
        await writer.write_turns("a", "b", "c")
        first, second = await frames(one, 3), await frames(two, 3)
        async with api.socket() as late:
            await late.subscribe("x", document, c=str(writer.call_id))
            assert (await frames(late, before + 3))[before:] == first
    assert executed == ["a", "b", "c"]
    assert [frame.replace('"y"', '"x"') for frame in second] == first


async def test_viewer_dependent_results_are_not_shared(api: Api, writer: CallWriter) -> None:
    await writer.write_turns("hello")
    for field in ("call", "watcher"):
        document = f"subscription($c:ID!){{callEvents(callId:$c){{...on Said{{{field}}}}}}}"
        for credential, subject in (({"apiKey": api.key}, "key:"), (None, "user:")):
            async with api.socket(credential) as socket:
                if credential:
                    await socket.send(type="connection_init", payload=credential)
                    await socket.receive()
                await socket.subscribe("a", document, c=str(writer.call_id))
                said: dict[str, Any] = {}
                while not said:
                    said = (await socket.receive())["payload"]["data"]["callEvents"]
                assert said[field].startswith(subject)


async def test_the_end_of_the_call_completes_every_subscription(
    api: Api, writer: CallWriter
) -> None:
    document = "subscription($c:ID!){callEvents(callId:$c){...on Other{kind} ...on Partial{words}}}"
    async with api.socket() as socket:
        await socket.subscribe("a", document, c=str(writer.call_id))
        await frames(socket, 2)
        writer.publish_partial("hel")
        partial = await socket.receive()
        assert partial["payload"]["data"]["callEvents"] == {"words": "hel"}
        await writer.end()
        kinds = []
        while (message := await socket.receive())["type"] == "next":
            kinds.append(message["payload"]["data"]["callEvents"].get("kind"))
        assert kinds[-1] == "call_ended"
        assert message == {"type": "complete", "id": "a"}


async def test_a_call_that_cannot_be_watched_is_an_error(api: Api, writer: CallWriter) -> None:
    async with api.socket() as socket:
        await socket.subscribe(
            "a",
            'subscription($c:ID!){callEvents(callId:$c,after:"nonsense"){__typename}}',
            c=str(writer.call_id),
        )
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "a")
        assert message["payload"][0]["extensions"]["code"] == "INVALID_CURSOR"


OF_A_CONNECTION = {
    "graph.conversation.Closed",
    "graph.conversation.Connection",
    "graph.fanout._Look",
    "graph.protocols.BoundedHttp",
    "graph.protocols.BoundedWebSocket",
    "graph.running.Running",
}


def kept_of_connections() -> Counter[str]:
    names = (f"{kind.__module__}.{kind.__name__}" for kind in map(type, gc.get_objects()))
    return Counter(name for name in names if name in OF_A_CONNECTION)


async def test_a_closed_connection_is_freed_without_the_garbage_collector(
    api: Api, writer: CallWriter
) -> None:
    """It runs so rarely that hundreds of closed connections would wait for it."""
    await writer.write_turns("hello")
    document = "subscription($c:ID!){callEvents(callId:$c){__typename}}"
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            async with api.socket() as socket:
                await socket.subscribe("a", document, c=str(writer.call_id))
                await frames(socket, 1)
        async with asyncio.timeout(10):
            # asyncio keeps a reference to the last cancellation, and thus to what was cancelled.
            while max(kept_of_connections().values(), default=0) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        gc.enable()
