"""An upgrade keeps the data, fills what it adds, and results in the schema of a new database."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from domain.calls.filters import CallFilter
from domain.calls.model import EndReason
from domain.common.access import Role, Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from persistence.codec import decode_event
from persistence.migrate import SCRIPTS, Migration, run_alembic, upgrade
from persistence.wiring import api_services
from tests.persistence.rows_of_revisions import rows_of
from tests.support.database_schema import connected, schema_of
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio

REVISIONS = [each.revision for each in reversed([*ScriptDirectory(str(SCRIPTS)).walk_revisions()])]
TABLES = """
    select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
       and relname <> 'alembic_version'
"""
SELECT_ROWS = "select (to_jsonb(t) - $1::text[])::text from {} t order by t::text"
HIDDEN_COLUMNS = {"app_user": ["password_hash"]}
"""Columns that a view hides from the processes of the previous release."""
DROP_FUNCTIONS = """
    do $$
    declare
        name text;
    begin
        for name in
            select oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace
        loop
            execute format('drop function %s cascade', name);
        end loop;
    end $$
"""

Rows = dict[str, list[dict[str, Any]]]


async def all_rows(db: Any) -> Rows:
    tables = [row[0] for row in await db.fetch(TABLES)]
    return {
        table: [
            orjson.loads(row[0])
            for row in await db.fetch(SELECT_ROWS.format(table), HIDDEN_COLUMNS.get(table, []))
        ]
        for table in tables
    }


def keeps(before: Rows, after: Rows) -> bool:
    """Whether every table has its former rows, which may have additional columns."""
    return all(
        len(rows) == len(after[table])
        and all(any(row.items() <= new.items() for new in after[table]) for row in rows)
        for table, rows in before.items()
    )


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_of_any_revision_keeps_its_rows_and_gets_the_current_schema(
    revision: str, fresh: str, settings: Settings
) -> None:
    await asyncio.to_thread(upgrade, fresh, revision)
    async with connected(fresh) as db:
        await db.execute(rows_of(REVISIONS[: REVISIONS.index(revision) + 1]))
        before = await all_rows(db)
    assert [table for table in before if not before[table]] == [], "rows_of gives them no rows"
    await asyncio.to_thread(upgrade, fresh)
    assert await schema_of(fresh) == await schema_of(settings.database_url)
    async with connected(fresh) as db:
        assert keeps(before, await all_rows(db))
        facts = "select distinct kind, workflow_id::text, user_id from call_log"
        assert [tuple(row) for row in await db.fetch(facts)] == [
            ("VOIP", "00000000-0000-0000-0000-000000000007", "u1")
        ]
        numbers = (
            "select dialed_number from call_log where trunk_id is not null and ended_at is null"
        )
        assert {row[0] for row in await db.fetch(numbers)} <= {"+12025550102"}
        references = "select used_name, user_name from draft_reference order by 1"
        assert [tuple(row) for row in await db.fetch(references)] == [
            ("book", "desk"),
            ("desk", "clinic"),
        ]
        bodies = await db.fetch("select kind, body from call_event")
        assert [decode_event(body).kind for _, body in bodies] == [kind for kind, _ in bodies]


async def test_a_database_that_ran_early_forms_of_revisions_gets_the_schema_of_a_new_one(
    fresh: str, settings: Settings
) -> None:
    await asyncio.to_thread(upgrade, fresh, "0010")
    at_0010 = await schema_of(fresh)
    end_call = (SCRIPTS / "versions" / "sql" / "0008_end_call.sql").read_text()
    before, first_loop, second_loop = end_call.split(" loop\n")
    early = "        continue when p_reason <> 'ENDED_BY_API';\n"
    async with connected(fresh) as db:
        await db.execute(" loop\n".join([before, first_loop, early + second_loop]))
        await db.execute("alter index ix_recording_deleted_due rename to ix_recording_due")
    changed = {what for what, _ in at_0010.items() ^ (await schema_of(fresh)).items()}
    assert changed == {
        "function end_call(uuid,integer,boolean,text,text,text)",
        "index ix_recording_due",
        "index ix_recording_deleted_due",
    }
    await asyncio.to_thread(upgrade, fresh)
    assert await schema_of(fresh) == await schema_of(settings.database_url)


async def test_every_revision_can_be_undone(fresh: str) -> None:
    """Owners and grants are set after the last revision, so only revisions are compared."""
    migration = Migration(fresh)
    await migration.create_roles()
    schemas = {}
    for revision in REVISIONS:
        await migration.run_alembic(partial(command.upgrade, revision=revision))
        schemas[revision] = await schema_of(fresh)
    for revision in REVISIONS[-2::-1]:
        await migration.run_alembic(partial(command.downgrade, revision=revision))
        assert await schema_of(fresh) == schemas[revision], revision


async def test_functions_sql_equals_the_result_of_the_revisions(
    settings: Settings,
) -> None:
    url = settings.database_url
    functions = (SCRIPTS / "functions.sql").read_text()
    migrated = await schema_of(url)
    async with connected(url) as db:
        await db.execute(functions)
        assert await schema_of(url) == migrated
        await db.execute(DROP_FUNCTIONS)
        assert [what for what in await schema_of(url) if what.startswith("function ")] == []
        await db.execute(functions)
    await asyncio.to_thread(upgrade, url)  # sets owners and grants
    assert await schema_of(url) == migrated


def test_revisions_read_only_their_own_files() -> None:
    """A revision that ran a shared file would change whenever the file does."""
    used = [
        name
        for file in (SCRIPTS / "versions").glob("*.py")
        for name in re.findall(r'"([\w./-]+\.sql)"', file.read_text())
    ]
    frozen = [file.name for file in (SCRIPTS / "versions" / "sql").iterdir()]
    assert sorted(set(used)) == sorted(frozen)
    assert all(name[:4] in REVISIONS for name in frozen)


NODE_ENTERED = """
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select tenant_id, call_id, 99, now(), 'node_entered', '{"node": "desk", "agent": "desk"}'
      from call_log where ended_at is not null
"""


async def test_calls_and_drafts_of_an_older_release_are_listed_by_every_filter(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic", user_id="u1", metadata={"ticket": "T1"})
    live, ended = [await start_call(services, viewer, request) for _ in range(2)]
    await end_call(services, viewer, ended.id)
    url = settings.database_url
    await asyncio.to_thread(run_alembic, url, partial(command.downgrade, revision="0005"))
    db = await asyncpg.connect(settings.database_url)
    await db.execute(NODE_ENTERED)
    columns = "select count(*) from information_schema.columns where table_name = 'call_log'"
    before = await db.fetchval(columns)
    await asyncio.to_thread(upgrade, url)
    assert await db.fetchval(columns) > before
    await db.close()
    ticket = (("ticket", "T1"),)
    # Open connections have cached the old columns.
    async with api_services(settings) as after, after.store.transaction(viewer.tenant_id) as work:
        for filter, calls in (
            (CallFilter(user_id="u1", live=True), [live]),
            (CallFilter(user_id="u1", live=False), [ended]),
            (CallFilter(end_reasons=(EndReason.CANCELED, EndReason.ENDED_BY_API)), [ended]),
            (CallFilter(agent="desk"), [ended]),
            (CallFilter(metadata=ticket), [ended, live]),
            (CallFilter(metadata=ticket, workflow_slug="clinic", live=False), [ended]),
        ):
            page = await work.calls.page(Window(20), filter)
            assert [UUID(str(found.id)) for found in page.items] == [each.id for each in calls]
        assert await work.workflows.workflows_using("booking") == ["clinic"]
        assert await work.tools.agents_using("book_appointment") == ["booking"]


ANSWER_BETWEEN_WORKERS = """
    update call_log set state = 'ACTIVE', answered_at = now() - interval '1 minute', worker_id = null
"""
ADD_TRANSFER = """
    insert into transfer_leg (id, tenant_id, call_id, trunk_id, number)
    select gen_random_uuid(), tenant_id, call_id, gen_random_uuid(), '+12025550103' from call_log
"""


async def test_the_api_ends_answered_calls_before_a_migration_has_set_the_grants(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    url = settings.database_url
    await asyncio.to_thread(run_alembic, url, partial(command.downgrade, revision="0025"))
    async with connected(url) as db:
        await db.execute("revoke update on transfer_leg from studio_api")
        await db.execute(ANSWER_BETWEEN_WORKERS)
        await db.execute(ADD_TRANSFER)
        await asyncio.to_thread(run_alembic, url, partial(command.upgrade, revision="head"))
        ended = await end_call(services, viewer, call.id)
        assert ended.end_reason is EndReason.ENDED_BY_API
        assert await db.fetchval("select count(*) from transfer_leg where released_at is null") == 0


READ = ["agents:read", "tools:read", "workflows:read", "calls:read"]
WRITE = [scope.replace("read", "write") for scope in READ]
EDIT = [*READ, *WRITE]
SETTINGS = ["settings:read", "settings:write"]
CREDENTIALS = ["credentials:read", "credentials:write"]
TELEPHONY = ["telephony:read", "telephony:write"]


@pytest.mark.parametrize(
    ("scopes", "role"),
    [
        ([*EDIT, *SETTINGS, *CREDENTIALS, *TELEPHONY], Role.OWNER),
        ([*EDIT, *SETTINGS, *CREDENTIALS], Role.OWNER),
        ([*EDIT, *SETTINGS, "telephony:read"], Role.EDITOR),
        ([*EDIT, *SETTINGS], Role.EDITOR),
        (EDIT, Role.EDITOR),
        ([*READ, "settings:read", "telephony:read", "calls:write"], Role.OPERATOR),
        ([*READ, "settings:read"], Role.VIEWER),
        (["calls:read", "calls:write"], None),
        ([*EDIT, *SETTINGS, *TELEPHONY], None),
        ([], None),
    ],
)
async def test_a_key_gets_the_role_whose_scopes_it_had(
    fresh: str, scopes: list[str], role: Role | None
) -> None:
    await asyncio.to_thread(upgrade, fresh, "0017")
    async with connected(fresh) as db:
        await db.execute(rows_of(["0001"]))
        await db.execute("update api_key set scopes = $1", scopes)
        await asyncio.to_thread(upgrade, fresh)
        [row] = await db.fetch("select role, scopes from api_key")
    assert (row["role"], row["scopes"]) == (role, scopes)


ROWS_AND_INDEXES = """
    select call_id::text as what, l.xmin::text as version from call_log l
    union all
    select relname, relfilenode::text from pg_class where relkind = 'i'
    order by 1, 2
"""
ENDED_CALLS = "select call_id, xmin::text from ended_call order by call_id"


async def test_an_interrupted_upgrade_continues_where_it_stopped(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    await end_call(services, viewer, call.id)
    url = settings.database_url
    db = await asyncpg.connect(url)
    rows, ended = await db.fetch(ROWS_AND_INDEXES), await db.fetch(ENDED_CALLS)
    assert [row["call_id"] for row in ended] == [call.id]
    await asyncio.to_thread(run_alembic, url, partial(command.stamp, revision="0023"))
    await asyncio.to_thread(upgrade, url, "0024")
    assert await db.fetch(ROWS_AND_INDEXES) == rows
    assert await db.fetch(ENDED_CALLS) == ended
    await asyncio.to_thread(run_alembic, url, partial(command.stamp, revision="head"))
    await asyncio.to_thread(run_alembic, url, partial(command.downgrade, revision="0007"))
    before = await db.fetch(ROWS_AND_INDEXES)
    await asyncio.to_thread(run_alembic, url, partial(command.stamp, revision="0006"))
    await asyncio.to_thread(upgrade, url, "0007")
    assert await db.fetch(ROWS_AND_INDEXES) == before
    await db.close()


RUNNING_FILL = """
    select pid from pg_stat_activity
     where application_name = 'studio_migrate' and wait_event_type = 'Lock'
       and query like '%insert into ended_call%'
"""


async def test_calls_end_and_start_while_older_calls_are_added_to_lists(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic")
    older, live, deleted = [await start_call(services, viewer, request) for _ in range(3)]
    for call in (older, deleted):
        await end_call(services, viewer, call.id)
    url = settings.database_url
    db, holder = await asyncpg.connect(url), await asyncpg.connect(url)
    await db.execute("delete from ended_call")
    await asyncio.to_thread(run_alembic, url, partial(command.stamp, revision="0023"))
    async with holder.transaction():
        await holder.execute("delete from call where id = $1", deleted.id)
        migration = asyncio.create_task(asyncio.to_thread(upgrade, url, "0024"))
        async with asyncio.timeout(60):
            while not await db.fetch(RUNNING_FILL):  # noqa: ASYNC110 - the state is in PostgreSQL
                await asyncio.sleep(0.02)
        await end_call(services, viewer, live.id)
        newer = await start_call(services, viewer, request)
    await migration
    async with services.store.transaction(viewer.tenant_id) as work:
        page = await work.calls.page(Window(20))
    assert [call.id for call in page.items] == [newer.id, live.id, older.id]
    await db.close()
    await holder.close()
