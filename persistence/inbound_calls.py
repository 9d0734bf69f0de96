"""Opens the calls of inbound rooms, for keepers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import orjson

from domain.calls.events import StateChanged
from domain.calls.holding import HOLD_LEASE_SECONDS
from domain.calls.inbound import (
    EARLIER_CALLS_KEY,
    SIP_HEADERS_KEY,
    InboundLeg,
    WaitingLeg,
    check_attestation,
)
from domain.calls.model import CallId, CallState, EndReason
from domain.common.access import TenantId
from domain.common.errors import NotFound
from domain.telephony.hold import HoldLimits, hold_limits
from domain.telephony.trunks import DEFAULT_RINGING_SECONDS, InboundTrunkSpec, PhoneNumberSpec
from persistence import notifications
from persistence.budgets import check_budgets, parse_budgets
from persistence.codec import INBOUND_TRUNK_SPEC, PHONE_NUMBER_SPEC, encode_event
from persistence.database import short_transaction
from persistence.db_errors import translate_outages
from persistence.pubsub import Channels
from persistence.queue_transitions import end_call

POLL_INTERVAL_SECONDS = 1.0

SELECT_ROOMS_WITHOUT_CALL = """
    select room from unnest($1::text[]) as r (room)
     where not exists (select from call c where c.room_name = r.room)
"""
SELECT_ROUTE = """
    select n.tenant_id, n.spec::text, t.id as trunk_id, t.spec::text as trunk_spec,
           w.id as workflow_id, w.published,
           (select s.spec ->> 'budgets' from tenant_settings s where s.tenant_id = n.tenant_id)
               as budgets
      from phone_number n
      join inbound_trunk t on t.id = n.inbound_trunk_id and t.tenant_id = n.tenant_id
      join workflow w on w.id = n.workflow_id and w.tenant_id = n.tenant_id
      join tenant on tenant.id = n.tenant_id
                 and tenant.suspended_at is null and tenant.delete_at is null
     where n.id = $1 and w.published is not null and (t.spec ->> 'is_enabled')::boolean
"""
SELECT_EARLIER_CALLS = """
    select c.direction, c.created_at, l.end_reason, w.name as workflow,
           extract(epoch from l.ended_at - l.answered_at)::int as seconds
      from call c
      join call_log l on l.call_id = c.id
      left join workflow w on w.id = c.workflow_id
     where c.tenant_id = $1 and c.phone_number = $2 and l.ended_at is not null
     order by c.created_at desc limit $3
"""
INSERT_CALL = """
    insert into call (id, tenant_id, kind, direction, workflow_id, version_id, phone_number,
                      from_number, to_number, phone_number_id, trunk_id, room_name, caller_identity,
                      ringing_seconds, language, is_recorded, user_context, metadata, max_seconds,
                      hold_after_seconds, hold_seconds, attestation, created_at)
    values ($1, $2, 'SIP', 'INBOUND', $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '{}',
            $15, $16, $17, $18, now())
    on conflict (room_name) where room_name is not null do nothing
    returning created_at
"""
INSERT_LOG = """
    insert into call_log (call_id, tenant_id, head, state, created_at)
    values ($1, $2, 1, 'PENDING', $3)
"""
INSERT_EVENT = """
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    values ($1, $2, 1, $3, $4, $5)
"""
# Held calls are watched by their lobby as long as it is alive.
SELECT_UNCLAIMED = f"""
    select c.id, c.room_name
      from call_log l join call c on c.id = l.call_id
     where l.ended_at is null and l.worker_id is null and l.state = 'PENDING'
       and c.kind = 'SIP' and c.direction = 'INBOUND' and c.room_name is not null
       and not exists (
           select from held_call h
            where h.call_id = c.id
              and h.renewed_at > now() - make_interval(secs => {HOLD_LEASE_SECONDS}))
     order by l.created_at limit 500
"""
SELECT_WAITING_EPOCH = """
    select l.epoch, exists (select from held_call h where h.call_id = l.call_id) as is_held
      from call_log l
     where l.call_id = $1 and l.ended_at is null and l.worker_id is null and l.state = 'PENDING'
"""
STARTED = StateChanged(before=None, state=CallState.PENDING)


class SqlInboundCalls:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[Any],
        *,
        max_call_seconds: int,
        hold: HoldLimits,
    ) -> None:
        """`hold` are the limits of the installation."""
        self._pool = pool
        self._channels = channels
        self._max_call_seconds = max_call_seconds
        self._hold = hold

    @translate_outages
    async def rooms_without_call(self, rooms: Sequence[str]) -> Sequence[str]:
        if not rooms:
            return ()
        rows = await self._pool.fetch(SELECT_ROOMS_WITHOUT_CALL, list(rooms))
        return [row["room"] for row in rows]

    @translate_outages
    async def open(self, leg: InboundLeg) -> CallId | None:
        async with self._pool.acquire(timeout=5) as connection, short_transaction(connection):
            route = await connection.fetchrow(SELECT_ROUTE, leg.number_id)
            if route is None:
                raise NotFound("Nothing answers the number any more.")
            id, tenant = CallId(uuid4()), TenantId(route["tenant_id"])
            number = PHONE_NUMBER_SPEC.validate_json(route["spec"])
            trunk = INBOUND_TRUNK_SPEC.validate_json(route["trunk_spec"])
            check_attestation(leg, number)
            context = await _context(connection, tenant, leg, number, trunk)
            values = self._call_values(id, leg, route, number, trunk, context)
            at = await connection.fetchval(INSERT_CALL, *values)
            if at is None:
                return None
            await check_budgets(connection, tenant, parse_budgets(route["budgets"]))
            await connection.execute(INSERT_LOG, id, tenant, at)
            await connection.execute(
                INSERT_EVENT, tenant, id, at, STARTED.kind, encode_event(STARTED)
            )
        await self._channels.publish_many(
            [notifications.call_waiting(), notifications.call_changed(tenant, id)]
        )
        return id

    def _call_values(
        self,
        id: CallId,
        leg: InboundLeg,
        route: asyncpg.Record,
        number: PhoneNumberSpec,
        trunk: InboundTrunkSpec,
        context: Mapping[str, Any],
    ) -> Sequence[Any]:
        defaults = number.defaults
        ringing_seconds = defaults.ringing_seconds or DEFAULT_RINGING_SECONDS
        hold = hold_limits(number.hold, self._hold, ringing_seconds)
        return (
            id,
            route["tenant_id"],
            route["workflow_id"],
            route["published"],
            leg.caller_number,
            number.number,
            leg.number_id,
            route["trunk_id"],
            leg.room_name,
            leg.identity,
            ringing_seconds,
            defaults.language,
            defaults.is_recorded,
            orjson.dumps(context).decode(),
            min(
                defaults.max_seconds or trunk.max_call_seconds,
                trunk.max_call_seconds,
                self._max_call_seconds,
            ),
            hold.after_seconds if hold else None,
            hold.max_seconds if hold else None,
            leg.attestation,
        )

    @translate_outages
    async def unclaimed(self) -> Sequence[WaitingLeg]:
        return [
            WaitingLeg(CallId(row["id"]), row["room_name"])
            for row in await self._pool.fetch(SELECT_UNCLAIMED)
        ]

    @translate_outages
    async def end_abandoned(self, id: CallId) -> bool:
        row = await self._pool.fetchrow(SELECT_WAITING_EPOCH, id)
        if row is None:
            return False
        reason = EndReason.ABANDONED if row["is_held"] else EndReason.NO_ANSWER
        return await end_call(self._pool, self._channels, id, row["epoch"], reason)

    async def room_notifications(self) -> AsyncIterator[None]:
        async with self._channels.listen(notifications.ROOMS_CHANNEL) as mailbox:
            while True:
                yield
                try:
                    async with asyncio.timeout(POLL_INTERVAL_SECONDS):
                        await mailbox.get()
                    mailbox.clear_lag()  # one look covers all notifications until now
                except TimeoutError:
                    pass


async def _context(
    connection: Any,
    tenant: TenantId,
    leg: InboundLeg,
    number: PhoneNumberSpec,
    trunk: InboundTrunkSpec,
) -> Mapping[str, Any]:
    context = dict(number.defaults.user_context)
    headers = leg.allowed_headers(trunk.context_headers)
    if headers:
        context[SIP_HEADERS_KEY] = dict(headers)
    if number.earlier_calls and leg.caller_number is not None:
        rows = await connection.fetch(
            SELECT_EARLIER_CALLS, tenant, leg.caller_number, number.earlier_calls
        )
        context[EARLIER_CALLS_KEY] = [_earlier_call(row) for row in rows]
    return context


def _earlier_call(row: asyncpg.Record) -> Mapping[str, Any]:
    return {
        "started_at": row["created_at"].isoformat(),
        "direction": row["direction"],
        "workflow": row["workflow"],
        "end_reason": row["end_reason"],
        "seconds": row["seconds"] or 0,
    }
