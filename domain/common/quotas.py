"""The quotas that an operator sets for a tenant. None is no limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from uuid import UUID

from domain.common.settings import Settings

WARNING_FRACTION = 0.8
"""From this part of a quota on, a tenant is warned."""
DEFAULT_REQUESTS_FACTOR = 10
"""How often the allowance of one key a tenant has, unless the operator sets its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantQuotas:
    requests_per_minute: int | None = None
    sockets: int | None = None
    subscriptions: int | None = None
    agents: int | None = None
    tools: int | None = None
    workflows: int | None = None
    storage_megabytes: int | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> TenantQuotas:
        """The quotas of tenants that have none of their own."""
        requests = settings.tenant_requests_per_minute or (
            DEFAULT_REQUESTS_FACTOR * settings.requests_per_minute
        )
        return cls(
            requests_per_minute=requests,
            sockets=settings.tenant_sockets or None,
            subscriptions=settings.tenant_subscriptions or None,
            agents=settings.tenant_agents or None,
            tools=settings.tenant_tools or None,
            workflows=settings.tenant_workflows or None,
            storage_megabytes=settings.tenant_storage_megabytes or None,
        )

    def override(self, own: Mapping[str, int]) -> TenantQuotas:
        """These quotas with those of the tenant in their place, in which 0 is no limit."""
        known = {name: own[name] for name in QUOTA_NAMES if name in own}
        values = {name: getattr(self, name) for name in QUOTA_NAMES}
        return TenantQuotas(**values | {name: value or None for name, value in known.items()})


NO_QUOTAS = TenantQuotas()
QUOTA_NAMES = tuple(field.name for field in fields(TenantQuotas))
MAX_QUOTA = 1_000_000_000


def is_near(used: float, limit: float | None) -> bool:
    """Whether a tenant is warned that little of the quota is left."""
    return limit is not None and used >= WARNING_FRACTION * limit


# ---- keys of shared counts ------------------------------------------------------------------


def request_key(tenant: UUID, subject: str | None = None) -> str:
    """The key of the requests of a tenant, or of one of its subjects."""
    return str(tenant) if subject is None else f"{tenant}:{subject}"


def sockets_key(tenant: UUID) -> str:
    return f"sockets:{tenant}"


def subscriptions_key(tenant: UUID) -> str:
    return f"subscriptions:{tenant}"
