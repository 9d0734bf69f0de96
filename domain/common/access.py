"""Identity and permissions: tenants, persons, roles, scopes, and the viewer of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NewType
from uuid import UUID

from domain.common.errors import Forbidden, Path
from domain.common.networks import Network, is_in_networks
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
    CALLS_JOIN = "calls:join"
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
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    AUDIT_READ = "audit:read"
    AUDIT_WRITE = "audit:write"
    WORKERS_READ = "workers:read"
    INSTALLATION_MANAGE = "installation:manage"


INSTALLATION_SCOPES = frozenset({Scope.INSTALLATION_MANAGE})
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
        Scope.KEYS_READ,
        Scope.KEYS_WRITE,
        Scope.ROLES_WRITE,
        Scope.AUDIT_READ,
    }
)
"""What only owners and admins may do. A trunk decides what calls may cost."""
OPERATOR_SCOPES = frozenset({Scope.WORKERS_READ})
"""What every role may do but viewers."""
JOIN_SCOPES = frozenset({Scope.CALLS_JOIN})
"""What the server of a web page needs to let its visitors talk to an agent, and nothing else."""
READ_SCOPES = (
    frozenset(scope for scope in Scope if scope.endswith(":read")) - ADMIN_SCOPES - OPERATOR_SCOPES
)


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
    Role.OPERATOR: READ_SCOPES | OPERATOR_SCOPES | {Scope.CALLS_WRITE, Scope.CALLS_JOIN},
    Role.VIEWER: READ_SCOPES,
}


INCLUDED_SCOPES: Mapping[Scope, frozenset[Scope]] = {
    **{
        write: frozenset({read})
        for write in Scope
        for read in Scope
        if write.endswith(":write") and read == write.replace(":write", ":read")
    },
    Scope.CALLS_WRITE: frozenset({Scope.CALLS_READ, Scope.CALLS_JOIN}),
}
"""What a scope grants in addition: who may change something may also read it."""


def expand_scopes(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes with those that they include."""
    given = frozenset(scopes)
    return given.union(*(INCLUDED_SCOPES.get(scope, frozenset()) for scope in given))


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes of a tenant with these names, expanded. A name that only a newer release knows grants
    nothing."""
    named = set(names)
    return expand_scopes(scope for scope in TENANT_SCOPES if scope.value in named)


def scopes_of_role(role: str, custom: Iterable[str] | None) -> frozenset[Scope]:
    """What a role grants; `custom` holds the scopes of the tenant's own role of this name. A role that
    does not exist grants nothing."""
    if role in Role.__members__:
        return ROLE_SCOPES[Role(role)]
    return known_scopes(custom or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The organisation that owns agents, workflows and calls; the isolation boundary."""

    id: TenantId
    slug: str
    name: str


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
COMMAND_LINE = "command line"
"""Who did what was done on the command line of the installation, in place of a subject."""


def user_subject(person: UUID) -> str:
    return f"{USER_SUBJECT}:{person}"


def key_subject(key: UUID) -> str:
    return f"{KEY_SUBJECT}:{key}"


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
    networks: tuple[Network, ...] = ()
    """The networks that the credential may be used from; empty for any."""
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

    def require_person(self) -> PersonId:
        """The person who is signed in. Raises `Forbidden` for an API key."""
        if self.person_id is None:
            raise Forbidden("Only a signed-in user can do this; an API key is no user.")
        return self.person_id

    def require_own_account(self) -> PersonId:
        """The person, if they proved their identity themselves. Raises `Forbidden` for a session that
        only its tenant vouches for: its owner could otherwise act as the person in other tenants."""
        person = self.require_person()
        if self.is_confined:
            raise Forbidden(
                "Sign in with your password to do this; your session is for one tenant only."
            )
        return person

    def require_all(self, scopes: Iterable[Scope], path: Path | None = None) -> None:
        """Raise `Forbidden` unless the viewer has all of these scopes: no credential can grant, change or
        take away what it lacks itself."""
        missing = sorted(set(scopes) - self.scopes)
        if missing:
            raise Forbidden(
                "This credential can only give, change and remove roles and keys whose scopes it has; "
                f"it lacks: {', '.join(missing)}.",
                path,
            )

    def may_connect_from(self, address: str) -> bool:
        """Whether the credential may be used from this IP address; an unknown one is empty."""
        return not self.networks or is_in_networks(address, self.networks)


@dataclass(frozen=True, kw_only=True)
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
            or viewer.subject in self._subjects_of_keys
            or (viewer.tenant_id, viewer.subject) in self._subjects_of_members
        )

    # Thousands of viewers are compared with each change, so their subjects are not parsed.
    @cached_property
    def _subjects_of_keys(self) -> frozenset[str]:
        return frozenset(map(key_subject, self.keys))

    @cached_property
    def _subjects_of_members(self) -> frozenset[tuple[TenantId, str]]:
        return frozenset((tenant, user_subject(person)) for tenant, person in self.members)


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
    return missing_scopes([scope])


def missing_scopes(scopes: Sequence[Scope]) -> Forbidden:
    noun = "scope" if len(scopes) == 1 else "scopes"
    return Forbidden(f"This credential lacks the {noun} {', '.join(scopes)}.")
