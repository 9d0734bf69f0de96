"""The members of a tenant, their sessions, and the invitations of those who are to become members."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType
from uuid import UUID

from domain.common.access import (
    PersonId,
    Scope,
    SessionId,
    Tenant,
)
from domain.common.errors import InvalidToken

InvitationId = NewType("InvitationId", UUID)

INVITATION_LIFETIME = timedelta(days=7)
PASSWORD_RESET_LIFETIME = timedelta(minutes=30)
MAX_OPEN_INVITATIONS = 500
MAX_SESSIONS_LISTED = 100
MAX_USER_AGENT_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a client shows of itself when it signs in."""

    address: str = ""
    """The IP address of the client; empty if unknown."""
    user_agent: str = ""


UNKNOWN_DEVICE = Device()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a tenant."""

    id: PersonId
    email: str
    name: str | None
    role: str
    scopes: frozenset[Scope]
    """What the role grants now."""
    managed_by: str | None
    """The identity provider that sets the role at each sign-in; None if members set it."""
    is_confined: bool
    """Whether only an identity provider vouches for the member, whose password counts in other tenants
    alone."""
    suspended_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None
    """When the person last signed in to the tenant or refreshed a session in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A tenant that a person may switch to."""

    tenant: Tenant
    role: str
    is_confined: bool
    """Whether the person signs in to this tenant with an identity provider only."""
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in of a person to a tenant, on one device."""

    id: SessionId
    tenant: Tenant
    person_id: PersonId
    device: Device
    created_at: datetime
    last_used_at: datetime
    ends_at: datetime | None
    """When the session ends although it is refreshed; None if refreshing prolongs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """The invitation of an e-mail address, which has not been accepted yet."""

    id: InvitationId
    email: str
    role: str
    invited_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvitation:
    """What the holder of the token of an invitation may know about it."""

    invitation: Invitation
    tenant: Tenant
    person_id: PersonId | None
    """The person who has the address already; None if accepting creates the person."""


@dataclass(frozen=True, slots=True)
class AccountLinks:
    """Where people accept invitations and set new passwords."""

    public_url: str
    is_mailed: bool
    """Whether links are sent by e-mail; otherwise they are shown to the person who asks for them."""

    def invitation(self, token: str) -> str:
        return self._link("invitation", token)

    def password_reset(self, token: str) -> str:
        return self._link("reset", token)

    def _link(self, purpose: str, token: str) -> str:
        # Servers and referrers never see a fragment.
        return f"{self.public_url.rstrip('/')}/studio/account/#{purpose}={token}"


def invalid_invitation() -> InvalidToken:
    return InvalidToken(
        "The invitation is not valid: it was used or withdrawn, or it has expired. Ask for another "
        "one.",
        ("token",),
    )


def tenant_words(tenant: Tenant) -> list[str]:
    """What an attacker knows of a tenant, and would try as a password."""
    return [tenant.slug, tenant.name]
