"""The recording of a call, and the way to it."""

from __future__ import annotations

from datetime import datetime

from domain.access import Scope
from domain.actions.recordings import link_to
from domain.calls import Call
from domain.recordings import Recording
from resolvers.context import Ctx
from resolvers.loaders import loaders


async def recording(info: Ctx, call: Call) -> Recording | None:
    viewer = info.context.require(Scope.CALLS_READ)
    loader = loaders().by_id(info.context.services, viewer.tenant_id, "recordings")
    found: Recording | None = await loader.load(call.id)
    return found


async def link(info: Ctx, recording: Recording) -> tuple[str, datetime] | None:
    info.context.require(Scope.CALLS_READ)
    return await link_to(info.context.services, recording)
