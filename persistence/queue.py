"""The call table as the queue from which workers claim calls.

A worker holds a call under an epoch. Each claim, loss and end of a call raises the epoch, so a
worker that was declared dead can write nothing more. Locks are always taken on `call_log`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from domain.calls.commands import Command, CommandId, CommandKind
from domain.calls.events import CallEvent, StateChanged, StoredEvent, WorkerReplaced
from domain.calls.lease import Claim
from domain.calls.model import (
    END_OUTCOMES,
    Call,
    CallId,
    CallKind,
    CallState,
    Direction,
    EndReason,
    transition,
)
from domain.common.access import TenantId
from domain.common.errors import DecryptionKeyMissing
from domain.tenants.budgets import is_month_exhausted
from domain.tenants.credentials import DecryptedCredentials
from domain.workflows.model import Version, VersionId, WorkflowId
from persistence import notifications
from persistence.budgets import fetch_budget_usage, fetch_budgets
from persistence.codec import (
    cached_snapshot,
    encode_event,
    encode_message,
    settings_from_json,
    stored_event,
)
from persistence.database import in_batches, short_transaction
from persistence.db_errors import translate_outages
from persistence.leases import WorkerLeases
from persistence.pubsub import Channels
from persistence.queue_queries import (
    CLAIM,
    CONFIRM_CLAIM,
    DELETE_EXPIRED_CALLS,
    DELETE_EXPIRED_IDEMPOTENCY_KEYS,
    DELETE_EXPIRED_REFRESH_TOKENS,
    DELETE_WORKER,
    END_CALL,
    HAS_WAITING,
    INSERT_EVENT,
    IS_REGISTERED,
    LOG_PAGE,
    REAP_DEAD_WORKERS,
    RELEASE_CALL,
    RELEASE_ORPHANS,
    RELEASE_OTHERS,
    SELECT_CALL,
    SELECT_CLAIMABLE,
    SELECT_COMMANDS,
    SELECT_ENCRYPTED,
    SELECT_END_REQUESTED,
    SELECT_ENDED,
    SELECT_OVERDUE,
)
from persistence.vault import Vault

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.25
POLL_INTERVAL_SECONDS_WITHOUT_REDIS = 0.1
CONNECT_TIMEOUT_SECONDS = 30
"""A claimed call that is not active within this time, plus `join_seconds`, counts as broken."""

FULL_WORKER_DELAY_SECONDS = 1.0
"""How long a worker without room for another voice call leaves a call that lost its worker to other
workers. After that it claims the call anyway, because a late reply is better than none."""

TAKEOVER_BACKOFF_SECONDS = 1.0
"""The delay before the takeover that follows a failed one; it doubles with each further failure."""

END_TIMEOUT_SECONDS = 10.0
"""How long a worker may take to apply an END command before the call is ended without it."""

CALL_BATCH_SIZE, EVENT_BATCH_SIZE, ROW_BATCH_SIZE = 500, 20_000, 5_000


class SqlCallQueue:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[Any],
        vault: Vault,
        leases: WorkerLeases,
        *,
        join_seconds: float,
        resume_seconds: float,
        max_takeovers: int,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._vault = vault
        self._leases = leases
        self._connect_seconds = CONNECT_TIMEOUT_SECONDS + join_seconds
        self._resume_seconds = resume_seconds
        self._max_takeovers = max_takeovers
        self._full_worker_resume_seconds = resume_seconds - FULL_WORKER_DELAY_SECONDS

    # ---- worker ----------------------------------------------------------------------------

    @translate_outages
    async def register_worker(self, capacity: int) -> UUID:
        worker, requested_at = uuid4(), time.monotonic()
        await self._pool.execute(
            "insert into worker_process (id, capacity) values ($1, $2)", worker, capacity
        )
        self._leases.mark_renewed(worker, requested_at)
        return worker

    @translate_outages
    async def heartbeat(self, worker: UUID) -> bool:
        requested_at = time.monotonic()
        alive = await self._pool.fetchval(
            "update worker_process set heartbeat_at = now() where id = $1 returning id", worker
        )
        if alive is None:
            self._leases.mark_lost(worker)
            return False
        self._leases.mark_renewed(worker, requested_at)
        return True

    @translate_outages
    async def claim(
        self, worker: UUID, limit: int, *, include_voice: bool = True
    ) -> Sequence[Claim]:
        pending: list[notifications.Notification] = []
        async with self._pool.acquire(timeout=5) as connection, short_transaction(connection):
            if await connection.fetchval(IS_REGISTERED, worker) is None:
                return []
            claimable = await connection.fetch(
                SELECT_CLAIMABLE,
                limit,
                include_voice,
                self._full_worker_resume_seconds,
                self._max_takeovers,
                self._resume_seconds,
                TAKEOVER_BACKOFF_SECONDS,
                worker,
            )
            claims = [
                await self._claim_call(connection, worker, row, pending)
                for row in _claimable(claimable)
            ]
        await self._channels.publish_many(pending)
        if not claims:
            # Ending calls may fail or take long, which must not delay claimed calls. The next claim
            # or a keeper ends the calls that are left.
            await self._end_calls([row for row in claimable if row["end_asked"]])
        return claims

    async def _claim_call(
        self,
        connection: Any,
        worker: UUID,
        row: asyncpg.Record,
        pending: list[notifications.Notification],
    ) -> Claim:
        id, tenant, state = row["call_id"], row["tenant_id"], CallState(row["state"])
        is_new = state is CallState.PENDING
        new_state = transition(state, CallState.CONNECTING) if is_new else None
        claimed = await connection.fetchrow(CLAIM, id, worker, new_state, self._connect_seconds)
        event: CallEvent = (
            StateChanged(before=state, state=CallState.CONNECTING)
            if is_new
            else WorkerReplaced(epoch=claimed["epoch"])
        )
        body = encode_event(event)
        at = await connection.fetchval(INSERT_EVENT, tenant, id, claimed["head"], event.kind, body)
        pending.append(
            (notifications.call_channel(tenant, id), encode_message(id, claimed["head"], at, body))
        )
        pending.append(notifications.call_changed(tenant, id))
        row = await connection.fetchrow(SELECT_CALL, id)
        return Claim(
            call=_call_from_row(row),
            version=_version_from_row(row),
            epoch=claimed["epoch"],
            is_takeover=not is_new,
            settings=settings_from_json(orjson.loads(row["settings"] or "{}")),
            credentials=self._decrypt_credentials(await connection.fetch(SELECT_ENCRYPTED, tenant)),
            worker_id=worker,
        )

    def _decrypt_credentials(self, rows: Sequence[asyncpg.Record]) -> DecryptedCredentials:
        """If decryption fails, the call starts without credentials and reports the problem."""
        try:
            return self._vault.decrypt_credentials(rows)
        except DecryptionKeyMissing as error:
            return DecryptedCredentials(problem=error.message)

    @translate_outages
    async def inbox(self, worker: UUID) -> Sequence[Command]:
        rows = await self._pool.fetch(SELECT_COMMANDS, worker)
        return [
            Command(
                id=CommandId(row["id"]),
                call_id=CallId(row["call_id"]),
                kind=CommandKind(row["kind"]),
                body=orjson.loads(row["body"]),
                asked_by=row["asked_by"],
            )
            for row in rows
        ]

    @translate_outages
    async def log_page(self, call: Call, after: int, limit: int) -> Iterable[StoredEvent]:
        rows = await self._pool.fetch(LOG_PAGE, call.id, after, limit)
        return (stored_event(call.id, row["seq"], row["at"], row["body"]) for row in rows)

    @translate_outages
    async def reset_takeovers(self, claim: Claim) -> None:
        await self._pool.execute(CONFIRM_CLAIM, claim.call.id, claim.epoch)

    @translate_outages
    async def is_over_budget(self, tenant: TenantId) -> bool:
        async with self._pool.acquire(timeout=5) as connection:
            budgets = await fetch_budgets(connection, tenant)
            return budgets.has_monthly_limit and is_month_exhausted(
                budgets, await fetch_budget_usage(connection, tenant)
            )

    @translate_outages
    async def end(self, claim: Claim, reason: EndReason) -> bool:
        return await self._end_call(claim.call.id, claim.epoch, reason)

    @translate_outages
    async def release(self, claim: Claim) -> None:
        await self._pool.execute(RELEASE_CALL, claim.call.id, claim.epoch, self._resume_seconds)
        await self._channels.publish_many([notifications.call_waiting()])

    @translate_outages
    async def reconcile(self, worker: UUID, held: Sequence[CallId]) -> None:
        released = await self._pool.fetch(RELEASE_OTHERS, self._resume_seconds, worker, held)
        if released:
            log.warning(
                "released calls that the worker did not hold", extra={"calls": len(released)}
            )
            await self._channels.publish_many([notifications.call_waiting()])

    @translate_outages
    async def deregister_worker(self, worker: UUID) -> None:
        self._leases.mark_lost(worker)
        await self._pool.execute(DELETE_WORKER, worker)
        await self._release_orphans()

    @translate_outages
    async def has_waiting(self) -> bool:
        return bool(await self._pool.fetchval(HAS_WAITING))

    def queue_notifications(self) -> AsyncIterator[bool]:
        return self._notifications(notifications.QUEUE_CHANNEL)

    def inbox_notifications(self, worker: UUID) -> AsyncIterator[bool]:
        return self._notifications(notifications.worker_channel(worker))

    async def _notifications(self, channel: str) -> AsyncIterator[bool]:
        async with self._channels.listen(channel) as mailbox:
            notified = True  # earlier notifications may have been lost
            while True:
                yield notified
                poll_interval = (
                    POLL_INTERVAL_SECONDS
                    if self._channels.is_connected
                    else POLL_INTERVAL_SECONDS_WITHOUT_REDIS
                )
                try:
                    async with asyncio.timeout(poll_interval):
                        await mailbox.get()
                    mailbox.clear_lag()  # one poll covers all notifications until now
                    notified = True
                except TimeoutError:
                    notified = False

    # ---- keeper ----------------------------------------------------------------------------

    @translate_outages
    async def database_time(self) -> datetime:
        now: datetime = await self._pool.fetchval("select now()")
        return now

    @translate_outages
    async def reap_dead_workers(self, silent_since: datetime) -> int:
        """Deregister workers without a heartbeat since `silent_since` (by the database's clock) and
        release their calls; return how many calls. A worker whose heartbeat is newer keeps its
        calls, however late this runs."""
        await self._pool.execute(REAP_DEAD_WORKERS, silent_since)
        return await self._release_orphans()

    async def _release_orphans(self) -> int:
        """Release every call whose worker is not registered. A worker may claim a call while it is
        being deregistered, so its known calls alone are not enough."""
        released = await self._pool.fetch(RELEASE_ORPHANS, self._resume_seconds)
        if released:
            await self._channels.publish_many([notifications.call_waiting()])
        return len(released)

    @translate_outages
    async def end_overdue(
        self, claim_seconds: float, as_of: datetime
    ) -> list[tuple[UUID, EndReason]]:
        """End the calls that were overdue at `as_of` (by the database's clock) and still are."""
        end_requested = await self._pool.fetch(SELECT_END_REQUESTED, END_TIMEOUT_SECONDS)
        overdue = await self._pool.fetch(SELECT_OVERDUE, claim_seconds, as_of, self._max_takeovers)
        return await self._end_calls([*end_requested, *overdue])

    async def _end_calls(self, rows: Sequence[asyncpg.Record]) -> list[tuple[UUID, EndReason]]:
        ended: list[tuple[UUID, EndReason]] = []
        for row in rows:
            id, reason = CallId(row["call_id"]), EndReason(row["reason"])
            # A call that was claimed in the meantime has another epoch and is no longer overdue.
            if await self._end_call(id, row["epoch"], reason):
                ended.append((id, reason))
        return ended

    @translate_outages
    async def filter_ended(self, calls: Sequence[CallId]) -> list[CallId]:
        """Return those of the calls that have ended."""
        rows = await self._pool.fetch(SELECT_ENDED, list(calls)) if calls else []
        return [CallId(row["call_id"]) for row in rows]

    @translate_outages
    async def delete_expired(self, retention_days: int) -> int:
        """Delete calls that ended more than `retention_days` ago (0: none), and expired idempotency
        keys and refresh tokens; return how many calls."""
        await in_batches(self._pool, DELETE_EXPIRED_IDEMPOTENCY_KEYS, size=ROW_BATCH_SIZE)
        await in_batches(self._pool, DELETE_EXPIRED_REFRESH_TOKENS, size=ROW_BATCH_SIZE)
        if retention_days <= 0:
            return 0
        deleted = 0
        bounds = retention_days, CALL_BATCH_SIZE, EVENT_BATCH_SIZE
        while batch := await self._pool.fetch(DELETE_EXPIRED_CALLS, *bounds):
            deleted += len(batch)
        return deleted

    async def _end_call(self, id: CallId, epoch: int | None, reason: EndReason) -> bool:
        state, blame = END_OUTCOMES[reason]
        written = await self._pool.fetch(END_CALL, id, epoch, reason, state, blame)
        if not written:
            return False
        tenant = written[0]["tenant_id"]
        channel = notifications.call_channel(tenant, id)
        messages = [(channel, encode_message(id, e["seq"], e["at"], e["body"])) for e in written]
        await self._channels.publish_many([*messages, notifications.call_changed(tenant, id)])
        return True


def _claimable(rows: Sequence[asyncpg.Record]) -> Iterator[asyncpg.Record]:
    """The calls to claim: none that should end, at most one that may have killed its workers."""
    live = [row for row in rows if not row["end_asked"]]
    yield from (row for row in live if not row["is_suspect"])
    yield from [row for row in live if row["is_suspect"]][:1]


def _call_from_row(row: asyncpg.Record) -> Call:
    return Call(
        id=CallId(row["id"]),
        tenant_id=TenantId(row["tenant_id"]),
        kind=CallKind(row["kind"]),
        direction=Direction(row["direction"]),
        state=CallState(row["state"]),
        workflow_id=WorkflowId(row["workflow_id"]),
        version_id=VersionId(row["version_id"]),
        active_node=row["active_node"],
        user_id=row["user_id"],
        phone_number=row["phone_number"],
        user_context=orjson.loads(row["user_context"]),
        metadata=orjson.loads(row["metadata"]),
        max_seconds=row["max_seconds"],
        created_at=row["created_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
    )


def _version_from_row(row: asyncpg.Record) -> Version:
    return Version(
        id=VersionId(row["v_id"]),
        tenant_id=TenantId(row["tenant_id"]),
        workflow_id=WorkflowId(row["workflow_id"]),
        number=row["number"],
        checksum=row["checksum"],
        note=row["note"],
        published_at=row["published_at"],
        published_by=row["published_by"],
        snapshot=cached_snapshot(row["checksum"], lambda: orjson.loads(row["snapshot"])),
    )
