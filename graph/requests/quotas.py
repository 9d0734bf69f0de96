"""Limits on concurrent sockets and subscriptions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from graphql import GraphQLError

from domain.common.access import Viewer
from domain.common.quota_warnings import warn_if_near
from domain.common.quotas import sockets_key, subscriptions_key
from domain.common.settings import Settings
from domain.ports import OpenCounts
from domain.tenants.budgets import Budget
from graph.requests.errors import graphql_error

TOO_MANY_SOCKETS = "TOO_MANY_SOCKETS"
TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"


@dataclass(slots=True)
class ProcessLimit:
    code: str
    description: str
    limit: int
    _in_use: Counter[str] = field(default_factory=Counter, repr=False)

    @contextmanager
    def acquire(self, holder: str) -> Iterator[None]:
        """Raises a `GraphQLError` with the code of the quota when the holder has reached the limit."""
        if self._in_use[holder] >= self.limit:
            message = f"At most {self.limit} {self.description} are allowed per process."
            raise graphql_error(message, self.code, limit=self.limit)
        self._in_use[holder] += 1
        try:
            yield
        finally:
            self._in_use[holder] -= 1
            if not self._in_use[holder]:
                del self._in_use[holder]


class Quotas:
    """The quotas for WebSockets and their subscriptions: those of this process, which protect it, and
    those of the tenant, which count what is open in all processes."""

    def __init__(self, settings: Settings, open_counts: OpenCounts) -> None:
        self._open_counts = open_counts
        self.address_sockets = ProcessLimit(
            TOO_MANY_SOCKETS, "WebSockets of one address", settings.max_sockets_per_address
        )
        self._key_sockets = ProcessLimit(
            TOO_MANY_SOCKETS, "WebSockets of one API key or user", settings.max_sockets_per_key
        )
        self._tenant_sockets = ProcessLimit(
            TOO_MANY_SOCKETS, "WebSockets of one tenant", settings.max_sockets_per_tenant
        )
        self._key_subscriptions = ProcessLimit(
            TOO_MANY_SUBSCRIPTIONS,
            "subscriptions of one API key or user",
            settings.max_subscriptions_per_key,
        )
        self._tenant_subscriptions = ProcessLimit(
            TOO_MANY_SUBSCRIPTIONS,
            "subscriptions of one tenant",
            settings.max_subscriptions_per_tenant,
        )

    async def socket(self, viewer: Viewer) -> AbstractContextManager[object]:
        """Acquire a socket; the context releases it. Raises a `GraphQLError`."""
        quota = TenantQuota(
            sockets_key(viewer.tenant_id),
            viewer.quotas.sockets,
            TOO_MANY_SOCKETS,
            Budget.SOCKETS,
        )
        return await self._acquire(viewer, self._key_sockets, self._tenant_sockets, quota)

    async def subscription(self, viewer: Viewer) -> AbstractContextManager[object]:
        """Acquire a subscription; the context releases it. Raises a `GraphQLError`."""
        quota = TenantQuota(
            subscriptions_key(viewer.tenant_id),
            viewer.quotas.subscriptions,
            TOO_MANY_SUBSCRIPTIONS,
            Budget.SUBSCRIPTIONS,
        )
        return await self._acquire(
            viewer, self._key_subscriptions, self._tenant_subscriptions, quota
        )

    async def _acquire(
        self, viewer: Viewer, of_key: ProcessLimit, of_tenant: ProcessLimit, quota: TenantQuota
    ) -> AbstractContextManager[object]:
        with ExitStack() as stack:
            stack.enter_context(of_key.acquire(viewer.subject))
            stack.enter_context(of_tenant.acquire(str(viewer.tenant_id)))
            total = await self._open_counts.acquire(quota.key, quota.limit)
            if total is None:
                raise quota.exceeded()
            stack.callback(self._open_counts.release, quota.key)
            warn_if_near(quota.budget.value, total, quota.limit)
            return stack.pop_all()


@dataclass(frozen=True, slots=True)
class TenantQuota:
    """A quota that the operator set for the tenant, over all processes."""

    key: str
    limit: int | None
    code: str
    budget: Budget

    def exceeded(self) -> GraphQLError:
        message = (
            f"All {self.limit} {self.budget.value.lower()} of the tenant are in use. Close others, or "
            "ask the operator of the installation to raise the quota."
        )
        return graphql_error(message, self.code, limit=self.limit, quota=self.budget.value)
