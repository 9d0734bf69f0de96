"""An upgrade keeps what is in the database, and fills in what it adds."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import asyncpg
import pytest
from alembic import command

from domain.calls.model import CallFilter
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, start_call
from persistence.migrate import run_alembic, upgrade
from persistence.wiring import api_services
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio


async def test_calls_and_drafts_of_an_older_release_are_listed_by_every_filter(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic", user_id="u1")
    call = await start_call(services, viewer, request)
    url = settings.database_url
    await asyncio.to_thread(run_alembic, url, partial(command.downgrade, revision="0005"))
    db = await asyncpg.connect(settings.database_url)
    columns = "select count(*) from information_schema.columns where table_name = 'call_log'"
    before = await db.fetchval(columns)
    await asyncio.to_thread(upgrade, url)
    assert await db.fetchval(columns) > before
    await db.close()
    # The old connections know the old columns.
    async with api_services(settings) as after, after.store.transaction(viewer.tenant_id) as work:
        page = await work.calls.page(CallFilter(user_id="u1", live=True), 20, None)
        assert [UUID(str(found.id)) for found in page.items] == [call.id]
        assert await work.workflows.workflows_using("booking") == ["clinic"]
        assert await work.tools.agents_using("book_appointment") == ["booking"]


ROWS_AND_INDEXES = """
    select call_id::text as what, l.xmin::text as version from call_log l
    union all
    select relname, relfilenode::text from pg_class where relkind = 'i'
    order by 1, 2
"""


async def test_an_interrupted_upgrade_goes_on_from_what_is_done(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    url = settings.database_url
    await asyncio.to_thread(run_alembic, url, partial(command.downgrade, revision="0007"))
    db = await asyncpg.connect(url)
    before = await db.fetch(ROWS_AND_INDEXES)
    await asyncio.to_thread(run_alembic, url, partial(command.stamp, revision="0006"))
    await asyncio.to_thread(upgrade, url, "0007")
    assert await db.fetch(ROWS_AND_INDEXES) == before
    await db.close()
