"""Opens what the API needs, in order, and closes it in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from domain.compute import Compute
from domain.pacer import TenantLimit
from domain.ports import MAX_COMPUTING, Services
from domain.settings import Settings
from domain.tasks import beside
from domain.verification.cached import Verifier
from persistence.accounts import SqlAccounts
from persistence.call_lists import SqlCallLists
from persistence.channels import connected
from persistence.database import DbRole, create_pool
from persistence.engine import create_engine, enter
from persistence.keys import KeyRing
from persistence.limiter import RedisLimiter
from persistence.links import SignedLinks
from persistence.on_demand import OnDemandHttp, OnDemandProber, sounds_of
from persistence.passwords import Passwords
from persistence.store import SqlStore
from persistence.streams import EventStreams, decode
from persistence.tickets import SignedTickets
from persistence.vault import Vault


@asynccontextmanager
async def api_services(settings: Settings) -> AsyncGenerator[Services]:
    async with AsyncExitStack() as stack:
        ring = KeyRing.of(settings.secret_key)
        for_engine, for_pool = _shares(settings.database_connections)
        pool = await create_pool(settings.database_url, DbRole.API, for_pool)
        stack.callback(pool.terminate)
        engine = create_engine(settings.database_url, DbRole.API, for_engine)
        stack.push_async_callback(engine.dispose)
        await enter(engine)
        channels = await stack.enter_async_context(connected(settings.redis_url, decode))
        limiter = RedisLimiter(settings.redis_url)
        stack.push_async_callback(limiter.aclose)
        outbound = OnDemandHttp(settings.outbound_allow)
        stack.push_async_callback(outbound.aclose)
        sounds = sounds_of(settings, stack)
        passwords = Passwords()
        stack.callback(passwords.close)
        accounts = SqlAccounts(
            engine,
            ring,
            passwords,
            access_seconds=settings.access_token_seconds,
            refresh_seconds=settings.refresh_token_seconds,
        )
        await stack.enter_async_context(beside(accounts.record_uses_for_ever()))
        streams = EventStreams(pool, channels)
        await stack.enter_async_context(beside(streams.look_for_ever()))
        store = SqlStore(engine, channels, Vault(ring), at_once=max(1, for_engine // 4))
        call_lists = SqlCallLists(store, pool, channels)
        await stack.enter_async_context(beside(call_lists.check_for_ever()))

        async def ready() -> dict[str, bool]:
            return {"database": await _answers(pool.fetchval("select 1")), "redis": channels.up}

        compute = Compute()
        stack.callback(compute.close)
        yield Services(
            store=store,
            accounts=accounts,
            streams=streams,
            call_lists=call_lists,
            limiter=limiter,
            outbound=outbound,
            prober=OnDemandProber(settings),
            tickets=SignedTickets.of(settings),
            sounds=sounds,
            links=SignedLinks(ring),
            provider_keys=settings.provider_keys,
            clock=lambda: datetime.now(UTC),
            ready=ready,
            compute=compute,
            verifier=Verifier(compute),
            computing=TenantLimit(_computing(for_engine)),
        )


async def check_database(settings: Settings) -> None:
    """That PostgreSQL is there and gives the API its role; else a `DomainError` says why not."""
    pool = await create_pool(settings.database_url, DbRole.API, 1)
    await pool.close()


def _shares(connections: int) -> tuple[int, int]:
    """Of the API's connections: for requests, and for the event log."""
    for_log = max(1, connections * 10 // 26)
    return connections - for_log, for_log


def _computing(connections: int) -> int:
    """Of the connections for requests, as many as one tenant may hold while it computes."""
    return max(1, min(MAX_COMPUTING, connections // 2))


async def _answers(question: Awaitable[Any]) -> bool:
    try:
        async with asyncio.timeout(2):
            await question
    except Exception:  # noqa: BLE001 - whatever went wrong, the answer is no
        return False
    return True
