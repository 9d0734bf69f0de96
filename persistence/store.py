"""One transaction for one tenant, and what watchers are told after its commit."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.access import TenantId
from domain.pacer import TenantLimit
from domain.ports import Work
from persistence.calls import SqlCalls
from persistence.channels import Channels
from persistence.credentials import SqlCredentials
from persistence.drafts import agents, tools, workflows
from persistence.engine import driver
from persistence.hints import Hint
from persistence.outages import is_outage, unavailable
from persistence.pools import ACQUIRE_SECONDS
from persistence.recordings import SqlRecordings
from persistence.settings import SqlTenantSettings
from persistence.vault import Vault
from persistence.versions import SqlVersions


class SqlWork:
    def __init__(self, connection: AsyncConnection, tenant: TenantId, vault: Vault) -> None:
        self.hints: list[Hint] = []
        self.agents = agents(connection, tenant)
        self.tools = tools(connection, tenant)
        self.workflows = workflows(connection, tenant)
        self.versions = SqlVersions(connection, tenant)
        self.calls = SqlCalls(connection, tenant, self.hints)
        self.recordings = SqlRecordings(connection, tenant)
        self.settings = SqlTenantSettings(connection, tenant)
        self.credentials = SqlCredentials(connection, tenant, vault)


class SqlStore:
    """`at_once`: transactions that one tenant may have under way, so that none takes all
    connections from the others. Whoever comes after them waits, as for a connection."""

    def __init__(
        self, engine: AsyncEngine, channels: Channels[object], vault: Vault, at_once: int
    ) -> None:
        # The transaction is begun and ended here, in one round trip each.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._channels = channels
        self._vault = vault
        self._tenants = TenantLimit(at_once)

    def one_at_a_time(self) -> SqlStore:
        return SqlStore(self._engine, self._channels, self._vault, at_once=1)

    @asynccontextmanager
    async def work(self, tenant: TenantId) -> AsyncGenerator[Work]:
        try:
            async with (
                self._tenants.within(ACQUIRE_SECONDS, tenant),
                self._engine.connect() as connection,
                _transaction(connection, tenant),
            ):
                work = SqlWork(connection, tenant, self._vault)
                yield work
        except Exception as error:
            if is_outage(error):
                raise unavailable() from error
            raise
        # Commit first, tell afterwards.
        await self._channels.publish_many(work.hints)


@asynccontextmanager
async def _transaction(connection: AsyncConnection, tenant: TenantId) -> AsyncGenerator[None]:
    """One for this tenant; every request makes one, so it goes straight to the driver."""
    raw = await driver(connection)
    try:
        # A UUID and nothing else: simple queries take no parameters.
        await raw.execute(f"begin; select set_config('app.tenant', '{UUID(str(tenant))}', true)")
        yield
        await raw.execute("commit")
    except Exception as error:
        if is_outage(error):
            await connection.invalidate()
        else:
            await raw.execute("rollback")
        raise
    except BaseException:
        # Cancelled in mid-query: what the connection is at is not known.
        await connection.invalidate()
        raise


AS_TENANT = text("select set_config('app.tenant', :tenant, true)")


async def as_tenant(connection: AsyncConnection, tenant: TenantId) -> None:
    await connection.execute(AS_TENANT, {"tenant": str(tenant)})
