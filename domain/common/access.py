"""Identity and permissions: tenants, users, roles, scopes, and the viewer of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.common.errors import Forbidden
from domain.common.quotas import NO_QUOTAS, TenantQuotas

API_KEY_PREFIX = "as_"
"""A credential with this prefix is an API key; every other credential is an access token."""

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)


class Scope(StrEnum):
    """A permission of a credential, written as resource:action."""

    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    TOOLS_READ = "tools:read"
    TOOLS_WRITE = "tools:write"
    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_WRITE = "workflows:write"
    CALLS_READ = "calls:read"
    CALLS_WRITE = "calls:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    CREDENTIALS_READ = "credentials:read"
    CREDENTIALS_WRITE = "credentials:write"
    TELEPHONY_READ = "telephony:read"
    TELEPHONY_WRITE = "telephony:write"
    INSTALLATION = "installation:manage"


INSTALLATION_SCOPES = frozenset({Scope.INSTALLATION})
"""What no role of a tenant includes: operators of the installation have it in addition."""
TENANT_SCOPES = frozenset(Scope) - INSTALLATION_SCOPES

ADMIN_SCOPES = frozenset({Scope.CREDENTIALS_READ, Scope.CREDENTIALS_WRITE, Scope.TELEPHONY_WRITE})
"""What only owners and admins may do. A trunk decides what calls may cost."""
READ_SCOPES = frozenset(scope for scope in Scope if scope.endswith(":read")) - ADMIN_SCOPES


class Role(StrEnum):
    """A named set of scopes."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    EDITOR = "EDITOR"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"


ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.OWNER: TENANT_SCOPES,
    Role.ADMIN: TENANT_SCOPES,
    Role.EDITOR: TENANT_SCOPES - ADMIN_SCOPES,
    Role.OPERATOR: READ_SCOPES | {Scope.CALLS_WRITE},
    Role.VIEWER: READ_SCOPES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The organisation that owns agents, workflows and calls; the isolation boundary."""

    id: TenantId
    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who signs in."""

    id: UserId
    tenant_id: TenantId
    email: str
    role: Role
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The authenticated user or API key of a request."""

    tenant_id: TenantId
    subject: str
    """`user:<id>` or `key:<id>`"""
    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    quotas: TenantQuotas = NO_QUOTAS
    """Those of the tenant."""

    def require(self, scope: Scope) -> Viewer:
        if scope not in self.scopes:
            raise missing_scope(scope)
        return self


@dataclass(frozen=True, slots=True)
class Permissions:
    """A tenant and a set of scopes: viewers with equal permissions may see the same data."""

    tenant_id: TenantId
    scopes: frozenset[Scope]

    def require(self, scope: Scope) -> Permissions:
        if scope not in self.scopes:
            raise missing_scope(scope)
        return self


def missing_scope(scope: Scope) -> Forbidden:
    return Forbidden(f"This credential lacks the scope {scope}.")
