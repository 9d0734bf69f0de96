"""Streams on real servers that fail: events arrive late at worst, never wrong."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from domain.calls.events import AgentTurn, CallEnded, EphemeralEvent, PartialTranscript, StoredEvent
from domain.common.access import Viewer
from domain.common.errors import CursorExpired
from domain.common.settings import Settings
from domain.ports import Services
from local import valkey
from persistence.wiring import api_services
from tests.support.log_writer import CallWriter, writing_call

pytestmark = pytest.mark.anyio


async def follow(
    services: Services, writer: CallWriter, after: str | None = None, pause: float = 0
) -> list[StoredEvent]:
    """All durable events up to the end of the call."""
    seen = []
    tenant = writer.claim.call.tenant_id
    async with asyncio.timeout(60):
        async for update in services.streams.follow(tenant, writer.call_id, after):
            if isinstance(update, StoredEvent):
                seen.append(update)
                await asyncio.sleep(pause)
    return seen


def complete(events: list[StoredEvent], first: int = 1) -> bool:
    numbers = [event.seq for event in events]
    ended = isinstance(events[-1].event, CallEnded)
    return ended and numbers == list(range(first, first + len(events)))


async def test_a_slow_subscriber_receives_everything(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with writing_call(services, settings, viewer) as writer:
        watching = asyncio.create_task(follow(services, writer, pause=0.001))
        quick = asyncio.create_task(follow(services, writer))
        for n in range(40):
            await writer.write_turns(*(f"{n}.{m}" for m in range(50)))
        await writer.end()
        slow_events, quick_events = await watching, await quick
    assert complete(slow_events)
    assert slow_events == quick_events
    assert sum(isinstance(e.event, AgentTurn) for e in slow_events) == 2_000


async def test_a_cursor_is_valid_on_every_replica(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with writing_call(services, settings, viewer) as writer, api_services(settings) as other:
        await writer.write_turns("one", "two", "three")
        await writer.end()
        whole = await follow(services, writer)
        for at, event in enumerate(whole[:-1], start=1):
            assert await follow(other, writer, after=event.cursor) == whole[at:]


async def test_a_cursor_into_a_restored_database_is_refused(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with writing_call(services, settings, viewer) as writer:
        await writer.write_turns("as it was")
        await writer.end()
        last = (await follow(services, writer))[2]
        db = await asyncpg.connect(settings.database_url)
        rewritten = "update call_event set body = replace(body::text, 'as it was', 'else')::json"
        await db.execute(rewritten)
        await db.close()
        with pytest.raises(CursorExpired):
            await follow(services, writer, after=last.cursor)


async def test_without_redis_a_stream_is_only_slower(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    async with valkey.started(tmp_path) as server:
        own = replace(settings, redis_url=server.url)
        async with api_services(own) as services, writing_call(services, own, viewer) as writer:
            watching = asyncio.create_task(follow(services, writer))
            await writer.write_turns("with")
            await server.kill()
            began = time.monotonic()
            await writer.write_turns("without")
            await server.start()
            await writer.write_turns("with again")
            await writer.end()
            events = await watching
            print(f"caught up {time.monotonic() - began:.2f} s after Redis died")
    assert complete(events)
    reported = [e.event.text for e in events if isinstance(e.event, AgentTurn)]
    assert reported == ["with", "without", "with again"]


async def test_a_process_starts_and_streams_while_redis_is_down(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    async with valkey.started(tmp_path) as server:
        own = replace(settings, redis_url=server.url)
        await server.kill()
        async with api_services(own) as services, writing_call(services, own, viewer) as writer:
            assert await services.ready() == {"database": True, "redis": False}
            watching = asyncio.create_task(follow(services, writer))
            await writer.write_turns("hello")
            await writer.end()
            assert complete(await watching)
            await server.start()


async def test_partial_transcripts_arrive_between_stored_events(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with writing_call(services, settings, viewer) as writer:
        seen: list[str] = []

        watching, whispered = asyncio.Event(), asyncio.Event()

        async def watch() -> None:
            tenant = writer.claim.call.tenant_id
            async for update in services.streams.follow(tenant, writer.call_id, None):
                watching.set()  # a subscriber that receives stored events has subscribed before
                match update:
                    case EphemeralEvent(event=PartialTranscript(text=text)):
                        seen.append(f"~{text}")
                        whispered.set()
                    case StoredEvent(event=AgentTurn(text=text)):
                        seen.append(text)

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            await watching.wait()
            writer.publish_partial("hel")
            await whispered.wait()
            await writer.write_turns("hello")
            await writer.end()
    assert seen == ["~hel", "hello"]
