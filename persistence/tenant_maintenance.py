"""What keepers do for tenants: end the calls of suspended ones, measure what each stores, and delete
those whose time of grace is over.

A deletion takes many short transactions and can be interrupted anywhere. Its last one deletes the
tenant, checks that no row of any table is left, and stores the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import orjson

from domain.calls.model import EndReason
from domain.tenants.lifecycle import DueDeletion
from persistence.database import in_batches
from persistence.db_errors import translate_outages
from persistence.key_ring import KeyRing
from persistence.pubsub import Channels
from persistence.queue_transitions import end_calls

CERTIFICATE_TYPE = "tenant-deletion"
ISSUER = "agent-studio"
DELETED_WITH_TENANT = "tenant deletion"
CALL_BATCH_SIZE, EVENT_BATCH_SIZE, RECORDING_BATCH_SIZE = 500, 20_000, 5_000
AUDIT_BATCH_SIZE = 5_000
MAX_MEASUREMENT_AGE_SECONDS = 600
LONG_STATEMENT_SECONDS = 600
DEFAULT_ROW_BYTES, MIN_ROW_BYTES, MAX_ROW_BYTES = 500, 100, 16_000
COUNTED_TABLES = (
    *("membership", "api_key", "agent", "tool", "workflow", "workflow_version", "call"),
    *("recording", "credential", "outbound_trunk", "inbound_trunk", "phone_number"),
    *("identity_provider", "audit_entry"),
)

SELECT_CALLS_OF_SUSPENDED = f"""
    select l.call_id, l.epoch, '{EndReason.TENANT_SUSPENDED}' as reason
      from tenant t join call_log l on l.tenant_id = t.id
     where (t.suspended_at is not null or t.delete_at is not null) and l.ended_at is null
     limit 500
"""
SELECT_UNMEASURED = """
    select t.id from tenant t left join tenant_usage u on u.tenant_id = t.id
     where u.measured_at is null or u.measured_at < now() - make_interval(secs => $1)
     order by u.measured_at nulls first limit 20
"""


def _average_bytes(table: str) -> str:
    """The average size of the rows of a table, which are too many to be added up."""
    return f"""(
        select case when c.reltuples < 1000 then {DEFAULT_ROW_BYTES}
               else least({MAX_ROW_BYTES}, greatest({MIN_ROW_BYTES},
                    pg_total_relation_size(c.oid) / c.reltuples)) end
          from pg_class c where c.oid = 'public.{table}'::regclass)"""


MEASURE = f"""
    insert into tenant_usage as u (tenant_id, storage_bytes, measured_at)
    select $1,
           (select coalesce(sum(size), 0) from recording
             where tenant_id = $1 and state = 'READY')
           + (select coalesce(sum(head), 0) from call_log where tenant_id = $1)
             * {_average_bytes("call_event")}
           + (select coalesce(max(seq) - min(seq) + 1, 0) from audit_link where tenant_id = $1)
             * {_average_bytes("audit_entry")}
           + (select count(*) from call_label where tenant_id = $1) * {_average_bytes("call_label")}
           + (select coalesce(sum(pg_column_size(snapshot)), 0) from workflow_version
               where tenant_id = $1)
           + (select coalesce(sum(pg_column_size(spec)), 0) from agent where tenant_id = $1)
           + (select coalesce(sum(pg_column_size(spec)), 0) from tool where tenant_id = $1)
           + (select coalesce(sum(pg_column_size(spec)), 0) from workflow where tenant_id = $1),
           now()
      where exists (select from tenant where id = $1)
    on conflict (tenant_id) do update
       set storage_bytes = excluded.storage_bytes, measured_at = excluded.measured_at
"""
SELECT_DUE = """
    select t.id, t.slug, t.delete_requested_at, t.delete_requested_by,
           exists (select from deleted_tenant d where d.id = t.id) as has_begun,
           exists (select from call_log l
                    where l.tenant_id = t.id and l.ended_at is null) as has_live_calls
      from tenant t where t.delete_at <= now() order by t.delete_at limit 10
"""
# A request that cancels the deletion locks the row as well.
LOCK_DUE = "select id from tenant where id = $1 and delete_at <= now() for update"
BEGIN = """
    insert into deleted_tenant (id, slug, requested_at, requested_by, counts)
    values ($1, $2, $3, $4, $5::text::jsonb) on conflict (id) do nothing
"""
DELETE_RECORDINGS = f"""
    with chosen as (
        select call_id from recording where tenant_id = $1 and state <> 'DELETED'
         order by call_id limit $2 for update)
    update recording r set state = 'DELETED', deleted_at = now(),
           deleted_by = '{DELETED_WITH_TENANT}', cleared = false, tries = r.tries + 1,
           due_at = now() + interval '61 seconds'
      from chosen where r.call_id = chosen.call_id
    returning r.call_id
"""
HAS_AUDIO = "select exists (select from recording where tenant_id = $1 and not cleared)"
DELETE_CALLS = """
    delete from call where id = any(array(
        select call_id from (
            select call_id, sum(head) over oldest as events, row_number() over oldest as place
              from (select call_id, head from call_log where tenant_id = $1
                     order by call_id limit $2) chosen
            window oldest as (order by call_id)) counted
         where place = 1 or events <= $3))
    returning id
"""
DELETE_TENANT = "delete from tenant where id = $1 and delete_at <= now() returning id"
DELETE_AUDIT_LOG = "select delete_audit_log($1, $2)"
# What revokes credentials is kept for an hour, and says nothing but ids.
SELECT_TENANT_TABLES = """
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and a.attname = 'tenant_id' and not a.attisdropped and c.relname <> 'access_change'
     order by c.relname
"""
FINISH = """
    update deleted_tenant set deleted_at = $2, certificate = $3
     where id = $1 and deleted_at is null returning *
"""


class SqlTenantMaintenance:
    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], ring: KeyRing
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._ring = ring

    @translate_outages
    async def end_calls_of_suspended(self) -> int:
        rows = await self._pool.fetch(SELECT_CALLS_OF_SUSPENDED)
        return len(await end_calls(self._pool, self._channels, rows))

    @translate_outages
    async def measure_usage(self) -> int:
        rows = await self._pool.fetch(SELECT_UNMEASURED, MAX_MEASUREMENT_AGE_SECONDS)
        for row in rows:
            async with self._pool.acquire(timeout=5) as connection, connection.transaction():
                await _allow_long_statements(connection)
                await connection.execute(MEASURE, row["id"], timeout=LONG_STATEMENT_SECONDS)
        return len(rows)

    @translate_outages
    async def due_deletions(self) -> Sequence[DueDeletion]:
        return [
            DueDeletion(
                id=row["id"],
                slug=row["slug"],
                requested_at=row["delete_requested_at"],
                requested_by=row["delete_requested_by"],
                has_begun=row["has_begun"],
                has_live_calls=row["has_live_calls"],
            )
            for row in await self._pool.fetch(SELECT_DUE)
        ]

    @translate_outages
    async def begin(self, due: DueDeletion) -> bool:
        async with self._pool.acquire(timeout=5) as connection, connection.transaction():
            await _allow_long_statements(connection)
            if await connection.fetchval(LOCK_DUE, due.id) is None:
                return False
            counts = await _count_rows(connection, due.id)
            await connection.execute(
                BEGIN,
                due.id,
                due.slug,
                due.requested_at,
                due.requested_by,
                orjson.dumps(counts).decode(),
            )
            return True

    @translate_outages
    async def delete_recordings(self, tenant: UUID) -> bool:
        await in_batches(self._pool, DELETE_RECORDINGS, tenant, size=RECORDING_BATCH_SIZE)
        return not await self._pool.fetchval(HAS_AUDIO, tenant)

    @translate_outages
    async def delete_calls(self, tenant: UUID) -> None:
        bounds = tenant, CALL_BATCH_SIZE, EVENT_BATCH_SIZE
        while await self._pool.fetch(DELETE_CALLS, *bounds):
            pass

    @translate_outages
    async def delete_audit_log(self, tenant: UUID) -> None:
        while await self._pool.fetchval(DELETE_AUDIT_LOG, tenant, AUDIT_BATCH_SIZE):
            pass

    @translate_outages
    async def finish(self, tenant: UUID) -> bool:
        async with self._pool.acquire(timeout=5) as connection, connection.transaction():
            await _allow_long_statements(connection)
            deleted = await connection.fetchval(
                DELETE_TENANT, tenant, timeout=LONG_STATEMENT_SECONDS
            )
            if deleted is None:
                return False
            remaining = await remaining_rows(connection, tenant)
            if remaining:
                raise RuntimeError(f"rows of a deleted tenant are left in {sorted(remaining)}")
            at = await connection.fetchval("select now()")
            begun = await connection.fetchrow("select * from deleted_tenant where id = $1", tenant)
            assert begun is not None
            await connection.execute(FINISH, tenant, at, self._certificate(begun, at))
            return True

    def _certificate(self, row: asyncpg.Record, at: datetime) -> str:
        kid, key = self._ring.signing_key
        facts = {
            "iss": ISSUER,
            "typ": CERTIFICATE_TYPE,
            "sub": str(row["id"]),
            "slug": row["slug"],
            "requested_at": row["requested_at"] and row["requested_at"].isoformat(),
            "requested_by": row["requested_by"],
            "deleted_at": at.isoformat(),
            "deleted": orjson.loads(row["counts"]),
            "remaining_rows": 0,
        }
        return jwt.encode(facts, key, algorithm="EdDSA", headers={"kid": kid})


async def remaining_rows(connection: Any, tenant: UUID) -> Mapping[str, int]:
    """How many rows each table still has of the tenant; tables without any are left out."""
    found = {}
    for table in await connection.fetch(SELECT_TENANT_TABLES):
        name = table["name"]
        count = await connection.fetchval(
            f'select count(*) from "{name}" where tenant_id = $1',
            tenant,
            timeout=LONG_STATEMENT_SECONDS,
        )
        if count:
            found[name] = count
    return found


async def _count_rows(connection: Any, tenant: UUID) -> dict[str, int]:
    counts = {}
    for name in COUNTED_TABLES:
        query = f"select count(*) from {name} where tenant_id = $1"
        counts[name] = await connection.fetchval(query, tenant, timeout=LONG_STATEMENT_SECONDS)
    counts["call_event"] = await connection.fetchval(
        "select coalesce(sum(head), 0)::bigint from call_log where tenant_id = $1",
        tenant,
        timeout=LONG_STATEMENT_SECONDS,
    )
    return counts


async def _allow_long_statements(connection: Any) -> None:
    await connection.execute(f"set local statement_timeout = '{LONG_STATEMENT_SECONDS}s'")
