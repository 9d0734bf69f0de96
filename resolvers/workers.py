"""The worker processes and their load."""

from __future__ import annotations

from domain.common.access import INSTALLATION_SCOPES, Scope
from domain.ports import WorkerPool
from resolvers.context import Ctx


async def worker_pool(info: Ctx) -> WorkerPool:
    viewer = info.context.require(Scope.WORKERS_READ)
    is_operator = viewer.scopes >= INSTALLATION_SCOPES
    return await info.context.services.workers.pool(viewer.tenant_id, is_operator=is_operator)
