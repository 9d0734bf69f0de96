"""Opens what a worker or a keeper needs, in order, and closes it in reverse.

Apart from what the API needs, since neither loads SQLAlchemy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from domain.outbound import Outbound
from domain.settings import Settings
from domain.tasks import beside
from persistence.channels import connected
from persistence.database import DbRole, create_pool
from persistence.keys import KeyRing
from persistence.leases import Leases
from persistence.ledger import SqlLedger
from persistence.on_demand import OnDemandHttp, sounds_of
from persistence.queue import SqlQueue
from persistence.recorder import LogRecorder
from persistence.streams import decode
from persistence.vault import Vault, rewrap

if TYPE_CHECKING:
    from persistence.sounds import ObjectStore


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
async def worker_services(
    settings: Settings, connections: int | None = None
) -> AsyncGenerator[WorkerServices]:
    """`connections`: to PostgreSQL at most, when that is not what the settings say."""
    async with AsyncExitStack() as stack:
        size = connections or settings.worker_database_connections
        pool = await create_pool(settings.database_url, DbRole.SERVICE, size)
        stack.callback(pool.terminate)
        channels = await stack.enter_async_context(connected(settings.redis_url, decode))
        leases = Leases(settings.lease_seconds)
        recorder = LogRecorder(pool, channels, leases)
        await stack.enter_async_context(beside(recorder.flush_for_ever()))
        vault = Vault(KeyRing.of(settings.secret_key))
        queue = SqlQueue(
            pool,
            channels,
            vault,
            leases,
            join_seconds=settings.join_seconds,
            resume_seconds=settings.resume_seconds,
            max_takeovers=settings.max_takeovers,
        )
        outbound = OnDemandHttp(settings.outbound_allow)
        stack.push_async_callback(outbound.aclose)
        yield WorkerServices(
            queue=queue,
            recorder=recorder,
            outbound=outbound,
            recordings=SqlLedger(pool),
            sounds=sounds_of(settings, stack),
            rewrap=partial(rewrap, pool, vault),
        )
