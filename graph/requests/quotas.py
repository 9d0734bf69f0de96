"""Limits on concurrent sockets and subscriptions. Each process counts its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.common.access import Viewer
from domain.common.settings import Settings
from graph.requests.errors import graphql_error

TOO_MANY_SOCKETS = "TOO_MANY_SOCKETS"
TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"


@dataclass(slots=True)
class Quota:
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
    """The quotas for WebSockets and their subscriptions."""

    def __init__(self, settings: Settings) -> None:
        self.address_sockets = Quota(
            TOO_MANY_SOCKETS, "WebSockets of one address", settings.max_sockets_per_address
        )
        self._key_sockets = Quota(
            TOO_MANY_SOCKETS, "WebSockets of one API key or user", settings.max_sockets_per_key
        )
        self._tenant_sockets = Quota(
            TOO_MANY_SOCKETS, "WebSockets of one tenant", settings.max_sockets_per_tenant
        )
        self._key_subscriptions = Quota(
            TOO_MANY_SUBSCRIPTIONS,
            "subscriptions of one API key or user",
            settings.max_subscriptions_per_key,
        )
        self._tenant_subscriptions = Quota(
            TOO_MANY_SUBSCRIPTIONS,
            "subscriptions of one tenant",
            settings.max_subscriptions_per_tenant,
        )

    @contextmanager
    def socket(self, viewer: Viewer) -> Iterator[None]:
        with (
            self._key_sockets.acquire(viewer.subject),
            self._tenant_sockets.acquire(str(viewer.tenant_id)),
        ):
            yield

    @contextmanager
    def subscription(self, viewer: Viewer) -> Iterator[None]:
        with (
            self._key_subscriptions.acquire(viewer.subject),
            self._tenant_subscriptions.acquire(str(viewer.tenant_id)),
        ):
            yield
