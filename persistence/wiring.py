"""Opens the services of the API in order, and closes them in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.common.compute import Compute
from domain.common.pacing import TenantConcurrencyLimit
from domain.common.quotas import TenantQuotas
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import MAX_COMPUTE_TRANSACTIONS, Services
from domain.sign_in.ports import SingleSignOn
from domain.tenants.mail import account_links
from domain.tools.http import HttpClient
from domain.tools.network_allow_list import AllowList
from domain.verification.cached import Verifier
from persistence.access_changes import AccessChangeReader
from persistence.accounts import SqlAccounts
from persistence.api_keys import owner_key_issuer
from persistence.audit_recorder import AuditRecorder
from persistence.audit_signatures import AuditSignatures
from persistence.call_lists import SqlCallLists
from persistence.database import DbRole, create_pool
from persistence.draft_lists import SqlDraftLists
from persistence.federated_users import SqlFederatedUsers
from persistence.identity_providers import SqlProviderDirectory
from persistence.key_ring import KeyRing
from persistence.lazy_adapters import LazyHttpClient, LazyProviders, open_audio_store
from persistence.live_lists import LookupTurns
from persistence.livekit_webhooks import LiveKitWebhooks
from persistence.notifications import access_changed
from persistence.oidc_client import HttpOidcClient
from persistence.open_counts import RedisOpenCounts
from persistence.passwords import PasswordVerifier
from persistence.pubsub import Channels, open_channels
from persistence.rate_limiter import RedisRateLimiter
from persistence.room_access import JwtRoomAccessIssuer, read_notice
from persistence.route_reports import RedisRouteReports
from persistence.second_factors import SqlSecondFactors
from persistence.sessions import SqlSessions
from persistence.sign_in_cipher import CookieCipher
from persistence.sign_in_handoffs import SqlHandoffs
from persistence.signed_links import SignedLinks
from persistence.sqlalchemy_engine import create_engine, open_first_connection
from persistence.store import SqlStore
from persistence.streams import EventStreams, decode_notification
from persistence.tenants import SqlTenants
from persistence.vault import Vault
from persistence.workers import SqlWorkers


@asynccontextmanager
async def api_services(settings: Settings) -> AsyncGenerator[Services]:
    async with AsyncExitStack() as stack:
        ring = KeyRing.from_secret_key(settings.secret_key)
        for_engine, for_pool = _split_connections(settings.database_connections)
        pool = await create_pool(settings.database_url, DbRole.API, for_pool)
        stack.callback(pool.terminate)
        engine = create_engine(settings.database_url, DbRole.API, for_engine)
        stack.push_async_callback(engine.dispose)
        await open_first_connection(engine)
        channels = await stack.enter_async_context(
            open_channels(settings.redis_url, decode_notification)
        )
        limiter = RedisRateLimiter(settings.redis_url)
        stack.push_async_callback(limiter.aclose)
        open_counts = RedisOpenCounts(limiter)
        await stack.enter_async_context(background_task(open_counts.run_renewal()))
        http_client = LazyHttpClient(settings.outbound_allow)
        stack.push_async_callback(http_client.aclose)
        providers = LazyProviders(settings, http_client)
        audio_store = open_audio_store(settings, stack)
        passwords = PasswordVerifier()
        stack.callback(passwords.close)
        sessions = SqlSessions(
            engine,
            ring,
            access_seconds=settings.access_token_seconds,
            refresh_seconds=settings.refresh_token_seconds,
        )
        changes = AccessChangeReader(pool, channels)
        notify = partial(_announce_access_change, channels)
        quotas = TenantQuotas.from_settings(settings)
        accounts = SqlAccounts(engine, ring, passwords, sessions, changes, notify, quotas)
        # The first listener: what the others look up again is no longer cached.
        stack.enter_context(changes.listening(accounts.forget))
        await stack.enter_async_context(background_task(changes.run()))
        await stack.enter_async_context(background_task(accounts.run_key_use_recorder()))
        streams = EventStreams(pool, channels)
        await stack.enter_async_context(background_task(streams.run_head_check()))
        vault = Vault(ring)
        store = SqlStore(engine, channels, vault, max_transactions=max(1, for_engine // 4))
        audit_notes = AuditRecorder(store, engine)
        await stack.enter_async_context(background_task(audit_notes.run()))
        stack.push_async_callback(audit_notes.flush)
        turns = LookupTurns()
        call_lists = SqlCallLists(store, pool, channels, turns)
        await stack.enter_async_context(background_task(call_lists.run_version_check()))
        draft_lists = SqlDraftLists(store, pool, channels, turns)
        await stack.enter_async_context(background_task(draft_lists.run_version_check()))

        async def ready() -> dict[str, bool]:
            return {
                "database": await _responds(pool.fetchval("select 1")),
                "redis": channels.is_connected,
            }

        compute = Compute()
        stack.callback(compute.close)
        yield Services(
            store=store,
            accounts=accounts,
            account_links=account_links(settings),
            single_sign_on=_single_sign_on(settings, engine, ring, vault, http_client, notify),
            second_factors=SqlSecondFactors(engine, ring),
            tenants=SqlTenants(engine, owner_key_issuer(settings)),
            streams=streams,
            call_lists=call_lists,
            draft_lists=draft_lists,
            workers=SqlWorkers(pool),
            limiter=limiter,
            open_counts=open_counts,
            http_client=http_client,
            key_prober=providers,
            speech_synthesizer=providers,
            route_reports=RedisRouteReports(limiter),
            room_access_issuer=JwtRoomAccessIssuer.from_settings(settings),
            room_webhooks=LiveKitWebhooks.from_settings(channels, settings),
            audio_store=audio_store,
            signed_links=SignedLinks(ring),
            provider_keys=settings.provider_keys,
            max_call_seconds=settings.max_call_seconds,
            audit_notes=audit_notes,
            audit_signer=AuditSignatures(ring),
            audit_retention_days=settings.audit_retention_days,
            grace_days=settings.tenant_grace_days,
            outbound_allowed=AllowList.parse(settings.outbound_allow),
            trunks_allowed=AllowList.parse(settings.trunk_allow, "TRUNK_ALLOW"),
            clock=lambda: datetime.now(UTC),
            ready=ready,
            compute=compute,
            verifier=Verifier(compute, allowed=AllowList.parse(settings.outbound_allow)),
            compute_limit=TenantConcurrencyLimit(_max_compute_transactions(for_engine)),
        )


def _announce_access_change(channels: Channels[object]) -> None:
    channels.announce([access_changed()])


def _single_sign_on(
    settings: Settings,
    engine: AsyncEngine,
    ring: KeyRing,
    vault: Vault,
    http_client: HttpClient,
    notify: Callable[[], None],
) -> SingleSignOn:
    public_url = account_links(settings).public_url.rstrip("/")
    origins = (origin.strip() for origin in settings.allowed_origins.split(","))
    return SingleSignOn(
        client=HttpOidcClient(http_client),
        attempts=CookieCipher(ring),
        providers=SqlProviderDirectory(engine, vault),
        handoffs=SqlHandoffs(engine, ring),
        users=SqlFederatedUsers(engine, notify),
        public_url=public_url,
        allowed_origins=(public_url, *filter(None, origins)),
    )


async def check_database(settings: Settings) -> None:
    """Raise a `DomainError` unless PostgreSQL is available and gives the API its role."""
    pool = await create_pool(settings.database_url, DbRole.API, 1)
    await pool.close()


def voice_notice(settings: Settings) -> str:
    """Why voice calls cannot be started yet; empty if they can."""
    return read_notice(settings.voice_notice_file)


def _split_connections(connections: int) -> tuple[int, int]:
    """Split the API's connections into those for requests and those for the event log."""
    for_log = max(1, connections * 10 // 26)
    return connections - for_log, for_log


def _max_compute_transactions(connections: int) -> int:
    """How many of the connections for requests one tenant may hold while it computes."""
    return max(1, min(MAX_COMPUTE_TRANSACTIONS, connections // 2))


async def _responds(query: Awaitable[Any]) -> bool:
    try:
        async with asyncio.timeout(2):
            await query
    except Exception:  # noqa: BLE001 - any error means that the service is not ready
        return False
    return True
