"""What the dashboard shows when a mutation fails: the request of each one is lost and refused before it succeeds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from domain.calls.model import CallKind
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.tenants.settings import McpServer
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.settings import update_settings
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from local.emulators.voices import Monotone
from local.private_files import free_port
from persistence.guarded_http import GuardedHttpClient
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.api.test_settings import mcp_server
from tests.conftest import new_tenant
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.forging_provider import CLIENT_ID, running_forger
from tests.support.outbound_calls import add_trunk, speaking_clinic
from tests.support.paths import ROOT
from tests.support.people import PASSWORD, invited, new_member, owner_at, signed_in_at
from tests.support.single_sign_on import CREATE

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

OPERATIONS = ROOT / "dashboard/src/operations"
ACCESS = ("audit", "keys", "people", "profile", "tenants")
CONNECTIONS = ("dial", "inbound", "outbound", "phone", "providers", "secrets", "settings")
# The pages send these by the client kit, which has the documents.
OF_SESSIONS = ("Login", "SwitchTenant")
OF_CALLS = ("SendMessage",)
MAKE_OPERATOR = "insert into installation_operator (subject) values ($1)"
JOIN = """
    insert into membership (tenant_id, person_id, role)
    select $1, id, 'VIEWER' from person where email = 'ada@acme.example'
"""
PAUSE = """
    insert into trunk_usage (trunk_id, tenant_id, day, calls, talk_ms, paused_until, pause_reason)
    select id, tenant_id, (now() at time zone 'UTC')::date, 180, 90000, now() + interval '1 hour',
           'TRUNK_UNAUTHORIZED' from outbound_trunk
"""


async def test_failures_about_people_and_tenants_are_shown(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    port = free_port()
    async with running_forger() as forger:
        settings = replace(
            settings,
            public_url=f"http://127.0.0.1:{port}",
            outbound_allow=urlsplit(forger.issuer).netloc,
        )
        async with (
            api_services(settings) as services,
            running_api(
                services,
                settings,
                viewer,
                build_schema_with_loaders,
                extra_routes=dashboard_routes(settings),
                port=port,
            ) as api,
        ):
            provider = {"name": "acme", "label": "Sign in with Acme", "clientId": CLIENT_ID}
            await owner_at(api).run(CREATE, issuer=forger.issuer, **provider)
            ada = await new_member(owner_at(api), "OWNER", "ada@acme.example")
            await signed_in_at(api, "ada@acme.example")
            await new_member(ada, "VIEWER", "grace@acme.example")
            await invited(ada, "otto@acme.example", "VIEWER")
            token = await invited(ada, "lou@acme.example", "VIEWER")
            await execute(settings, JOIN, (await new_tenant(settings, "branch")).id)
            await execute(settings, MAKE_OPERATOR, (await ada.viewer())["subject"])
            addresses = ("ada@acme.example", PASSWORD, "grace@acme.example", "otto@acme.example")
            seen = await asyncio.to_thread(
                visit, "dashboard_failures_access.mjs", api.url, *addresses, token
            )

    assert_shown(seen, {*OF_SESSIONS, *mutations(lambda file: file.startswith(ACCESS))})


async def test_failures_about_telephony_keys_and_settings_are_shown(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with speaking_clinic(settings, viewer) as (services, voiced, _):
        await add_trunk(services, viewer)
        await execute(settings, PAUSE)
        async with running_api(
            services, voiced, viewer, build_schema_with_loaders, extra_routes=routes
        ) as api:
            seen = await asyncio.to_thread(visit, "dashboard_failures_connections.mjs", api.url)

    assert_shown(seen, mutations(lambda file: file.startswith(CONNECTIONS)))


async def test_failures_about_agents_tools_workflows_and_calls_are_shown(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with (
        mcp_server() as mcp,
        # A sample of this voice lasts long enough to be stopped.
        speaking_clinic(settings, viewer, voice=Monotone(1.0)) as (services, voiced, _),
        aclosing(GuardedHttpClient(urlsplit(mcp).netloc)) as outbound,
    ):
        await update_settings(
            services, viewer, 0, {"mcp_servers": (McpServer(name="shop", url=mcp),)}
        )
        calls = [
            await start_call(services, viewer, CallRequest(workflow_name="clinic", kind=kind))
            for kind in (CallKind.TEXT, CallKind.VOIP)
        ]
        async with running_api(
            replace(services, http_client=outbound),
            voiced,
            viewer,
            build_schema_with_loaders,
            extra_routes=routes,
        ) as api:
            ids = [global_id("Call", call.id) for call in calls]
            seen = await asyncio.to_thread(visit, "dashboard_failures_building.mjs", api.url, *ids)

    others = (*ACCESS, *CONNECTIONS)
    assert_shown(seen, {*OF_CALLS, *mutations(lambda file: not file.startswith(others))})


async def execute(settings: Settings, statement: str, *values: object) -> None:
    db = await asyncpg.connect(settings.database_url)
    await db.execute(statement, *values)
    await db.close()


def assert_shown(seen: dict[str, Any], expected: set[str]) -> None:
    """Every one of these mutations was tried, and its failure shown."""
    assert {name: faults for name, faults in seen["faults"].items() if faults} == {}
    assert set(seen["faults"]) == expected, "Each mutation needs its steps in a script."
    assert (seen["errors"], seen["outside"]) == ([], [])


def mutations(is_of: Callable[[str], bool]) -> set[str]:
    """The names of the mutations in those files of operations."""
    return {
        definition.name.value
        for file in OPERATIONS.glob("*.graphql")
        if is_of(file.name)
        for definition in parse(file.read_text()).definitions
        if isinstance(definition, OperationDefinitionNode)
        and definition.operation is OperationType.MUTATION
        and definition.name
    }
