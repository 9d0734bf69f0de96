"""One transaction for one tenant, and what watchers are told after its commit."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.access import TenantId
from domain.ports import Work
from persistence.calls import SqlCalls
from persistence.channels import Channels
from persistence.drafts import agents, tools, workflows
from persistence.hints import Hint
from persistence.outages import is_outage, unavailable
from persistence.versions import SqlVersions


class SqlWork:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self.hints: list[Hint] = []
        self.agents = agents(connection, tenant)
        self.tools = tools(connection, tenant)
        self.workflows = workflows(connection, tenant)
        self.versions = SqlVersions(connection, tenant)
        self.calls = SqlCalls(connection, tenant, self.hints)


class SqlStore:
    def __init__(self, engine: AsyncEngine, channels: Channels[object]) -> None:
        self._engine = engine
        self._channels = channels

    @asynccontextmanager
    async def work(self, tenant: TenantId) -> AsyncGenerator[Work]:
        try:
            async with self._engine.begin() as connection:
                await as_tenant(connection, tenant)
                work = SqlWork(connection, tenant)
                yield work
        except Exception as error:
            if is_outage(error):
                raise unavailable() from error
            raise
        # Commit first, tell afterwards.
        await self._channels.publish_many(work.hints)


AS_TENANT = text("select set_config('app.tenant', :tenant, true)")


async def as_tenant(connection: AsyncConnection, tenant: TenantId) -> None:
    await connection.execute(AS_TENANT, {"tenant": str(tenant)})
