"""The worker processes and their load."""

from __future__ import annotations

from domain.common.access import Scope
from domain.ports import WorkerPool
from resolvers.context import Ctx


async def worker_pool(info: Ctx) -> WorkerPool:
    viewer = info.context.require(Scope.WORKERS_READ)
    return await info.context.services.workers.pool(viewer.tenant_id)
