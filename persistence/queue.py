"""The call table as the queue from which workers claim calls.

A worker holds a call under an epoch. Each claim, loss and end of a call raises the epoch, so a
worker that was declared dead can write nothing more. Locks are always taken on `call_log`.

This module is the side of the workers. Keepers use reaper.py and retention.py, and
queue_transitions.py has what both sides do."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from domain.calls.commands import Command, CommandId, CommandKind
from domain.calls.events import CallEvent, StateChanged, StoredEvent, WorkerReplaced
from domain.calls.lease import Claim, TransferLine, TransferReservation
from domain.calls.model import (
    Call,
    CallId,
    CallKind,
    CallState,
    Direction,
    EndReason,
    transition,
)
from domain.common.access import TenantId
from domain.common.errors import DecryptionKeyMissing, Unavailable
from domain.telephony.attestation import Attestation
from domain.telephony.dial_policy import check_dial
from domain.telephony.trunks import DialLimits, DialTrunk
from domain.tenants.budgets import is_month_exhausted, raise_if_exhausted
from domain.tenants.credentials import DecryptedCredentials
from domain.tools.transfers import TransferMode
from domain.workflows.answering import AnsweringParty
from domain.workflows.model import Version, VersionId, WorkflowId
from persistence import notifications
from persistence.budgets import fetch_budget_usage, fetch_budgets
from persistence.carrier_resolver import CarrierResolver
from persistence.codec import (
    answering_from_json,
    cached_snapshot,
    calling_hours_from_json,
    encode_event,
    encode_message,
    settings_from_json,
    stored_event,
)
from persistence.database import short_transaction
from persistence.db_errors import translate_outages
from persistence.dial_slots import (
    IS_TO_DIAL,
    MAX_REFUSED,
    RELEASE_TRANSFER,
    RESERVE_DIAL,
    TRUNKS_TO_DIAL,
    CountedTransfer,
    DialedCall,
    Slot,
    count_transfer,
    fetch_refused,
    take_slot,
)
from persistence.leases import WorkerLeases
from persistence.pubsub import Channels
from persistence.queue_transitions import (
    DUE_AT,
    END_REASON,
    END_REQUESTED,
    FAILED_TAKEOVERS,
    IS_DUE,
    IS_TENANT_ACTIVE,
    MAX_ENDED_TOGETHER,
    RELEASE_CALLS,
    end_call,
    end_calls,
    release_orphans,
)
from persistence.telephony_reader import (
    fetch_dial_trunk,
    fetch_shown_number,
    fetch_transfer_trunk,
)
from persistence.vault import Vault

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.25
POLL_INTERVAL_SECONDS_WITHOUT_REDIS = 0.1
NO_CALLER_ID = "The number to show to the callee is no longer one of the trunk."
CONNECT_TIMEOUT_SECONDS = 30
"""A claimed call that is not active within this time, plus `join_seconds`, counts as broken."""

FULL_WORKER_DELAY_SECONDS = 1.0
"""How long a worker without room for another voice call leaves a call that lost its worker to other
workers. After that it claims the call anyway, because a late reply is better than none."""

TAKEOVER_BACKOFF_SECONDS = 1.0
"""The delay before the takeover that follows a failed one; it doubles with each further failure."""

END_ASKED = END_REQUESTED.format(more="")
# The log has a copy of the call's kind, except for old rows that have not been backfilled yet.
CALL_KIND = "coalesce(l.kind, (select c.kind from call c where c.id = l.call_id))"
# A call in which people wait: on the phone, in a room or at the keyboard. It occupies its trunk already, if
# it has one. Index `ix_call_log_waiting`.
IS_WAITING = """l.ended_at is null and l.worker_id is null
               and (l.trunk_id is null or l.dial_claimed_at is not null)"""
# A call whose takeovers fail may be the reason why its workers die, which also hurts their other
# calls. So its next takeover waits, with a backoff that doubles each time. After the second failure
# a worker holds one such call at a time, so that the other calls that were lost with it are taken
# over and confirmed first. The call does not wait for an idle worker: if all are busy, none would
# ever take it.
SELECT_CLAIMABLE = f"""
    select l.call_id, l.tenant_id, l.trunk_id, l.state, l.epoch, {END_ASKED} as end_asked,
           {END_REASON} as reason,
           l.trunk_id is not null and l.dial_claimed_at is null as needs_slot,
           $4::int > 0 and {FAILED_TAKEOVERS} > 1 as is_suspect
      from call_log l
     where {{which}}
       and {IS_TENANT_ACTIVE.format(row="l")}
       and ($2 or {CALL_KIND} = 'TEXT'
            or (l.state <> 'PENDING' and l.deadline_at < now() + make_interval(secs => $3)))
       and ($4 = 0 or {FAILED_TAKEOVERS} = 0 or (
            {FAILED_TAKEOVERS} < $4
            and l.deadline_at < now() + make_interval(
                secs => $5::float8 - least($6::float8 * 2 ^ ({FAILED_TAKEOVERS} - 1), $5 / 2))
            and ({FAILED_TAKEOVERS} = 1 or not exists (
                 select from call_log h
                  where h.worker_id = $7 and h.ended_at is null
                    and h.producer_seq = 0 and h.takeovers > 2))))
     order by {DUE_AT} limit {{limit}} for update skip locked
"""
SELECT_WAITING = SELECT_CLAIMABLE.format(which=f"{IS_WAITING} and {IS_DUE}", limit="$1")
SELECT_OF_TRUNK = SELECT_CLAIMABLE.format(
    which=f"{IS_TO_DIAL} and {IS_DUE} and l.trunk_id = longest.trunk_id",
    limit="least($1, longest.room)",
)
# Calls are locked trunk by trunk until there are $1, without those that another worker has locked. The
# outer query must not sort, because it would lock calls of each trunk.
SELECT_TO_DIAL = f"""
    select claimable.*
      from ({TRUNKS_TO_DIAL}) longest cross join lateral ({SELECT_OF_TRUNK}) claimable
     limit $1
"""
IS_REGISTERED = "select 1 from worker_process where id = $1 for key share"
# A phone that is dialled may ring in addition.
CONNECTED_BY = """now() + make_interval(secs => $4 + coalesce((
                   select c.ringing_seconds from call c where c.id = l.call_id), 0))"""
CLAIM = f"""
    update call_log l set worker_id = $2, epoch = l.epoch + 1, head = l.head + 1, producer_seq = 0,
           takeovers = case when $3::text is not null then 0
                            when l.producer_seq > 0 then 1 else l.takeovers + 1 end,
           state = coalesce($3, l.state),
           deadline_at = case when $3 is null then coalesce(
               l.answered_at + make_interval(secs => (
                   select c.max_seconds + 10 from call c where c.id = l.call_id)),
               {CONNECTED_BY}) else {CONNECTED_BY} end
     where l.call_id = $1 returning l.epoch, l.head
"""
INSERT_EVENT = """
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    values ($1, $2, $3, clock_timestamp(), $4, $5) returning at
"""
SELECT_CALL = """
    select c.*, l.state, l.active_node, l.answered_at, l.ended_at, l.end_reason, l.sip_status,
           l.answered_by,
           (select spec from tenant_settings s where s.tenant_id = c.tenant_id) as settings,
           (select t.name from inbound_trunk t
             where t.id = c.trunk_id and c.direction = 'INBOUND') as inbound_trunk,
           v.id as v_id, v.number, v.checksum, v.note, v.published_at, v.published_by, v.snapshot
      from call c join call_log l on l.call_id = c.id
      join workflow_version v on v.id = c.version_id
     where c.id = $1
"""
SELECT_ENCRYPTED = """
    select k.tenant_id, k.key_id, k.wrapped, c.id, c.kind, c.name, c.sealed, c.hosts,
           c.sealed_endpoint
      from data_key k join credential c using (tenant_id) where k.tenant_id = $1
"""
HAS_CALLER_ID = """
    select exists (select from phone_number where number = $1 and outbound_trunk_id = $2)
"""
RESET_TAKEOVERS = (
    "update call_log set takeovers = 0 where call_id = $1 and epoch = $2 and takeovers > 0"
)
SELECT_COMMANDS = """
    select c.id, c.call_id, c.kind, c.body, c.asked_by
      from call_log l cross join lateral (
           select * from call_command c where c.call_id = l.call_id and c.done_at is null
            order by c.kind <> 'END', c.place limit 20) c
     where l.worker_id = $1 and l.ended_at is null order by c.place
"""
LOG_PAGE = """
    select seq, at, body::text from call_event where call_id = $1 and seq > $2
     order by seq limit $3
"""
RELEASE_CALL = """
    update call_log set worker_id = null, epoch = epoch + 1, takeovers = 0,
           deadline_at = now() + make_interval(secs => $3)
     where call_id = $1 and epoch = $2 and ended_at is null
"""
RELEASE_OTHERS = RELEASE_CALLS.format(condition="l.worker_id = $2 and l.call_id <> all($3)")
INSERT_WORKER = """
    insert into worker_process (id, capacity, voice_capacity, host) values ($1, $2, $3, $4)
"""
DELETE_WORKER = "delete from worker_process where id = $1"
HAS_WAITING = f"""
    select exists (select from call_log l
                    where {IS_WAITING} and {IS_DUE} and {IS_TENANT_ACTIVE.format(row="l")})
        or exists ({TRUNKS_TO_DIAL})
"""
SELECT_LIMITS = "select spec ->> 'limits' from outbound_trunk where id = $1"
SELECT_DIALED = """
    select c.id, c.tenant_id, c.trunk_id, c.phone_number, t.spec ->> 'limits' as limits
      from call c left join outbound_trunk t on t.id = c.trunk_id where c.id = $1
"""


class SqlWorkerQueue:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[Any],
        vault: Vault,
        leases: WorkerLeases,
        carriers: CarrierResolver,
        *,
        join_seconds: float,
        resume_seconds: float,
        max_takeovers: int,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._vault = vault
        self._leases = leases
        self._carriers = carriers
        self._connect_seconds = CONNECT_TIMEOUT_SECONDS + join_seconds
        self._resume_seconds = resume_seconds
        self._max_takeovers = max_takeovers
        self._full_worker_resume_seconds = resume_seconds - FULL_WORKER_DELAY_SECONDS
        # Trunks that refused calls when calls were claimed, until the calls that they refuse are ended.
        self._refusing: set[UUID] = set()

    @translate_outages
    async def register_worker(self, capacity: int, voice_capacity: int | None = None) -> UUID:
        worker, requested_at = uuid4(), time.monotonic()
        await self._pool.execute(
            INSERT_WORKER, worker, capacity, voice_capacity, socket.gethostname()
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
        await self._end_refused(MAX_ENDED_TOGETHER, max_trunks=1)  # callers wait for the claim
        async with self._pool.acquire(timeout=5) as connection, short_transaction(connection):
            if await connection.fetchval(IS_REGISTERED, worker) is None:
                return []
            claimable = await self._fetch_claimable(connection, worker, limit, include_voice)
            slots = [(row, await self._take_slot(connection, row)) for row in _claimable(claimable)]
            claims = [
                await self._claim_call(connection, worker, row, pending)
                for row, slot in slots
                if slot is Slot.TAKEN
            ]
        await self._channels.publish_many(pending)
        self._refusing |= {row["trunk_id"] for row, slot in slots if slot is Slot.REFUSED}
        if not claims:
            # Ending calls may fail or take long, which must not delay claimed calls. The next claim
            # or a keeper ends the calls that are left.
            ending = [row for row in claimable if row["end_asked"]]
            await end_calls(self._pool, self._channels, ending)
            await self._end_refused()
        return claims

    async def _fetch_claimable(
        self, connection: Any, worker: UUID, limit: int, include_voice: bool
    ) -> list[asyncpg.Record]:
        """The oldest calls to claim, locked: first those in which people wait, then those to dial."""
        arguments = (
            include_voice,
            self._full_worker_resume_seconds,
            self._max_takeovers,
            self._resume_seconds,
            TAKEOVER_BACKOFF_SECONDS,
            worker,
        )
        rows: list[asyncpg.Record] = await connection.fetch(SELECT_WAITING, limit, *arguments)
        if include_voice and len(rows) < limit:
            rows += await connection.fetch(SELECT_TO_DIAL, limit - len(rows), *arguments)
        return rows

    async def _take_slot(self, connection: Any, row: asyncpg.Record) -> Slot:
        """Whether the call may be claimed: at once unless it occupies a trunk from now on. One whose
        trunk was deleted is claimed, too, and the worker ends it."""
        if not row["needs_slot"]:
            return Slot.TAKEN
        call = await connection.fetchrow(SELECT_DIALED, row["call_id"])
        if call["limits"] is None:
            return Slot.TAKEN
        dialed = DialedCall(call["id"], call["tenant_id"], call["trunk_id"], call["phone_number"])
        return await take_slot(connection, dialed, DialLimits(**orjson.loads(call["limits"])))

    async def _end_refused(
        self, max_calls: int = MAX_REFUSED, max_trunks: int | None = None
    ) -> None:
        """End the oldest calls that trunks refuse. A failure must not keep the worker from claiming calls
        of other trunks; the next claim finds out again that the trunk refuses calls."""
        for trunk in [*self._refusing][:max_trunks]:
            self._refusing.remove(trunk)
            try:
                await self._end_refused_by(trunk, max_calls)
            except Unavailable as error:
                reason = type(error.__cause__).__name__
                log.warning(
                    "could not end the calls that a trunk refuses",
                    extra={"trunk_id": str(trunk), "reason": reason},
                )

    @translate_outages
    async def _end_refused_by(self, trunk: UUID, max_calls: int) -> None:
        found = await self._pool.fetchval(SELECT_LIMITS, trunk)
        if found is not None:
            limits = DialLimits(**orjson.loads(found))
            refused = await fetch_refused(self._pool, trunk, limits, max_calls)
            await end_calls(self._pool, self._channels, refused)

    @translate_outages
    async def reserve_dial(self, claim: Claim) -> float:
        if claim.dial_trunk is None:
            return 0.0
        await self._carriers.check(claim.call.tenant_id, claim.dial_trunk.spec)
        async with self._pool.acquire(timeout=5) as connection:
            budgets = await fetch_budgets(connection, claim.call.tenant_id)
            if budgets.has_monthly_limit:
                usage = await fetch_budget_usage(connection, claim.call.tenant_id)
                raise_if_exhausted(replace(budgets, concurrent_calls=None), usage)
            return await self._reserve_moment(connection, claim.dial_trunk)

    async def _reserve_moment(self, connection: Any, trunk: DialTrunk) -> float:
        seconds: float | None = await connection.fetchval(
            RESERVE_DIAL, trunk.id, trunk.spec.limits.calls_per_second
        )
        return seconds or 0.0

    @translate_outages
    async def reserve_transfer(self, claim: Claim, transfer: TransferReservation) -> TransferLine:
        call, is_warm = claim.call, transfer.mode is TransferMode.WARM
        trunk = await fetch_transfer_trunk(self._pool, self._vault, call, transfer.trunk)
        check_dial(trunk.spec, transfer.number, ("number",))
        if is_warm:
            await self._carriers.check(call.tenant_id, trunk.spec)
        async with self._pool.acquire(timeout=5) as connection, short_transaction(connection):
            shown = await fetch_shown_number(connection, trunk, call) if is_warm else ""
            counted = CountedTransfer(
                id=transfer.id,
                tenant_id=call.tenant_id,
                call_id=call.id,
                trunk_id=trunk.id,
                number=transfer.number,
                occupies_trunk=is_warm,
            )
            await count_transfer(connection, counted, trunk.spec.limits)
        wait = await self._reserve_moment(self._pool, trunk) if is_warm else 0.0
        return TransferLine(trunk=trunk, from_number=shown, wait_seconds=wait)

    @translate_outages
    async def release_transfer(self, transfer: UUID) -> None:
        await self._pool.execute(RELEASE_TRANSFER, transfer)

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
        call = call_of_row(row)
        return Claim(
            call=call,
            version=version_of_row(row),
            epoch=claimed["epoch"],
            is_takeover=not is_new,
            settings=settings_from_json(orjson.loads(row["settings"] or "{}")),
            credentials=self._decrypt_credentials(await connection.fetch(SELECT_ENCRYPTED, tenant)),
            inbound_trunk=row["inbound_trunk"],
            dial_trunk=await self._dial_trunk(connection, call) if call.is_dialed else None,
            worker_id=worker,
        )

    async def _dial_trunk(self, connection: Any, call: Call) -> DialTrunk | None:
        """None if the trunk was deleted since the call was started."""
        if call.trunk_id is None:
            return None
        trunk = await fetch_dial_trunk(connection, self._vault, call.tenant_id, call.trunk_id)
        if trunk is None or await connection.fetchval(
            HAS_CALLER_ID, call.from_number, call.trunk_id
        ):
            return trunk
        return replace(trunk, problem=NO_CALLER_ID)

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
        await self._pool.execute(RESET_TAKEOVERS, claim.call.id, claim.epoch)

    @translate_outages
    async def is_over_budget(self, tenant: TenantId) -> bool:
        async with self._pool.acquire(timeout=5) as connection:
            budgets = await fetch_budgets(connection, tenant)
            return budgets.has_monthly_limit and is_month_exhausted(
                budgets, await fetch_budget_usage(connection, tenant)
            )

    @translate_outages
    async def end(self, claim: Claim, reason: EndReason) -> bool:
        return await end_call(self._pool, self._channels, claim.call.id, claim.epoch, reason)

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
        await release_orphans(self._pool, self._channels, self._resume_seconds)

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


def _claimable(rows: Sequence[asyncpg.Record]) -> Iterator[asyncpg.Record]:
    """The calls to claim: none that should end, at most one that may have killed its workers."""
    live = [row for row in rows if not row["end_asked"]]
    yield from (row for row in live if not row["is_suspect"])
    yield from [row for row in live if row["is_suspect"]][:1]


def call_of_row(row: asyncpg.Record) -> Call:
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
        from_number=row["from_number"],
        to_number=row["to_number"],
        trunk_id=row["trunk_id"],
        phone_number_id=row["phone_number_id"],
        room_name=row["room_name"],
        caller_identity=row["caller_identity"],
        scheduled_for=row["scheduled_for"],
        ringing_seconds=row["ringing_seconds"],
        language=row["language"],
        is_recorded=row["is_recorded"],
        calling_hours=calling_hours_from_json(
            row["calling_hours"] and orjson.loads(row["calling_hours"])
        ),
        answering=answering_from_json(row["answering"] and orjson.loads(row["answering"])),
        sip_status=row["sip_status"],
        hold_after_seconds=row["hold_after_seconds"],
        hold_seconds=row["hold_seconds"],
        attestation=Attestation(row["attestation"]) if row["attestation"] else None,
        answered_by=AnsweringParty(row["answered_by"]) if row["answered_by"] else None,
        user_context=orjson.loads(row["user_context"]),
        metadata=orjson.loads(row["metadata"]),
        max_seconds=row["max_seconds"],
        created_at=row["created_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
    )


def version_of_row(row: asyncpg.Record) -> Version:
    return Version(
        id=VersionId(row["v_id"]),
        tenant_id=TenantId(row["tenant_id"]),
        workflow_id=WorkflowId(row["workflow_id"]),
        number=row["number"],
        checksum=row["checksum"],
        note=row["note"],
        published_at=row["published_at"],
        published_by=row["published_by"],
        snapshot=cached_snapshot(row["v_id"], lambda: orjson.loads(row["snapshot"])),
    )
