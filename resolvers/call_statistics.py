"""Statistics of the calls of a period."""

from __future__ import annotations

from datetime import datetime

from domain.calls.filters import CallFilter
from domain.calls.model import CallKind
from domain.calls.statistics import (
    FIRST_AUDIO_CALLS,
    CallStatistics,
    FirstAudio,
    period_problems,
)
from domain.common.access import Scope
from domain.common.lists import Window
from domain.common.problems import raise_all
from resolvers.context import Ctx


async def statistics(info: Ctx, since: datetime | None, until: datetime | None) -> CallStatistics:
    viewer, services = info.context.require(Scope.CALLS_READ), info.context.services
    now = services.clock()
    raise_all(period_problems(since, until, now))
    assert since is not None
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.calls.statistics(since, until or now)


async def first_audio(info: Ctx, counted: CallStatistics) -> FirstAudio | None:
    viewer, services = info.context.require(Scope.CALLS_READ), info.context.services
    voice = CallFilter(
        kinds=(CallKind.VOIP, CallKind.SIP),
        created_since=counted.since,
        created_until=counted.until,
        live=False,
    )
    async with services.store.transaction(viewer.tenant_id) as work:
        newest = await work.calls.page(Window(FIRST_AUDIO_CALLS), voice)
        return await work.calls.first_audio([call.id for call in newest.items])
