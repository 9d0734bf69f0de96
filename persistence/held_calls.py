"""Callers on hold, for lobbies: who waits, and which lobby plays to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from pydantic import TypeAdapter

from domain.calls.events import CallerQueued, CallEvent, QueueStage, cost_of_event
from domain.calls.holding import HOLD_LEASE_SECONDS, HeldCall, HeldState
from domain.calls.model import END_OUTCOMES, CallId, EndReason
from domain.common.errors import DecryptionKeyMissing
from domain.telephony.hold import ANSWER_MARGIN_SECONDS, NO_HOLD_POLICY
from domain.telephony.trunks import PhoneNumberSpec
from domain.tenants.credentials import DecryptedCredentials
from persistence import notifications
from persistence.codec import encode_event, encode_message, settings_from_json
from persistence.database import short_transaction
from persistence.db_errors import translate_outages
from persistence.pubsub import Channels
from persistence.queue import SELECT_CALL, SELECT_ENCRYPTED, call_of_row, version_of_row
from persistence.vault import Vault

RINGING_NOTICE_SECONDS = 2
"""A call that rings for longer than this waits for a worker: a free one claims it before."""
MAX_NOTICES = 50

_number_spec = TypeAdapter(PhoneNumberSpec)

# An inbound call in the queue. Only the first event is in the log of one that has just come.
IS_WAITING = """l.ended_at is null and l.worker_id is null and l.state = 'PENDING'
           and l.kind = 'SIP' and l.trunk_id is null"""
POSITION = """
           (select count(*) from call_log o
             where o.tenant_id = l.tenant_id and o.workflow_id = l.workflow_id
               and o.ended_at is null and o.worker_id is null and o.state = 'PENDING'
               and o.kind = 'SIP' and o.trunk_id is null
               and (o.created_at, o.call_id) <= (l.created_at, l.call_id))"""
SELECT_UNNOTICED = f"""
    select l.call_id, {POSITION} as position,
           extract(epoch from now() - l.created_at)::float8 * 1000 as waited_ms
      from call_log l
     where {IS_WAITING} and l.head = 1 and l.created_at < now() - make_interval(secs => $1)
     order by l.created_at limit $2
"""
# The log of the call is written under the lock on its row, as by workers, and only while no worker
# holds the call. `producer_seq` counts the events of the worker alone.
APPEND = """
    with log as (
        update call_log l set head = l.head + 1, spent = l.spent + $4
         where l.call_id = $1 and l.ended_at is null and l.worker_id is null
           and ($5::int is null or l.head = $5)
        returning l.tenant_id, l.head)
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select tenant_id, $1, head, clock_timestamp(), $2::text, $3::json from log
    returning tenant_id, seq, at
"""
# The two parts: callers who have heard ringing for long enough and whose phones still ring, and those
# whose lobby was lost.
TAKE = f"""
    with candidate as (
        select l.call_id, l.tenant_id
          from call_log l
          join call c on c.id = l.call_id
          left join held_call h on h.call_id = l.call_id
         where {IS_WAITING} and c.direction = 'INBOUND' and c.hold_seconds > 0
           and exists (select from worker_process)
           and ((h.call_id is null
                 and l.created_at < now() - make_interval(secs => c.hold_after_seconds)
                 and l.created_at > now() - make_interval(
                     secs => c.ringing_seconds - {ANSWER_MARGIN_SECONDS}::float8 / 2))
                or h.renewed_at <= now() - make_interval(secs => $3))
         order by l.created_at, l.call_id limit $2)
    insert into held_call as h (call_id, tenant_id, lobby_id)
    select call_id, tenant_id, $1::uuid from candidate
    on conflict (call_id) do update
       set lobby_id = excluded.lobby_id, epoch = h.epoch + 1, renewed_at = now()
     where h.renewed_at <= now() - make_interval(secs => $3)
    returning h.call_id, h.tenant_id, h.epoch,
              extract(epoch from now() - h.held_at)::float8 as held_seconds
"""
SELECT_NUMBER = "select spec::text from phone_number where id = $1 and tenant_id = $2"
SELECT_PLACE = f"""
    select {POSITION} as position,
           exists (select from call_event e
                    where e.call_id = l.call_id and e.kind = 'caller_queued'
                      and e.body ->> 'stage' = 'HOLD') as was_answered
      from call_log l where l.call_id = $1
"""
RENEW = f"""
    update held_call h set renewed_at = now()
      from call_log l
     where h.lobby_id = $1 and l.call_id = h.call_id and l.ended_at is null
    returning h.call_id, h.epoch, l.worker_id is null and l.state = 'PENDING' as is_waiting,
              {POSITION} as position
"""
DELETE_ENDED = """
    delete from held_call h using call_log l
     where l.call_id = h.call_id and l.ended_at is not null
"""
LEAVE = "delete from held_call where call_id = $1 and lobby_id = $2"
# The lobby gives up its id, so that it does not renew the row any more.
RELEASE = """
    update held_call set renewed_at = to_timestamp(0), lobby_id = call_id
     where lobby_id = $1 and ($2::uuid is null or call_id = $2)
"""
END_UNCLAIMED = """
    select tenant_id, seq, at, body::text from end_call($1, null, true, $2, $3, $4)
"""


class SqlHeldCalls:
    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], vault: Vault
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._vault = vault

    @translate_outages
    async def note_waiting(self) -> None:
        for row in await self._pool.fetch(SELECT_UNNOTICED, RINGING_NOTICE_SECONDS, MAX_NOTICES):
            event = CallerQueued(
                stage=QueueStage.RINGING, position=row["position"], waited_ms=row["waited_ms"]
            )
            # Of several lobbies, the first one records it.
            await self._append(CallId(row["call_id"]), event, head=1)

    @translate_outages
    async def take(self, lobby: UUID, limit: int) -> Sequence[HeldCall]:
        if limit <= 0:
            return []
        async with self._pool.acquire(timeout=5) as connection, short_transaction(connection):
            taken = await connection.fetch(TAKE, lobby, limit, HOLD_LEASE_SECONDS)
            return [await self._held_call(connection, row) for row in taken]

    async def _held_call(self, connection: Any, taken: asyncpg.Record) -> HeldCall:
        row = await connection.fetchrow(SELECT_CALL, taken["call_id"])
        call = call_of_row(row)
        number = await connection.fetchval(SELECT_NUMBER, call.phone_number_id, call.tenant_id)
        place = await connection.fetchrow(SELECT_PLACE, call.id)
        return HeldCall(
            call=call,
            version=version_of_row(row),
            policy=NO_HOLD_POLICY if number is None else _number_spec.validate_json(number).hold,
            epoch=taken["epoch"],
            held_seconds=taken["held_seconds"],
            was_answered=place["was_answered"],
            position=place["position"],
            trunk=row["inbound_trunk"],
            settings=settings_from_json(orjson.loads(row["settings"] or "{}")),
            credentials=await self._credentials(connection, call.tenant_id),
        )

    async def _credentials(self, connection: Any, tenant: UUID) -> DecryptedCredentials:
        try:
            return self._vault.decrypt_credentials(await connection.fetch(SELECT_ENCRYPTED, tenant))
        except DecryptionKeyMissing as error:
            return DecryptedCredentials(problem=error.message)

    @translate_outages
    async def renew(self, lobby: UUID) -> Sequence[HeldState]:
        rows = await self._pool.fetch(RENEW, lobby)
        await self._pool.execute(DELETE_ENDED)
        return [
            HeldState(CallId(row["call_id"]), row["epoch"], row["is_waiting"], row["position"])
            for row in rows
        ]

    @translate_outages
    async def record(self, held: HeldCall, event: CallEvent) -> bool:
        return await self._append(held.call.id, event)

    async def _append(self, id: CallId, event: CallEvent, *, head: int | None = None) -> bool:
        body = encode_event(event)
        row = await self._pool.fetchrow(APPEND, id, event.kind, body, cost_of_event(event), head)
        if row is None:
            return False
        channel = notifications.call_channel(row["tenant_id"], id)
        message = encode_message(id, row["seq"], row["at"], body)
        await self._channels.publish_many([(channel, message)])
        return True

    @translate_outages
    async def end(self, held: HeldCall, reason: EndReason) -> bool:
        id, tenant = held.call.id, held.call.tenant_id
        state, blame = END_OUTCOMES[reason]
        written = await self._pool.fetch(END_UNCLAIMED, id, reason, state, blame)
        if not written:
            return False
        channel = notifications.call_channel(tenant, id)
        messages = [(channel, encode_message(id, e["seq"], e["at"], e["body"])) for e in written]
        await self._channels.publish_many([*messages, notifications.call_changed(tenant, id)])
        return True

    @translate_outages
    async def leave(self, lobby: UUID, call: CallId) -> None:
        await self._pool.execute(LEAVE, call, lobby)

    @translate_outages
    async def release(self, lobby: UUID, call: CallId | None = None) -> None:
        await self._pool.execute(RELEASE, lobby, call)
