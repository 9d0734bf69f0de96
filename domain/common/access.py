"""Identity and permissions: tenants, persons, roles, scopes, and the viewer of a request."""

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
PersonId = NewType("PersonId", UUID)
SessionId = NewType("SessionId", UUID)
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
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    OWNERS_WRITE = "owners:write"
    IDENTITY_PROVIDERS_READ = "identity_providers:read"
    IDENTITY_PROVIDERS_WRITE = "identity_providers:write"
    AUDIT_READ = "audit:read"
    AUDIT_WRITE = "audit:write"
    INSTALLATION = "installation:manage"


INSTALLATION_SCOPES = frozenset({Scope.INSTALLATION})
"""What no role of a tenant includes: operators of the installation have it in addition."""
TENANT_SCOPES = frozenset(Scope) - INSTALLATION_SCOPES

OWNER_SCOPES = frozenset({Scope.OWNERS_WRITE, Scope.IDENTITY_PROVIDERS_WRITE, Scope.AUDIT_WRITE})
"""What only owners may do: make, change and remove owners, decide which identity providers the tenant
trusts, and set how long the audit log is kept."""
ADMIN_SCOPES = frozenset(
    {
        Scope.CREDENTIALS_READ,
        Scope.CREDENTIALS_WRITE,
        Scope.TELEPHONY_WRITE,
        Scope.MEMBERS_WRITE,
        Scope.IDENTITY_PROVIDERS_READ,
        Scope.AUDIT_READ,
    }
)
"""What only owners and admins may do. A trunk decides what calls may cost."""
READ_SCOPES = frozenset(scope for scope in Scope if scope.endswith(":read")) - ADMIN_SCOPES


class Role(StrEnum):
    """A named set of scopes."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    EDITOR = "EDITOR"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"


ROLE_SCOPES: dict[str, frozenset[Scope]] = {
    Role.OWNER: TENANT_SCOPES,
    Role.ADMIN: TENANT_SCOPES - OWNER_SCOPES,
    Role.EDITOR: TENANT_SCOPES - OWNER_SCOPES - ADMIN_SCOPES,
    Role.OPERATOR: READ_SCOPES | {Scope.CALLS_WRITE},
    Role.VIEWER: READ_SCOPES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The organisation that owns agents, workflows and calls; the isolation boundary."""

    id: TenantId
    slug: str
    name: str


def scopes_of_role(role: str) -> frozenset[Scope]:
    """The scopes of a role; a role that this release does not know has none."""
    return ROLE_SCOPES.get(role, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who signs in, to one tenant or to several."""

    id: PersonId
    email: str
    name: str | None = None
    password_set_at: datetime | None = None
    """When the password was set; None for a person without one, or with one from before that was
    recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a new session is based on: a password or another session. It must still hold when the session
    starts, so that none survives the change of the password or the end of all sessions."""

    password_of: Person | None = None
    session_id: SessionId | None = None


USER_SUBJECT, KEY_SUBJECT = "user", "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The authenticated person or API key of a request."""

    tenant_id: TenantId
    subject: str
    """`user:<id of the person>` or `key:<id>`"""
    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    session_id: SessionId | None = None
    """The session of a person; None for an API key."""
    is_confined: bool = False
    """Whether the session may use nothing of the person in other tenants, because only the owner of its
    tenant vouches for them."""
    quotas: TenantQuotas = NO_QUOTAS
    """Those of the tenant."""

    @property
    def person_id(self) -> PersonId | None:
        """The person; None for an API key."""
        id = self._id_of(USER_SUBJECT)
        return None if id is None else PersonId(id)

    @property
    def key_id(self) -> ApiKeyId | None:
        """The API key; None for a person."""
        id = self._id_of(KEY_SUBJECT)
        return None if id is None else ApiKeyId(id)

    def _id_of(self, kind: str) -> UUID | None:
        subject, _, id = self.subject.partition(":")
        return UUID(id) if subject == kind else None

    def require(self, scope: Scope) -> Viewer:
        if scope not in self.scopes:
            raise missing_scope(scope)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChanges:
    """Something changed about who may do what, so the credentials that it concerns must be looked up
    again: those of tenants, of members, of sessions, and API keys."""

    everything: bool = False
    tenants: frozenset[TenantId] = frozenset()
    members: frozenset[tuple[TenantId, PersonId]] = frozenset()
    sessions: frozenset[SessionId] = frozenset()
    keys: frozenset[ApiKeyId] = frozenset()

    def concern(self, viewer: Viewer) -> bool:
        return (
            self.everything
            or viewer.tenant_id in self.tenants
            or viewer.session_id in self.sessions
            or (bool(self.keys) and viewer.key_id in self.keys)
            or (bool(self.members) and (viewer.tenant_id, viewer.person_id) in self.members)
        )


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
