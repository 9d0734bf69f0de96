"""The viewers that tests act as."""

from __future__ import annotations

from domain.common.access import ROLE_SCOPES, Role, Tenant, Viewer

PASSWORD = "seven unrelated green chairs"


def owner_of(tenant: Tenant) -> Viewer:
    return member_of(tenant, Role.OWNER)


def member_of(tenant: Tenant, role: Role) -> Viewer:
    return Viewer(
        tenant_id=tenant.id,
        subject="user:00000000-0000-0000-0000-000000000001",
        scopes=ROLE_SCOPES[role],
    )
