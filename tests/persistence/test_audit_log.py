"""The audit log in the database: who may write it, what keepers do with it, and what a verification finds."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.audit.heads import head_to_json
from domain.audit.model import AuditKind, AuditNote, SignedHead
from domain.audit.origin import Origin, acting_as
from domain.common.access import Tenant, Viewer
from domain.common.command_line import InvalidArguments
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.agents import create_agent
from domain.use_cases.credentials import set_secret
from persistence import tables
from persistence.audit_admin import (
    VerificationFailed,
    add_audit_parser,
    erase_entries,
    run_audit_command,
    verify_database,
)
from persistence.audit_chain import SqlAuditChain
from persistence.audit_signatures import AuditSignatures
from persistence.audit_verification import LogReport
from persistence.database import DbRole, create_pool
from persistence.key_ring import KeyRing
from tests.persistence.test_backup import run
from tests.support.database_schema import connected
from tests.support.demo_workflow import RECEPTION

pytestmark = pytest.mark.anyio

ENTRIES = 1_000
AUDIT_TABLES = ("audit_entry", "audit_link", "audit_head", "audit_cut", "audit_retention")
NOT_AUDITED = {
    "access_change": "it repeats which rows have changed",
    "audit_cut": "it is part of the log",
    "audit_entry": "it is part of the log",
    "audit_head": "it is part of the log",
    "audit_link": "it is part of the log",
    "audit_pending": "it is part of the log",
    "call_event": "it is a log itself, which says who asked for what",
    "call_log": "it repeats what the log of a call says",
    "call_label": "it repeats what happened in calls",
    "dialed_region": "it repeats where calls went",
    "draft_reference": "it repeats what drafts say",
    "ended_call": "it repeats what became of calls",
    "federated_session": "sign-ins are entries",
    "held_call": "only lobbies write it",
    "idempotency": "it repeats which calls were started",
    "known_address": "it repeats from where users have signed in",
    "logout_token": "the sessions that it ended are entries",
    "refresh_token": "sign-ins and sign-outs are entries",
    "sign_in_handoff": "the sign-in that follows is an entry",
    "tenant_month": "it repeats what calls cost",
    "tenant_usage": "it repeats what the tenant stores",
    "transfer_leg": "only workers write it",
}
"""The tables of a tenant whose changes are no entries, and why."""

# All of what follows is done by a superuser, who can also change what no process can.
SET_BACK = """
    update audit_entry set at = at - make_interval(days => $2),
           body = jsonb_set(body::jsonb, '{at}', to_jsonb(to_char(
               (at - make_interval(days => $2)) at time zone 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))::text
     where tenant_id = $1 and id in (select entry_id from audit_pending)
"""
FLIPPED = (
    *(("audit_entry", name) for name in ("body", "actor", "at", "kind", "erased_at")),
    *(("audit_link", name) for name in ("leaf", "hash")),
)


@asynccontextmanager
async def keeping(settings: Settings, retention_days: int = 365) -> AsyncIterator[SqlAuditChain]:
    pool = await create_pool(settings.database_url, DbRole.SERVICE, 2)
    try:
        ring = KeyRing.from_secret_key(settings.secret_key)
        yield SqlAuditChain(pool, AuditSignatures(ring), retention_days)
    finally:
        pool.terminate()


async def add_notes(services: Services, tenant: Tenant, count: int, **details: Any) -> None:
    async with services.store.transaction(tenant.id) as work:
        for number in range(count):
            facts = {"number": number, **details}
            await work.audit.note(AuditNote(kind=AuditKind.TESTED, actor="user:ada", details=facts))


async def link_all(chain: SqlAuditChain) -> int:
    linked = 0
    while batch := await chain.link_pending():
        linked += batch
    return linked


async def verified(settings: Settings, *trusted: SignedHead) -> LogReport:
    [report] = await verify_database(settings, "acme", trusted)
    return report


async def execute(settings: Settings, statement: str, *values: Any) -> Any:
    async with connected(settings.database_url) as db:
        return await db.fetch(statement, *values)


async def test_one_flipped_bit_among_a_thousand_entries_is_named(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    async with keeping(settings) as chain:
        await link_all(chain)
        before = (await verified(settings)).entries
        await add_notes(services, tenant, ENTRIES - before)
        assert await link_all(chain) == ENTRIES - before
    report = await verified(settings)
    assert (report.entries, report.head.seq, report.problems) == (ENTRIES, ENTRIES, ())
    for position, (table, column) in enumerate(FLIPPED):
        seq = 100 + 120 * position
        [[entry]] = await execute(settings, "select entry_id from audit_link where seq = $1", seq)
        key = "id" if table == "audit_entry" else "entry_id"
        [[value]] = await execute(settings, f"select {column} from {table} where {key} = $1", entry)
        change = f"update {table} set {column} = $2 where {key} = $1"
        await execute(settings, change, entry, flipped(value, position))
        [problem] = (await verified(settings)).problems
        assert problem.startswith(f"entry {seq}: "), (column, problem)
        await execute(settings, change, entry, value)
    assert (await verified(settings)).problems == ()


def flipped(value: Any, place: int) -> Any:
    match value:
        case str():
            return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
        case bytes():
            return value[:place] + bytes([value[place] ^ 1 << place % 8]) + value[place + 1 :]
        case datetime():
            return value + timedelta(microseconds=1)
        case _:
            return datetime.now(UTC)


async def test_processes_may_add_entries_but_neither_change_nor_delete_them(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    await add_notes(services, tenant, 1)
    before = await execute(settings, "select * from audit_entry")
    statements = [
        *(f"delete from {table}" for table in AUDIT_TABLES),
        *(f"truncate {table} cascade" for table in AUDIT_TABLES),
        *(f"update {table} set tenant_id = tenant_id" for table in AUDIT_TABLES[:-1]),
        "insert into audit_cut select tenant_id, 9, body::bytea, at, at, at, '', '' from audit_entry",
        "alter table audit_entry disable trigger all",
        f"select delete_audit_log('{tenant.id}', 9)",
        "drop trigger audit_change on agent",
    ]
    of_the_api = [
        "insert into audit_entry select * from audit_entry",
        "insert into audit_link select tenant_id, 1, id, body::bytea, body::bytea from audit_entry",
        "select * from audit_pending",
        f"select shorten_audit_log('{tenant.id}', 30, 9, 9, '', now(), '', '')",
        f"select erase_audit_entries('{tenant.id}', 'user', 9)",
        f"select add_audit_entry('{tenant.id}', 'CREATED', 'user:eve', null, null, null, null)",
    ]
    for role, refused in {
        "studio_api": statements + of_the_api,
        "studio_service": statements,
    }.items():
        async with connected(settings.database_url) as db:
            await db.execute(f"set role {role}")
            await db.execute(f"set app.tenant = '{tenant.id}'")
            for statement in refused:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await db.execute(statement)
    with pytest.raises(asyncpg.RaiseError, match="not notes"):
        async with services.store.transaction(tenant.id) as work:
            await work.audit.note(AuditNote(kind=AuditKind.UPDATED))
    assert await execute(settings, "select * from audit_entry") == before


async def test_every_table_of_a_tenant_is_audited_or_has_a_reason(settings: Settings) -> None:
    of_tenants = (
        "select attrelid::regclass::text from pg_attribute where attname = 'tenant_id' "
        + ("and attrelid in (select oid from pg_class where relkind = 'r')")
    )
    audited = "select tgrelid::regclass::text from pg_trigger where tgname ~ '^audit_'"
    with_trigger = {row[0] for row in await execute(settings, audited)}
    assert with_trigger & {*NOT_AUDITED} == set()
    assert with_trigger | {*NOT_AUDITED} == {
        *("tenant", "person", "password_reset", "totp", "installation_operator"),
        *(row[0] for row in await execute(settings, of_tenants)),
    }
    # What is encrypted or hashed never gets into the log, not even as such.
    binary = {
        column.name
        for table in tables.metadata.sorted_tables
        if table.name in with_trigger
        for column in table.c
        if column.type.python_type is bytes
    }
    shown = "select name from unnest($1::text[]) name where not is_secret_column(name)"
    assert binary >= {"hash", "sealed", "wrapped"}
    assert await execute(settings, shown, [*binary, "password_hash"]) == []


async def test_an_entry_says_what_changed_who_did_it_and_no_secret(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    origin = Origin(actor=viewer.subject, address="192.0.2.7", request="r1", action="test")
    with acting_as(origin):
        agent = await create_agent(services, viewer, RECEPTION)
        prompt = replace(RECEPTION.prompt, system="Speak.")
        async with services.store.transaction(viewer.tenant_id) as work:
            await work.agents.save(agent.id, replace(RECEPTION, prompt=prompt), 1)
        await set_secret(services, viewer, "crm_token", "value-of-the-secret")
    async with services.store.transaction(viewer.tenant_id) as work:
        await work.agents.delete(agent.id)
    rows = await execute(
        settings, "select * from audit_entry where target_kind <> 'tenant' order by at"
    )
    about = [(row["kind"], row["target_kind"], row["target_name"], row["actor"]) for row in rows]
    subject = viewer.subject
    assert about == [
        ("CREATED", "agent", "reception", subject),
        ("UPDATED", "agent", "reception", subject),
        ("CREATED", "data_key", None, subject),
        ("CREATED", "credential", "crm_token", subject),
        ("DELETED", "agent", "reception", "database:studio_api"),
    ]
    assert {(row["address"], row["request"], row["action"]) for row in rows[:4]} == {
        ("192.0.2.7", "r1", "test")
    }
    updated, created = json.loads(rows[1]["body"]), json.loads(rows[3]["body"])
    assert updated["before"]["spec"]["prompt"]["system"] == RECEPTION.prompt.system
    assert updated["after"]["spec"]["prompt"]["system"] == "Speak."
    assert updated["after"]["spec"].keys() == {"prompt"}
    assert (updated["before"]["revision"], updated["after"]["revision"]) == (1, 2)
    assert created["after"]["sealed"] == "[redacted]"
    [[sealed]] = await execute(settings, "select sealed from credential")
    for row in rows:
        assert "value-of-the-secret" not in row["body"]
        assert sealed.hex() not in row["body"]


async def test_headers_and_long_values_are_not_in_the_log(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    kept = {"X-Token": "{{secret.crm}}", "X-Other": "Bearer {{ secret.crm }}"}
    headers = {"Authorization": "Bearer abcdef", "X-Mixed": "abcdef {{secret.crm}}", **kept}
    spec = {"actions": [{"headers": headers}], "description": "long " * 5_000}
    await execute(
        settings,
        "insert into tool (id, tenant_id, name, revision, spec) "
        "values (gen_random_uuid(), $1, 'crm', 1, $2)",
        tenant.id,
        json.dumps(spec),
    )
    await execute(settings, "update tool set spec = jsonb_set(spec, '{description}', '\"short\"')")
    rows = await execute(
        settings, "select body from audit_entry where target_kind = 'tool' order by at"
    )
    created, updated = (json.loads(row["body"]) for row in rows)
    assert created["after"]["spec"].keys() == {"sha256", "bytes"}
    assert created["after"]["spec"]["bytes"] > 25_000
    assert created["after"]["name"] == "crm"
    assert updated["after"] == {"spec": {"description": "short"}}
    assert updated["before"]["spec"].keys() == {"sha256", "bytes"}
    await execute(settings, "delete from tool")
    [row] = await execute(settings, "select body from audit_entry where kind = 'DELETED'")
    [action] = json.loads(row["body"])["before"]["spec"]["actions"]
    redacted = dict.fromkeys(("Authorization", "X-Mixed"), "[redacted]")
    assert action["headers"] == {**redacted, **kept}


async def test_concurrent_writers_and_keepers_make_one_chain_without_gaps(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    async with keeping(settings) as one, keeping(settings) as other:
        writers = [add_notes(services, tenant, 5) for _ in range(20)]
        keepers = [link_all(chain) for chain in (one, other) for _ in range(5)]
        await asyncio.gather(*writers, *keepers)
        await link_all(one)
    [[entries]] = await execute(settings, "select count(*) from audit_entry")
    report = await verified(settings)
    assert (report.entries, report.head.seq, report.problems) == (entries, entries, ())
    assert await execute(settings, "select * from audit_pending") == []


async def test_entries_past_their_retention_are_deleted_and_the_rest_is_verified(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    async with keeping(settings, retention_days=90) as chain:
        await add_notes(services, tenant, 6)
        await execute(settings, SET_BACK, tenant.id, 100)
        old = await link_all(chain)
        await add_notes(services, tenant, 3)
        await link_all(chain)
        async with services.store.transaction(tenant.id) as work:
            await work.audit.set_retention_days(120)
        assert await chain.delete_expired() == 0
        await execute(settings, "update audit_retention set days = 30")
        assert await chain.delete_expired() == old
        assert await chain.delete_expired() == 0
        await link_all(chain)
        await chain.sign_heads()
    report = await verified(settings)
    assert report.problems == ()
    assert report.notices == (f"The entries up to {old} were deleted after their retention.",)
    rows = await execute(settings, "select kind, actor, body from audit_entry order by at desc")
    assert (rows[0]["kind"], rows[0]["actor"]) == ("SHORTENED", "system:retention")
    assert json.loads(rows[0]["body"])["details"]["seq"] == old
    # A signed head does not pass as the end of deleted entries.
    await execute(
        settings,
        "update audit_cut c set seq = h.seq, hash = h.hash, key_id = h.key_id, "
        "signature = h.signature, cut_at = h.signed_at from audit_head h",
    )
    [problem, *_] = (await verified(settings)).problems
    assert "signature of the deletion" in problem


async def test_no_retention_deletes_what_is_younger_than_thirty_days(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    async with keeping(settings, retention_days=1) as chain:
        await add_notes(services, tenant, 2)
        await execute(settings, SET_BACK, tenant.id, 29)
        await link_all(chain)
        assert await chain.delete_expired() == 0
    async with connected(settings.database_url) as db:
        await db.execute("set role studio_service")
        [[seq, hash]] = await db.fetch("select seq, hash from audit_link order by seq limit 1")
        shorten = "select shorten_audit_log($1, 1, 100, $2, $3, now(), 'k', '')"
        assert await db.fetchval(shorten, tenant.id, seq, hash) == 0
    assert (await verified(settings)).problems == ()


async def test_a_log_that_was_cut_off_or_rewritten_differs_from_its_signed_heads(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    async with keeping(settings) as chain:
        await add_notes(services, tenant, 8)
        await link_all(chain)
        [head] = await chain.sign_heads()
        assert await chain.sign_heads() == []
    assert (await verified(settings)).problems == ()
    await execute(settings, "delete from audit_link where seq > $1", head.seq - 2)
    await execute(
        settings, "delete from audit_entry where id not in (select entry_id from audit_link)"
    )
    [problem] = (await verified(settings)).problems
    assert problem.startswith(f"entry {head.seq}: it was signed and is missing")
    # Who can write everything can also chain everything again, but not what is stored elsewhere.
    await execute(settings, "delete from audit_head")
    await execute(settings, "delete from audit_link")
    await execute(settings, "insert into audit_pending select id, tenant_id, at from audit_entry")
    async with keeping(settings) as chain:
        await link_all(chain)
        await add_notes(services, tenant, 2)
        await link_all(chain)
    assert (await verified(settings)).problems == ()
    [problem] = (await verified(settings, head)).problems
    assert problem == f"entry {head.seq}: its hash is not the one that was signed"


async def test_content_can_be_erased_and_the_chain_still_holds(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    await add_notes(services, tenant, 3)
    await add_notes(services, tenant, 2, email="ada@acme.test")
    async with keeping(settings) as chain:
        await link_all(chain)
        assert await erase_entries(settings, "acme", "ada@acme.test") == 2
        assert await erase_entries(settings, "acme", "ada@acme.test") == 0
        await link_all(chain)
    assert (await verified(settings)).problems == ()
    left = await execute(settings, "select * from audit_entry where body like '%ada@acme.test%'")
    assert left == []
    with pytest.raises(InvalidArguments):
        await erase_entries(settings, "acme", "a")
    await execute(
        settings,
        "update audit_entry set body = '', erased_at = now() where id = "
        "(select entry_id from audit_link where seq = 2)",
    )
    [problem] = (await verified(settings)).problems
    assert problem == "entry 2: its content was erased, and no entry says so"


async def test_a_tenant_is_deleted_with_its_log(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await create_agent(services, viewer, RECEPTION)
    async with keeping(settings) as chain:
        await link_all(chain)
        await chain.sign_heads()
        await set_secret(services, viewer, "crm", "value")
    await execute(settings, "delete from tenant")
    for table in (*AUDIT_TABLES, "audit_pending", "agent"):
        assert await execute(settings, f"select * from {table}") == []


async def command(settings: Settings, *words: str) -> None:
    parser = argparse.ArgumentParser()
    add_audit_parser(parser.add_subparsers())
    await run_audit_command(settings, parser.parse_args(["audit", *words]))


async def test_the_command_verifies_the_database_and_exports_of_it(
    services: Services,
    settings: Settings,
    tenant: Tenant,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with keeping(settings) as chain:
        await add_notes(services, tenant, 5)
        await link_all(chain)
        heads = tmp_path / "keeper.log"
        lines = [{"message": "keeper started"}, *map(head_to_json, await chain.sign_heads())]
        heads.write_text("".join(json.dumps(line) + "\n" for line in lines))
    await command(settings, "verify", "--from", str(heads))
    export = tmp_path / "acme.ndjson"
    await command(settings, "export", "--tenant", "acme", "--out", str(export))
    assert export.stat().st_mode & 0o777 == 0o600
    await command(settings, "verify", "--file", str(export))
    assert capsys.readouterr().out.count("No problems were found.") == 2
    export.write_text(export.read_text().replace("user:ada", "user:eve", 1))
    with pytest.raises(VerificationFailed):
        await command(settings, "verify", "--file", str(export))
    assert "PROBLEM: entry 2: its content or its leaf was changed" in capsys.readouterr().out
    with pytest.raises(InvalidArguments, match="no tenant 'other'"):
        await command(settings, "verify", "--tenant", "other")
    await execute(
        settings,
        "update audit_entry set actor = 'user:eve' "
        "where id = (select entry_id from audit_link where seq = 4)",
    )
    verify = ("persistence.admin", "audit", "verify", "--tenant", "acme")
    code, said = await run(settings, tmp_path, *verify)
    assert (code, "PROBLEM: entry 4: columns were changed: actor" in said) == (1, True)
