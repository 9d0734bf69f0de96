"""Checks that a database is complete and its tenants isolated, for instance after a restore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import uuid4

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from domain.calls.model import CallId
from domain.common.access import TenantId
from domain.common.errors import DecryptionKeyMissing, InvalidSetting, Unavailable
from domain.common.settings import Settings
from persistence.audio_store import ObjectStore
from persistence.calls import SqlCalls
from persistence.database import ConnectionFactory, DbRole
from persistence.key_ring import KeyRing
from persistence.migrate import SCRIPTS
from persistence.recording_store import recording_from_row
from persistence.row_security import set_tenant
from persistence.sqlalchemy_engine import create_engine
from persistence.trunk_passwords import SELECT_ENCRYPTED_PASSWORDS
from persistence.vault import Vault

QUERY_TIMEOUT_SECONDS = 3_600.0
"""The check reads every event, and there may be many."""

COUNTED_TABLES = ("tenant", "person", "workflow", "call", "call_event", "credential", "recording")
SELECT_LOG_GAPS = """
    select c.id, coalesce(l.head, 0) as head, coalesce(e.events, 0) as events
      from call c
      left join call_log l on l.call_id = c.id
      left join (select call_id, count(*) as events, min(seq) as first, max(seq) as last
                   from call_event group by call_id) e on e.call_id = c.id
     where l.call_id is null or coalesce(e.events, 0) <> l.head
        or (l.head > 0 and (e.first <> 1 or e.last <> l.head))
     order by c.id
"""
SELECT_TABLES_WITHOUT_RLS = """
    select c.relname as name
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and (c.relname = 'tenant' or exists (
             select from pg_attribute a
              where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))
       and (not (c.relrowsecurity and c.relforcerowsecurity)
            or (select count(*) from pg_policy p where p.polrelid = c.oid
                   and p.polname in ('tenant_only', 'service_all', 'backup_all')) < 3)
     order by 1
"""
SELECT_ENCRYPTED = f"""
    select encrypted.*, k.key_id, k.wrapped
      from (select tenant_id, id, kind, name, sealed from credential
            union all {SELECT_ENCRYPTED_PASSWORDS}) encrypted
      left join data_key k using (tenant_id) order by tenant_id
"""
SELECT_RECORDINGS = (
    "select * from recording where state = 'READY' order by started_at desc limit 20"
)
SELECT_NEWEST_CALL = "select id, tenant_id from call order by created_at desc limit 1"
MAX_REPORTED_GAPS = 5


@dataclass(frozen=True, slots=True)
class Report:
    facts: tuple[str, ...]
    problems: tuple[str, ...]


async def check_integrity(settings: Settings) -> Report:
    url = settings.owner_database_url
    connection = await ConnectionFactory(url, DbRole.SERVICE).connect()
    try:
        await connection.execute("set statement_timeout = 0")
        if (problem := await _wrong_revision(connection)) is not None:
            return Report((), (problem,))
        counts = await _counts(connection)
        problems = [
            *[problem async for problem in _log_gaps(connection)],
            *[problem async for problem in _tables_without_rls(connection)],
            *[problem async for problem in _undecryptable_credentials(connection, settings)],
            *[problem async for problem in _missing_recordings(connection, settings)],
        ]
        newest = await connection.fetchrow(SELECT_NEWEST_CALL)
    finally:
        await connection.close(timeout=5)
    if newest is not None:
        leaks = _tenant_isolation_problems(url, newest["tenant_id"], newest["id"])
        problems += [problem async for problem in leaks]
    return Report((counts,), tuple(problems))


async def _wrong_revision(connection: Any) -> str | None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    expected = ScriptDirectory.from_config(config).get_current_head()
    if await connection.fetchval("select to_regclass('public.alembic_version')") is None:
        return "The database is empty."
    current = await connection.fetchval("select version_num from alembic_version")
    if current != expected:
        return (
            f"The database is at revision {current}, not {expected}: migrate it with this release."
        )
    return None


async def _counts(connection: Any) -> str:
    counts = []
    for table in COUNTED_TABLES:
        query = f"select count(*) from {table}"
        count = await connection.fetchval(query, timeout=QUERY_TIMEOUT_SECONDS)
        counts.append(f"{count:,} {table}")
    return f"Rows: {', '.join(counts)}."


async def _log_gaps(connection: Any) -> AsyncIterator[str]:
    """Find calls whose events are not numbered from 1 to the head of the log without gaps."""
    rows = await connection.fetch(SELECT_LOG_GAPS, timeout=QUERY_TIMEOUT_SECONDS)
    for row in rows[:MAX_REPORTED_GAPS]:
        yield f"Call {row['id']} should have events 1 to {row['head']}, but has {row['events']}."
    if len(rows) > MAX_REPORTED_GAPS:
        yield f"The logs of {len(rows) - MAX_REPORTED_GAPS:,} more calls have gaps."


async def _tables_without_rls(connection: Any) -> AsyncIterator[str]:
    for row in await connection.fetch(SELECT_TABLES_WITHOUT_RLS):
        yield (
            f"Row-level security of {row['name']} is incomplete: "
            "add it to migrations/grants.sql, or run `python -m persistence.migrate`."
        )


async def _undecryptable_credentials(connection: Any, settings: Settings) -> AsyncIterator[str]:
    """Find credentials that no entry of SECRET_KEY can decrypt."""
    try:
        vault = Vault(KeyRing.from_secret_key(settings.secret_key))
    except InvalidSetting as error:
        yield error.message
        return
    rows = await connection.fetch(SELECT_ENCRYPTED, timeout=QUERY_TIMEOUT_SECONDS)
    for tenant, credentials in groupby(rows, key=lambda row: row["tenant_id"]):
        try:
            vault.decrypt_values(list(credentials))
        except DecryptionKeyMissing as error:
            yield f"Tenant {tenant}: {error.message}"


async def _missing_recordings(connection: Any, settings: Settings) -> AsyncIterator[str]:
    """Find recordings, among the newest ones, that are missing from the store."""
    rows = await connection.fetch(SELECT_RECORDINGS)
    audio_store = ObjectStore.from_settings(settings)
    if audio_store is None:
        if rows:
            yield "There are recordings, but RECORDINGS_URL is not set."
        return
    try:
        for recording in map(recording_from_row, rows):
            if await audio_store.size(recording.key) is None:
                yield f"The recording {recording.key} is not in the store of RECORDINGS_URL."
    except Unavailable as error:
        yield error.message
    finally:
        audio_store.close()


async def _tenant_isolation_problems(
    url: str, tenant: TenantId, call: CallId
) -> AsyncIterator[str]:
    """Check that studio_api reads a call as its tenant, and no call at all as another tenant."""
    engine = create_engine(url, DbRole.API, 1)
    try:
        async with engine.begin() as connection:
            await set_tenant(connection, tenant)
            calls = SqlCalls(connection, tenant, [])
            if await calls.get(call) is None or not await calls.events(call, 0, 1):
                yield f"studio_api cannot read call {call} as its tenant."
            await set_tenant(connection, TenantId(uuid4()))
            if await connection.scalar(text("select true from call limit 1")):
                yield "studio_api can read calls of other tenants."
    finally:
        await engine.dispose()
