"""What signing in with identity providers and with a second factor needs from its environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.common.access import PersonId, TenantId
from domain.sign_in.identity_providers import (
    IdentityProviderId,
    ProviderClient,
    SignInOption,
)
from domain.sign_in.oidc import (
    AttemptCipher,
    Handoff,
    LogoutRequest,
    OidcClient,
    TakenHandoff,
    VerifiedIdentity,
)


class ProviderDirectory(Protocol):
    """Identity providers of any tenant, by their ids."""

    async def get(self, id: IdentityProviderId) -> ProviderClient | None:
        """Return the provider with its client secret. Raises `DecryptionKeyMissing`."""
        ...

    async def options(self, tenant_slug: str) -> Sequence[SignInOption]:
        """Return the enabled providers of a tenant, by label; nothing for an unknown tenant."""
        ...


class Handoffs(Protocol):
    async def store(self, handoff: Handoff, tenant: TenantId, expires_at: datetime) -> str:
        """Store the handoff and return the secret that takes it."""
        ...

    async def take(self, secret: str) -> TakenHandoff | None:
        """Return the handoff of the secret and delete it: of concurrent calls one gets it. None if
        there is none, or if it has expired."""
        ...


class IdentityLinks(Protocol):
    """The identities of the members of the tenant of a transaction."""

    async def add(self, identity: VerifiedIdentity, person: PersonId) -> None:
        """Link the identity to a member. Raises `AlreadyMember` when it is that of another member."""
        ...


class FederatedUsers(Protocol):
    """The users of a tenant that identity providers vouch for, and their sessions.

    An identity is the pair of issuer and subject. The owner of a tenant decides which issuer it trusts,
    so what an issuer says counts in that tenant alone."""

    async def admit(self, provider: ProviderClient, identity: VerifiedIdentity) -> PersonId:
        """Return the member of the tenant who has this identity, with the role that the provider
        manages. At the first contact the identity is linked to the member with the verified address,
        if its domain is trusted. Raises `SignInRefused`."""
        ...

    async def end_sessions(self, provider: ProviderClient, request: LogoutRequest) -> bool:
        """End the sessions that the provider has ended, and delete handoffs that would become such
        sessions. False: this logout token was used before."""
        ...


@dataclass(frozen=True, slots=True)
class FederatedSession:
    """Why a session exists: the provider that vouched for its user."""

    provider_id: IdentityProviderId
    subject: str
    session: str | None
    """The id of the session at the provider."""
    proven_at: datetime
    """Since when the provider vouches for the user, by the clock of the database. The session does not
    start if the provider has ended its own since then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleSignOn:
    """Everything that signing in with identity providers needs."""

    client: OidcClient
    attempts: AttemptCipher
    providers: ProviderDirectory
    handoffs: Handoffs
    users: FederatedUsers
    public_url: str
    """The URL at which browsers reach the API, without a slash at its end."""
    allowed_origins: tuple[str, ...]
    """The origins of pages to which a sign-in may return."""

    def start_url(self, provider: IdentityProviderId) -> str:
        return f"{self.public_url}/auth/{provider}/start"

    def redirect_uri(self, provider: IdentityProviderId) -> str:
        """Each provider has a redirect URI of its own, so that no provider gets a code that was meant
        for another one (RFC 9207, section 1)."""
        return f"{self.public_url}/auth/{provider}/callback"

    def logout_uri(self, provider: IdentityProviderId) -> str:
        return f"{self.public_url}/auth/{provider}/backchannel"


@dataclass(frozen=True, slots=True)
class TotpState:
    """Whether a person signs in with a second factor, and how many recovery codes are left."""

    is_active: bool
    recovery_codes_left: int


@dataclass(frozen=True, slots=True)
class PendingTotp:
    """A secret that waits for its first code."""

    secret: bytes = field(repr=False)
    enrolled_at: datetime


class SecondFactors(Protocol):
    """The second factors of people. A secret can be read only for a counted attempt, or while it is not
    active yet."""

    async def state(self, person: PersonId) -> TotpState: ...

    async def enrol(self, person: PersonId, secret: bytes) -> bool:
        """Store a secret that becomes active once it is confirmed. False: one is active already."""
        ...

    async def pending(self, person: PersonId) -> PendingTotp | None:
        """Return the secret that waits for its confirmation; None after a quarter of an hour."""
        ...

    async def confirm(
        self, person: PersonId, pending: PendingTotp, step: int, codes: Sequence[bytes]
    ) -> bool:
        """Activate the pending secret, whose code of this time step counts as used, with these digests
        of recovery codes. False: it is not pending any more."""
        ...

    async def begin_attempt(self, person: PersonId) -> bytes | None:
        """Count an attempt and return the secret to compare with; None if none is active. Raises
        `RateLimited` when too many attempts have failed of late."""
        ...

    async def accept_step(self, person: PersonId, secret: bytes, step: int) -> bool:
        """Mark the code of this time step as used, and forget failed attempts. False: it or a later one
        was used before."""
        ...

    async def use_recovery_code(self, person: PersonId, digest: bytes) -> bool:
        """Delete the recovery code. False: there is no such code, or it was used."""
        ...

    async def replace_recovery_codes(self, person: PersonId, codes: Sequence[bytes]) -> None: ...

    async def remove(self, person: PersonId) -> None:
        """Remove the secret and the recovery codes."""
        ...
