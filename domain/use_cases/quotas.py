"""The quotas of a tenant: refusing what exceeds them, and how much of them is used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from domain.common.access import Viewer
from domain.common.quota_warnings import warn_if_near
from domain.common.quotas import request_key, sockets_key, subscriptions_key
from domain.ports import Drafts, Services, UnitOfWork
from domain.tenants.budgets import Budget, BudgetStatus, quota_exceeded, quota_status

T = TypeVar("T")
S = TypeVar("S")

BYTES_PER_MEGABYTE = 1_000_000
PERIOD_SECONDS = 60


async def check_added_draft(drafts: Drafts[Any, Any], budget: Budget, limit: int | None) -> None:
    """Raise `QuotaExceeded` if the draft that the transaction has added exceeds the quota. Others of
    the tenant wait until it ends, so that no two of them use the same place."""
    if limit is not None:
        _check_added(budget, limit, await drafts.locked_count(), added=1)


async def upsert_within_quota(
    drafts: Drafts[T, S], specs: Sequence[S], budget: Budget, limit: int | None
) -> Sequence[T]:
    """`upsert_all`, which raises `QuotaExceeded` if it adds more drafts than the quota allows."""
    if limit is None:
        return await drafts.upsert_all(specs)
    before = await drafts.locked_count()
    written = await drafts.upsert_all(specs)
    count = await drafts.count()
    if count > before:
        _check_added(budget, limit, count, count - before)
    return written


def _check_added(budget: Budget, limit: int, count: int, added: int) -> None:
    """Check the count of drafts, of which the transaction has added some."""
    if count > limit:
        raise quota_exceeded(budget, count - added, limit)
    warn_if_near(budget.value, count, limit)


async def check_storage(work: UnitOfWork, viewer: Viewer) -> None:
    """Raise `QuotaExceeded` if the tenant stored too much when that was last measured."""
    limit = viewer.quotas.storage_megabytes
    if limit is None:
        return
    used = await work.usage.storage_bytes() / BYTES_PER_MEGABYTE
    if used >= limit:
        raise quota_exceeded(Budget.STORAGE_MEGABYTES, round(used, 1), limit)
    warn_if_near(Budget.STORAGE_MEGABYTES.value, round(used, 1), limit)


async def quota_statuses(services: Services, viewer: Viewer) -> tuple[BudgetStatus, ...]:
    quotas, tenant = viewer.quotas, viewer.tenant_id
    counts = services.open_counts
    async with services.store.transaction(tenant) as work:
        agents, tools = await work.agents.count(), await work.tools.count()
        workflows = await work.workflows.count()
        storage = await work.usage.storage_bytes() / BYTES_PER_MEGABYTE
    return (
        await _request_status(services, viewer),
        quota_status(Budget.SOCKETS, await counts.total(sockets_key(tenant)), quotas.sockets),
        quota_status(
            Budget.SUBSCRIPTIONS,
            await counts.total(subscriptions_key(tenant)),
            quotas.subscriptions,
        ),
        quota_status(Budget.AGENTS, agents, quotas.agents),
        quota_status(Budget.TOOLS, tools, quotas.tools),
        quota_status(Budget.WORKFLOWS, workflows, quotas.workflows),
        quota_status(Budget.STORAGE_MEGABYTES, round(storage, 3), quotas.storage_megabytes),
    )


async def _request_status(services: Services, viewer: Viewer) -> BudgetStatus:
    limit = viewer.quotas.requests_per_minute
    if limit is None:
        return quota_status(Budget.REQUESTS_PER_MINUTE, 0, None)
    tenant = viewer.tenant_id
    left = await services.limiter.spend(request_key(tenant), 0, limit, group=str(tenant))
    used = limit - left.remaining
    resets_at = services.clock() + timedelta(seconds=math.ceil(used * PERIOD_SECONDS / limit))
    return quota_status(Budget.REQUESTS_PER_MINUTE, used, limit, resets_at)
