"""Suites of simulations made from calls that were."""

from __future__ import annotations

from typing import Any

from domain.access import Scope
from domain.suites import suite_from
from resolvers import calls, workflows
from resolvers.context import Ctx
from resolvers.loaders import whole_log


async def from_call(info: Ctx, id: str) -> dict[str, Any] | None:
    viewer = info.context.require(Scope.CALLS_READ)
    call = await calls.call(info, id)
    version = await workflows.version(info, call.version_id) if call else None
    if call is None or version is None:
        return None
    async with info.context.services.store.work(viewer.tenant_id) as work:
        log = await whole_log(work, call.id)
    return suite_from(call, version.snapshot.workflow.name, log)
