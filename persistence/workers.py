"""The worker processes and their load, for the API."""

from __future__ import annotations

import asyncpg

from domain.common.access import TenantId
from domain.common.lists import Count
from domain.ports import Worker, WorkerPool
from persistence.call_pages import MAX_EXACT_COUNT
from persistence.db_errors import translate_outages

HIDDEN = {"host": None, "calls": None, "voice_calls": None}
"""What would show a tenant the hosts of the installation and the load of other tenants."""


class SqlWorkers:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @translate_outages
    async def pool(self, tenant: TenantId, *, is_operator: bool) -> WorkerPool:
        rows = await self._pool.fetch("select * from worker_load($1)", tenant)
        [waiting] = await self._pool.fetch("select * from waiting_calls($1)", tenant)
        count: int = waiting["calls"]
        return WorkerPool(
            [Worker(**{**row, **({} if is_operator else HIDDEN)}) for row in rows],
            Count(count, is_estimate=count > MAX_EXACT_COUNT),
            waiting["oldest_at"],
        )
