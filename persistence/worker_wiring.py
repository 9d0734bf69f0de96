"""Opens the services of a worker or a keeper in order, and closes them in reverse.

They are separate from those of the API because workers and keepers do not load SQLAlchemy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.telephony.hold import HoldLimits
from domain.tools.http import HttpClient
from domain.tools.network_allow_list import AllowList
from persistence.audit_chain import SqlAuditChain
from persistence.audit_signatures import AuditSignatures
from persistence.carrier_resolver import CarrierResolver
from persistence.database import DbRole, create_pool
from persistence.event_writer import SqlEventWriter
from persistence.held_calls import SqlHeldCalls
from persistence.inbound_calls import SqlInboundCalls
from persistence.key_ring import KeyRing
from persistence.lazy_adapters import LazyHttpClient, open_audio_store
from persistence.leases import WorkerLeases
from persistence.mail_queue import SqlMailQueue
from persistence.pubsub import open_channels
from persistence.queue import SqlWorkerQueue
from persistence.rate_limiter import RedisRateLimiter
from persistence.reaper import SqlReaper
from persistence.recording_store import SqlRecordingStore
from persistence.retention import SqlRetention
from persistence.route_reports import RedisRouteReports
from persistence.streams import decode_notification
from persistence.telephony_reader import SqlInboundRoutes
from persistence.tenant_maintenance import SqlTenantMaintenance
from persistence.trunk_reports import SqlTrunkReports
from persistence.vault import Vault, rewrap

if TYPE_CHECKING:
    from persistence.audio_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerServices:
    """The external services that a worker or a keeper uses."""

    queue: SqlWorkerQueue
    reaper: SqlReaper
    retention: SqlRetention
    audit_chain: SqlAuditChain
    event_writer: SqlEventWriter
    http_client: HttpClient
    recording_store: SqlRecordingStore
    inbound_routes: SqlInboundRoutes
    route_reports: RedisRouteReports
    inbound_calls: SqlInboundCalls
    held_calls: SqlHeldCalls
    trunk_reports: SqlTrunkReports
    mail_queue: SqlMailQueue
    tenants: SqlTenantMaintenance
    audio_store: ObjectStore | None
    rewrap: Callable[[], Awaitable[int]]


@asynccontextmanager
async def worker_services(
    settings: Settings, connections: int | None = None
) -> AsyncGenerator[WorkerServices]:
    """`connections` overrides the maximum number of PostgreSQL connections from the settings."""
    async with AsyncExitStack() as stack:
        size = connections or settings.worker_database_connections
        pool = await create_pool(settings.database_url, DbRole.SERVICE, size)
        stack.callback(pool.terminate)
        channels = await stack.enter_async_context(
            open_channels(settings.redis_url, decode_notification)
        )
        leases = WorkerLeases(settings.lease_seconds)
        event_writer = SqlEventWriter(pool, channels, leases)
        await stack.enter_async_context(background_task(event_writer.run_flusher()))
        ring = KeyRing.from_secret_key(settings.secret_key)
        vault = Vault(ring)
        queue = SqlWorkerQueue(
            pool,
            channels,
            vault,
            leases,
            CarrierResolver(AllowList.parse(settings.trunk_allow, "TRUNK_ALLOW")),
            join_seconds=settings.join_seconds,
            resume_seconds=settings.resume_seconds,
            max_takeovers=settings.max_takeovers,
        )
        hold = HoldLimits(settings.hold_after_seconds, settings.hold_seconds)
        http_client = LazyHttpClient(settings.outbound_allow)
        stack.push_async_callback(http_client.aclose)
        redis = RedisRateLimiter(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        yield WorkerServices(
            queue=queue,
            reaper=SqlReaper(
                pool,
                channels,
                resume_seconds=settings.resume_seconds,
                max_takeovers=settings.max_takeovers,
                dial_queue_seconds=settings.dial_queue_seconds,
            ),
            retention=SqlRetention(pool),
            audit_chain=SqlAuditChain(pool, AuditSignatures(ring), settings.audit_retention_days),
            event_writer=event_writer,
            http_client=http_client,
            recording_store=SqlRecordingStore(pool),
            inbound_routes=SqlInboundRoutes(pool, vault, hold),
            route_reports=RedisRouteReports(redis),
            inbound_calls=SqlInboundCalls(
                pool, channels, max_call_seconds=settings.max_call_seconds, hold=hold
            ),
            held_calls=SqlHeldCalls(pool, channels, vault),
            trunk_reports=SqlTrunkReports(pool),
            mail_queue=SqlMailQueue(pool, vault),
            tenants=SqlTenantMaintenance(pool, channels, ring),
            audio_store=open_audio_store(settings, stack),
            rewrap=partial(rewrap, pool, vault),
        )
