"""One transaction for one tenant, and what watchers are told after its commit."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import TenantId
from domain.common.pacing import TenantConcurrencyLimit
from domain.ports import UnitOfWork
from persistence.calls import SqlCalls
from persistence.connection_pool import ACQUIRE_TIMEOUT_SECONDS
from persistence.credentials import SqlCredentials
from persistence.db_errors import database_unavailable, is_outage
from persistence.drafts import agents, tools, workflows
from persistence.notifications import Notification
from persistence.pubsub import Channels
from persistence.recordings import SqlRecordings
from persistence.settings import SqlTenantSettings
from persistence.sqlalchemy_engine import driver_connection
from persistence.vault import Vault
from persistence.versions import SqlVersions


class SqlUnitOfWork:
    def __init__(self, connection: AsyncConnection, tenant: TenantId, vault: Vault) -> None:
        self.notifications: list[Notification] = []
        self.agents = agents(connection, tenant)
        self.tools = tools(connection, tenant)
        self.workflows = workflows(connection, tenant)
        self.versions = SqlVersions(connection, tenant)
        self.calls = SqlCalls(connection, tenant, self.notifications)
        self.recordings = SqlRecordings(connection, tenant)
        self.settings = SqlTenantSettings(connection, tenant)
        self.credentials = SqlCredentials(connection, tenant, vault)


class SqlStore:
    """`at_once`: transactions that one tenant may have under way, so that none takes all
    connections from the others. Whoever comes after them waits, as for a connection."""

    def __init__(
        self, engine: AsyncEngine, channels: Channels[object], vault: Vault, max_transactions: int
    ) -> None:
        # The transaction is begun and ended here, in one round trip each.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._channels = channels
        self._vault = vault
        self._tenant_limit = TenantConcurrencyLimit(max_transactions)

    def serialized_per_tenant(self) -> SqlStore:
        return SqlStore(self._engine, self._channels, self._vault, max_transactions=1)

    @asynccontextmanager
    async def transaction(self, tenant: TenantId) -> AsyncGenerator[UnitOfWork]:
        try:
            async with (
                self._tenant_limit.acquire(ACQUIRE_TIMEOUT_SECONDS, tenant),
                self._engine.connect() as connection,
                _transaction(connection, tenant),
            ):
                work = SqlUnitOfWork(connection, tenant, self._vault)
                yield work
        except Exception as error:
            if is_outage(error):
                raise database_unavailable() from error
            raise
        # Commit first, tell afterwards.
        await self._channels.publish_many(work.notifications)


@asynccontextmanager
async def _transaction(connection: AsyncConnection, tenant: TenantId) -> AsyncGenerator[None]:
    """One for this tenant; every request makes one, so it goes straight to the driver."""
    raw = await driver_connection(connection)
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


SET_TENANT = text("select set_config('app.tenant', :tenant, true)")


async def set_tenant(connection: AsyncConnection, tenant: TenantId) -> None:
    await connection.execute(SET_TENANT, {"tenant": str(tenant)})
