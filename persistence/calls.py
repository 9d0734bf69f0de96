"""The repository of calls for the API: starts and lists calls, queues commands and reads logs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ScalarSelect,
    TextClause,
    Uuid,
    bindparam,
    func,
    insert,
    join,
    null,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.calls.commands import Command, CommandKind
from domain.calls.events import CallEvent, NewDestination, StateChanged, StoredEvent
from domain.calls.filters import EVERY_CALL, NEWEST_FIRST, CallFilter, CallOrder
from domain.calls.model import (
    END_OUTCOMES,
    Call,
    CallId,
    CallKind,
    CallState,
    Direction,
    EndReason,
)
from domain.calls.statistics import CallStatistics, FirstAudio
from domain.common.access import TenantId
from domain.common.errors import CallHasEnded, IdempotencyConflict, NotFound, RateLimited
from domain.common.lists import Count, ListPage, Position, Window, page_of, rest_of
from domain.telephony.attestation import Attestation
from domain.telephony.dial_policy import DialUsage
from domain.telephony.numbers import region_of
from domain.telephony.trunk_usage import MS_PER_MINUTE, TrunkUsage
from domain.tenants.budgets import Budgets, BudgetUsage
from domain.workflows.answering import AnsweringParty
from persistence import notifications, tables
from persistence.budgets import check_budgets, fetch_budget_usage, fetch_budgets, parse_budgets
from persistence.call_pages import COLUMNS, MAX_EXACT_COUNT, CallQueries, Query
from persistence.call_statistics import fetch_first_audio, fetch_statistics
from persistence.codec import (
    answering_from_json,
    answering_to_json,
    calling_hours_from_json,
    calling_hours_to_json,
    encode_event,
    encode_message,
    stored_event,
)
from persistence.dial_slots import (
    COUNT_CALLS_TO_NUMBER,
    COUNT_CALLS_TODAY,
    COUNT_SCHEDULED_CALLS,
    CREATE_TRUNK_USAGE,
    LOCK_SCHEDULED_CALLS,
    NOTE_DESTINATION,
    RESUME_TRUNK,
    SELECT_PAUSE,
    SELECT_TALK_MS,
    SELECT_USAGE_OF_TRUNKS,
    usage_of_row,
)
from persistence.sqlalchemy_engine import driver_connection, fetch_compiled

log = logging.getLogger(__name__)

_call = tables.call
_log = tables.call_log
_event = tables.call_event
_command = tables.call_command
_idempotency = tables.idempotency
_settings = tables.tenant_settings

SELECT_CALL = select(
    *(_call.c[name] if name in _call.c else _log.c[name] for name in COLUMNS)
).select_from(join(_call, _log, _call.c.id == _log.c.call_id))

_ENUMS: tuple[tuple[str, dict[Any, Any]], ...] = (
    ("kind", {kind.value: kind for kind in CallKind}),
    ("direction", {direction.value: direction for direction in Direction}),
    ("state", {state.value: state for state in CallState}),
    ("end_reason", {reason.value: reason for reason in EndReason} | {None: None}),
    ("attestation", {each.value: each for each in Attestation} | {None: None}),
    ("answered_by", {party.value: party for party in AnsweringParty} | {None: None}),
)

SELECT_CALLS_BY_IDS = SELECT_CALL.where(
    _call.c.tenant_id == bindparam("tenant"),
    _call.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))),
)

MAX_PENDING_COMMANDS = 32

STARTED = StateChanged(before=None, state=CallState.PENDING)

END_CALL = text(
    "select tenant_id, seq, at, body::text from end_call(:call, :epoch, :unclaimed, :reason, "
    ":state, :blame)"
).bindparams(bindparam("epoch", value=None), bindparam("unclaimed", value=False))

_PAGE = """
    select seq, at, body::text from call_event
     where tenant_id = :tenant and call_id = :call and seq > :after {more}
     order by seq limit :limit
"""
LOG_PAGE = text(_PAGE.format(more=""))
TURNS_PAGE = text(_PAGE.format(more="and kind in ('user_turn', 'agent_turn')"))


class SqlCalls:
    def __init__(
        self,
        connection: AsyncConnection,
        tenant: TenantId,
        pending: list[notifications.Notification],
    ) -> None:
        self._db = connection
        self._tenant = tenant
        self._notifications = pending

    async def start(self, call: Call, key: str | None, digest: str) -> Call:
        if key is not None:
            earlier = await self._reserve_idempotency_key(call.id, key, digest)
            if earlier is not None:
                return earlier
        # The database's clock sets the start of a call, because deadlines are measured by it.
        at, budgets = (
            await self._db.execute(
                insert(_call)
                .values(**_call_values(call), created_at=func.now())
                .returning(_call.c.created_at, self._budgets_subquery())
            )
        ).one()
        connection = await driver_connection(self._db)
        await check_budgets(connection, self._tenant, parse_budgets(budgets))
        events: list[CallEvent] = [STARTED]
        if call.is_dialed:
            # Created here rather than by the worker, which locks it together with other rows.
            await connection.execute(CREATE_TRUNK_USAGE, call.trunk_id, self._tenant)
            events += await self._new_destination(connection, call)
        await self._db.execute(
            insert(_log).values(
                call_id=call.id,
                tenant_id=self._tenant,
                head=len(events),
                state=call.state,
                created_at=at,
            )
        )
        for seq, event in enumerate(events, start=1):
            await self._db.execute(
                insert(_event).values(
                    call_id=call.id,
                    tenant_id=self._tenant,
                    seq=seq,
                    at=at,
                    kind=event.kind,
                    body=text(":body ::json").bindparams(body=encode_event(event)),
                )
            )
        self._notifications += [
            notifications.call_waiting(),
            notifications.call_changed(self._tenant, call.id),
        ]
        return replace(call, created_at=at)

    async def _new_destination(self, connection: Any, call: Call) -> list[CallEvent]:
        """The event of the first call to a country other than that of the trunk; else none."""
        region = region_of(call.to_number or "")
        is_new = await connection.fetchval(NOTE_DESTINATION, self._tenant, region, call.trunk_id)
        if is_new is None:
            return []
        log.warning(
            "the first call to a country",
            extra={"tenant_id": str(self._tenant), "call_id": str(call.id), "region": region},
        )
        return [NewDestination(region=region)]

    async def dial_usage(self, trunk: UUID, number: str) -> DialUsage:
        connection = await driver_connection(self._db)
        return DialUsage(
            paused_until=await connection.fetchval(SELECT_PAUSE, trunk),
            minutes_today=(await connection.fetchval(SELECT_TALK_MS, trunk)) / MS_PER_MINUTE,
            calls_today=await connection.fetchval(COUNT_CALLS_TODAY, trunk) or 0,
            calls_to_number_in_last_hour=await connection.fetchval(
                COUNT_CALLS_TO_NUMBER, self._tenant, number, trunk
            ),
        )

    async def count_scheduled(self, limit: int) -> int:
        connection = await driver_connection(self._db)
        await connection.execute(LOCK_SCHEDULED_CALLS, self._tenant)
        count: int = await connection.fetchval(COUNT_SCHEDULED_CALLS, self._tenant, limit)
        return count

    async def trunk_usage(self, trunks: Sequence[UUID]) -> Mapping[UUID, TrunkUsage]:
        connection = await driver_connection(self._db)
        rows = await connection.fetch(SELECT_USAGE_OF_TRUNKS, list(trunks), self._tenant)
        return {row["trunk_id"]: usage_of_row(row) for row in rows}

    async def resume_trunk(self, trunk: UUID) -> None:
        connection = await driver_connection(self._db)
        await connection.execute(RESUME_TRUNK, trunk, self._tenant)
        self._notifications.append(notifications.call_waiting())

    def _budgets_subquery(self) -> ScalarSelect[str]:
        """Select the budgets as part of another statement, because most tenants have none."""
        c = _settings.c
        return select(c.spec["budgets"].astext).where(c.tenant_id == self._tenant).scalar_subquery()

    async def budget_usage(self) -> tuple[Budgets, BudgetUsage]:
        connection = await driver_connection(self._db)
        budgets = await fetch_budgets(connection, self._tenant)
        return budgets, await fetch_budget_usage(connection, self._tenant)

    async def _reserve_idempotency_key(self, id: CallId, key: str, digest: str) -> Call | None:
        """Reserve an idempotency key for `id` and return None, or return the call that already has
        the key. Waits for a concurrent request with the same key to commit."""
        c = _idempotency.c
        won = await self._db.scalar(
            upsert(_idempotency)
            .values(tenant_id=self._tenant, key=key, digest=digest, call_id=id)
            .on_conflict_do_nothing()
            .returning(c.call_id)
        )
        return None if won is not None else await self.started_with(key, digest)

    async def started_with(self, key: str, digest: str) -> Call | None:
        c = _idempotency.c
        earlier = (
            await self._db.execute(
                select(c.digest, c.call_id).where(c.tenant_id == self._tenant, c.key == key)
            )
        ).one_or_none()
        if earlier is None:
            return None
        if earlier.digest != digest:
            raise IdempotencyConflict(
                "A call with different input was started with this key; use a new key.",
                ("idempotencyKey",),
            )
        return await self.get(CallId(earlier.call_id))

    async def get(self, id: CallId) -> Call | None:
        return next(iter(await self.by_ids([id])), None)

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Call]:
        rows = await fetch_compiled(
            self._db, SELECT_CALLS_BY_IDS, {"tenant": self._tenant, "ids": list(ids)}
        )
        return [call_from_row(row) for row in rows]

    async def page(
        self, window: Window, filter: CallFilter = EVERY_CALL, order: CallOrder = NEWEST_FIRST
    ) -> ListPage[Call]:
        queries = CallQueries(self._tenant, filter)
        rows = [_positioned(row) for row in await self._fetch(queries.page(order, window))]
        entries, has_more = rows[: window.size], len(rows) > window.size
        if window.is_from_end:
            entries.reverse()
        rest = rest_of(window, entries)
        has_rest = rest is not None and await self._has_call(queries.exists(order, rest))
        return page_of(window, entries, has_more=has_more, has_rest=has_rest)

    async def count(self, filter: CallFilter) -> Count:
        if not (filter.includes_live or filter.includes_ended):
            return Count(0)
        queries = CallQueries(self._tenant, filter)
        [counted] = await self._fetch(queries.counts())
        live, ended = counted["live"], counted["ended"]
        if max(live, ended) <= MAX_EXACT_COUNT:
            return Count(live + ended)
        if ended > MAX_EXACT_COUNT:
            [explained] = await self._fetch(queries.estimate())
            [plan] = explained[0]
            ended = max(ended, plan["Plan"]["Plan Rows"])
        return Count(live + ended, is_estimate=True)

    async def statistics(self, since: datetime, until: datetime) -> CallStatistics:
        return await fetch_statistics(await driver_connection(self._db), self._tenant, since, until)

    async def first_audio(self, ids: Sequence[CallId]) -> FirstAudio | None:
        return await fetch_first_audio(await driver_connection(self._db), self._tenant, ids)

    async def _has_call(self, exists: Query | None) -> bool:
        rows = await self._fetch(exists)
        return bool(rows and rows[0][0])

    async def _fetch(self, query: Query | None) -> list[asyncpg.Record]:
        if query is None:
            return []
        connection = await driver_connection(self._db)
        return await connection.fetch(query.text, *query.values)

    async def enqueue_command(self, command: Command) -> None:
        # The share lock and the end of a call exclude each other: a command is either rejected
        # here or visible to the transaction that ends the call.
        log = (
            await self._db.execute(
                select(_log.c.worker_id, _log.c.ended_at)
                .where(_log.c.tenant_id == self._tenant, _log.c.call_id == command.call_id)
                .with_for_update(read=True)
            )
        ).one_or_none()
        if log is None:
            raise NotFound("There is no such call.", ("callId",))
        if await self._is_repeated(command):
            return
        if log.ended_at is not None:
            raise CallHasEnded("The call has ended.", ("callId",))
        await self._check_pending_commands(command)
        await self._insert_command(command)
        if log.worker_id is not None:
            self._notifications.append(notifications.command_added(log.worker_id))

    async def _insert_command(self, command: Command) -> None:
        await self._db.execute(
            upsert(_command)
            .values(
                id=command.id,
                tenant_id=self._tenant,
                call_id=command.call_id,
                kind=command.kind,
                body=dict(command.body),
                asked_by=command.asked_by,
            )
            .on_conflict_do_nothing()
        )

    async def _lock_if_unclaimed(self, id: CallId) -> bool:
        """Return True if no worker holds the call, and lock it until the end of the transaction."""
        c = _log.c
        return (
            await self._db.scalar(
                select(c.worker_id.is_(None) & c.ended_at.is_(None))
                .where(c.tenant_id == self._tenant, c.call_id == id)
                .with_for_update()
            )
            or False
        )

    async def _check_pending_commands(self, command: Command) -> None:
        c = _command.c
        pending = await self._db.scalar(
            select(func.count()).where(c.call_id == command.call_id, c.done_at.is_(None))
        )
        if (pending or 0) >= MAX_PENDING_COMMANDS and command.kind is not CommandKind.END:
            raise RateLimited(
                f"{MAX_PENDING_COMMANDS} messages are waiting for a reply; try again later.",
                ("callId",),
                retry_after=1.0,
            )

    async def _is_repeated(self, command: Command) -> bool:
        c = _command.c
        body = await self._db.scalar(
            select(c.body).where(c.tenant_id == self._tenant, c.id == command.id)
        )
        # The first END counts; a second one, even with another body, asks for the same.
        is_other = command.kind is not CommandKind.END and body != dict(command.body)
        if body is not None and is_other:
            raise IdempotencyConflict(
                "Another message was sent with this key; use a new key.",
                ("idempotencyKey",),
            )
        return body is not None

    async def end_unclaimed(
        self, id: CallId, reason: EndReason, command: Command | None = None
    ) -> bool:
        if command is not None and await self._lock_if_unclaimed(id):
            await self._insert_command(command)
        state, blame = END_OUTCOMES[reason]
        rows = await self._db.execute(
            END_CALL,
            {
                "call": id,
                "unclaimed": True,
                "reason": reason,
                "state": state,
                "blame": blame,
            },
        )
        written = rows.all()
        channel = notifications.call_channel(self._tenant, id)
        self._notifications += [(channel, encode_message(id, e.seq, e.at, e.body)) for e in written]
        if written:
            self._notifications.append(notifications.call_changed(self._tenant, id))
        return bool(written)

    async def events(self, id: CallId, after: int, limit: int) -> Sequence[StoredEvent]:
        return list(await self.log_page(id, after, limit))

    async def log_page(self, id: CallId, after: int, limit: int) -> Iterable[StoredEvent]:
        return await self._log_page(LOG_PAGE, id, after, limit)

    async def turns(self, id: CallId, after: int, limit: int) -> Sequence[StoredEvent]:
        return list(await self._log_page(TURNS_PAGE, id, after, limit))

    async def _log_page(
        self, query: TextClause, id: CallId, after: int, limit: int
    ) -> Iterable[StoredEvent]:
        rows = await self._db.execute(
            query, {"tenant": self._tenant, "call": id, "after": after, "limit": limit}
        )
        return (stored_event(id, row.seq, row.at, row.body) for row in rows.all())


def _positioned(row: asyncpg.Record) -> tuple[Position, Call]:
    values = dict(row)
    place = values.pop("place")
    return Position(place, values["id"]), _call_from_values(values)


def _call_values(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "tenant_id": call.tenant_id,
        "kind": call.kind,
        "direction": call.direction,
        "workflow_id": call.workflow_id,
        "version_id": call.version_id,
        "user_id": call.user_id,
        "phone_number": call.phone_number,
        "user_context": dict(call.user_context),
        "metadata": dict(call.metadata),
        "max_seconds": call.max_seconds,
        "from_number": call.from_number,
        "to_number": call.to_number,
        "trunk_id": call.trunk_id,
        "phone_number_id": call.phone_number_id,
        "room_name": call.room_name,
        "caller_identity": call.caller_identity,
        "scheduled_for": call.scheduled_for,
        "ringing_seconds": call.ringing_seconds,
        "language": call.language,
        "is_recorded": call.is_recorded,
        "hold_after_seconds": call.hold_after_seconds,
        "hold_seconds": call.hold_seconds,
        "attestation": call.attestation,
        # None would be stored as the JSON value null.
        "calling_hours": calling_hours_to_json(call.calling_hours) or null(),
        "answering": answering_to_json(call.answering) or null(),
    }


def call_from_row(row: asyncpg.Record) -> Call:
    return _call_from_values(dict(row))


def _call_from_values(values: dict[str, Any]) -> Call:
    for name, members in _ENUMS:
        values[name] = members[values[name]]
    values["calling_hours"] = calling_hours_from_json(values["calling_hours"])
    values["answering"] = answering_from_json(values["answering"])
    return Call(**values)
