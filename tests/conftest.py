"""Fixtures: real servers for the whole run, and a separate database for each test that needs one."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio.from_thread
import asyncpg
import hypothesis
import pytest
from _pytest.runner import runtestprotocol

from domain.common.access import Tenant, TenantId, Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders, tune_gc
from local import livekit as livekit_server
from local import livekit_binary, postgres, valkey
from local.livekit import LivekitCredentials, LivekitServers
from local.livekit_binary import LivekitUnavailable
from local.process_spec import StartupError
from local.services import SOFTPHONE_NETWORK
from local.telephone_service import find_livekit_sip
from persistence.migrate import upgrade
from persistence.wiring import api_services
from tests.support.api_server import Api, running_api
from tests.support.paths import database_folder
from tests.support.sip_servers import SipServer, running_livekit_sip, running_sip_emulator
from tests.support.stalls import measured_stalls
from tests.support.viewers import owner_of

# A shell makes background processes ignore SIGINT, and the processes that tests start inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The processes that tests start inherit these: on a busy machine, what is slow has not failed. Tests of
# these limits set their own.
for name, value in {
    "TRUNK_ALLOW": SOFTPHONE_NETWORK,
    "CLAIM_SECONDS": "60",
    "STT_TIMEOUT_SECONDS": "30",
    "TTS_TIMEOUT_SECONDS": "30",
}.items():
    os.environ.setdefault(name, value)

# The time that generating an example takes depends on the machine, not on the code.
hypothesis.settings.register_profile(
    "anywhere", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("anywhere")

SECRET = "for-tests-only-" + "0" * 32
TEMPLATE = "studio_template"
REPEATED = "Repeated"


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    # With uvloop, close() sometimes does not return after connections were refused.
    return "asyncio", {"use_uvloop": False}


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[str, str]]:
    """The URLs of a PostgreSQL and a Valkey that run for the whole test run."""

    @asynccontextmanager
    async def both(folder: Path) -> AsyncIterator[tuple[str, str]]:
        async with (
            postgres.running(folder, durable=False) as database_url,
            valkey.running(folder) as redis_url,
        ):
            yield database_url, redis_url

    with (
        database_folder() as folder,
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(both(folder)) as urls,
    ):
        yield urls


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs LiveKit as a voice test, before `-m` selects tests."""
    for item in items:
        if "livekit" in getattr(item, "fixturenames", ()):
            item.add_marker("voice")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build LiveKit now if it is needed, because it takes longer than the time limit of a test."""
    needs_livekit = any("livekit" in getattr(item, "fixturenames", ()) for item in session.items)
    if needs_livekit and not session.config.option.collectonly:
        echo = partial(print, file=sys.__stderr__, flush=True)
        try:
            livekit_binary.find_or_build(os.environ, echo)
        except StartupError as error:
            echo(f"VOICE CALLS ARE NOT TESTED: {error}")
    tune_gc()  # as the API does: the modules and the tests stay until the end


MAX_STALL_SECONDS = 0.2
"""A voice test that fails is repeated once if the machine stalled for longer meanwhile."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Repeat a voice test that failed while the machine could not run calls in real time, because its
    audio was late. A failure without a stall is never repeated, and the output ends with what was."""
    if item.get_closest_marker("voice") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    with measured_stalls() as stalls:
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failures = "\n".join(report.longreprtext for report in reports if report.failed)
    if failures and stalls.longest > MAX_STALL_SECONDS:
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        stalled = f"the machine stalled for {stalls.longest:.2f} s"
        reports[0].user_properties.append((REPEATED, f"{stalled}\n{failures}"))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which tests were repeated, and their first failures."""
    repeated = {
        report.nodeid: failures
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        for title, failures in report.user_properties
        if title == REPEATED
    }
    if repeated:
        terminalreporter.section(f"{len(repeated)} voice tests were repeated")
    for nodeid, failures in repeated.items():
        terminalreporter.write_line(f"{nodeid}: {failures}")


@pytest.fixture(scope="session")
def livekit(livekit_servers: LivekitServers) -> LivekitCredentials:
    """The credentials of a LiveKit server that runs for the whole test run."""
    return livekit_servers.credentials


@pytest.fixture(scope="session")
def livekit_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivekitServers]:
    """A LiveKit server with its Valkey, for the whole test run. CI must have one."""
    try:
        binary = livekit_binary.find_or_build(os.environ, print)
    except LivekitUnavailable as error:
        if os.environ.get("CI"):
            pytest.fail(f"voice calls cannot be tested: {error}")
        pytest.skip(f"VOICE CALLS ARE NOT TESTED: {error}")
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            livekit_server.started(tmp_path_factory.mktemp("state"), binary)
        ) as servers,
    ):
        yield servers


@pytest.fixture(scope="session")
def sip_emulator(livekit: LivekitCredentials) -> Iterator[SipServer]:
    """The emulator of livekit-sip next to the LiveKit server, for the whole test run."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_sip_emulator(livekit)) as emulator,
    ):
        yield emulator.server


@pytest.fixture(scope="session")
def livekit_sip(
    livekit_servers: LivekitServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SipServer]:
    """The real livekit-sip next to the LiveKit server, for the whole test run."""
    binary = find_livekit_sip(os.environ)
    if binary is None:
        pytest.skip("livekit-sip is neither on PATH nor named by LIVEKIT_SIP_BIN")
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            running_livekit_sip(livekit_servers, binary, tmp_path_factory.mktemp("livekit-sip"))
        ) as process,
    ):
        yield process.server


@pytest.fixture(scope="session")
def template(servers: tuple[str, str]) -> str:
    """The name of a migrated, empty database that tests copy."""
    url = servers[0]
    anyio.run(_execute, url, f"create database {TEMPLATE}")
    upgrade(_database(url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def settings(servers: tuple[str, str], template: str) -> AsyncIterator[Settings]:
    """Settings with a database that no other test uses."""
    name = f"studio_{secrets.token_hex(6)}"
    await _execute(servers[0], f"create database {name} template {template} strategy wal_log")
    yield Settings(
        database_url=_database(servers[0], name),
        redis_url=servers[1],
        secret_key=SECRET,
        trunk_allow=SOFTPHONE_NETWORK,
    )
    await _execute(servers[0], f"drop database {name} with (force)")


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    async with api_services(settings) as wired:
        yield wired


@pytest.fixture
async def tenant(settings: Settings) -> Tenant:
    return await new_tenant(settings, "acme")


@pytest.fixture
def viewer(tenant: Tenant) -> Viewer:
    return owner_of(tenant)


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    """The API with the real schema, and an owner's credentials."""
    async with running_api(services, settings, viewer, build_schema_with_loaders) as running:
        yield running


async def new_tenant(settings: Settings, slug: str) -> Tenant:
    connection = await asyncpg.connect(settings.database_url)
    try:
        id = await connection.fetchval(
            "insert into tenant (id, slug, name) values (gen_random_uuid(), $1, $1) returning id",
            slug,
        )
    finally:
        await connection.close()
    return Tenant(id=TenantId(id), slug=slug, name=slug)


def _database(url: str, name: str) -> str:
    return url.rsplit("/", 1)[0] + "/" + name


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
