"""Opens what a process needs, in order, and closes it in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from domain.compute import Compute
from domain.outbound import Outbound
from domain.ports import Services
from domain.settings import Settings
from domain.tasks import beside
from domain.verification.cached import Verifier
from persistence.accounts import SqlAccounts
from persistence.channels import Channels, RedisBackend
from persistence.database import DbRole, create_engine, create_pool
from persistence.keys import KeyRing
from persistence.limiter import RedisLimiter
from persistence.links import SignedLinks
from persistence.outbound import GuardedHttp
from persistence.probes import HttpProber
from persistence.queue import SqlQueue
from persistence.recorder import LogRecorder
from persistence.recordings import SqlLedger
from persistence.sounds import ObjectStore
from persistence.store import SqlStore
from persistence.streams import EventStreams, decode
from persistence.tickets import SignedTickets
from persistence.vault import Vault, rewrap


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerServices:
    """What a process that holds or tends calls needs of the outside."""

    queue: SqlQueue
    recorder: LogRecorder
    outbound: Outbound
    recordings: SqlLedger
    sounds: ObjectStore | None
    rewrap: Callable[[], Awaitable[int]]


@asynccontextmanager
async def api_services(settings: Settings) -> AsyncGenerator[Services]:
    async with AsyncExitStack() as stack:
        ring = KeyRing.of(settings.secret_key)
        engine = create_engine(settings.database_url, DbRole.API)
        stack.push_async_callback(engine.dispose)
        pool = await create_pool(settings.database_url, DbRole.API)
        stack.callback(pool.terminate)
        channels = await stack.enter_async_context(_channels(settings))
        limiter = RedisLimiter(settings.redis_url)
        stack.push_async_callback(limiter.aclose)
        outbound = GuardedHttp(settings.outbound_allow)
        stack.push_async_callback(outbound.aclose)
        sounds = _sounds(settings, stack)
        streams = EventStreams(pool, channels)
        await stack.enter_async_context(beside(streams.look_for_ever()))

        async def ready() -> dict[str, bool]:
            return {"database": await _answers(pool.fetchval("select 1")), "redis": channels.up}

        compute = Compute()
        stack.callback(compute.close)
        yield Services(
            store=SqlStore(engine, channels, Vault(ring)),
            accounts=SqlAccounts(
                engine,
                ring,
                access_seconds=settings.access_token_seconds,
                refresh_seconds=settings.refresh_token_seconds,
            ),
            streams=streams,
            limiter=limiter,
            outbound=outbound,
            prober=HttpProber(settings),
            tickets=SignedTickets.of(settings),
            sounds=sounds,
            links=SignedLinks(ring),
            provider_keys=settings.provider_keys,
            clock=lambda: datetime.now(UTC),
            ready=ready,
            compute=compute,
            verifier=Verifier(compute),
        )


@asynccontextmanager
async def worker_services(settings: Settings) -> AsyncGenerator[WorkerServices]:
    async with AsyncExitStack() as stack:
        pool = await create_pool(settings.database_url, DbRole.SERVICE)
        stack.callback(pool.terminate)
        channels = await stack.enter_async_context(_channels(settings))
        recorder = LogRecorder(pool, channels)
        await stack.enter_async_context(beside(recorder.flush_for_ever()))
        vault = Vault(KeyRing.of(settings.secret_key))
        queue = SqlQueue(
            pool,
            channels,
            vault,
            join_seconds=settings.join_seconds,
            resume_seconds=settings.resume_seconds,
        )
        outbound = GuardedHttp(settings.outbound_allow)
        stack.push_async_callback(outbound.aclose)
        yield WorkerServices(
            queue=queue,
            recorder=recorder,
            outbound=outbound,
            recordings=SqlLedger(pool),
            sounds=_sounds(settings, stack),
            rewrap=partial(rewrap, pool, vault),
        )


def _sounds(settings: Settings, stack: AsyncExitStack) -> ObjectStore | None:
    sounds = ObjectStore.of(settings)
    if sounds is not None:
        stack.callback(sounds.close)
    return sounds


@asynccontextmanager
async def _channels(settings: Settings) -> AsyncGenerator[Channels[object]]:
    channels = Channels(RedisBackend(settings.redis_url), decode)
    await channels.connect()
    try:
        yield channels
    finally:
        await channels.disconnect()


async def _answers(question: Awaitable[Any]) -> bool:
    try:
        async with asyncio.timeout(2):
            await question
    except Exception:  # noqa: BLE001 - whatever went wrong, the answer is no
        return False
    return True
