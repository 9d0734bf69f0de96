"""Signing in with an identity provider: from the page to the provider, back with a code, and a handoff for
which the page gets its tokens."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from domain.audit.model import AuditKind, AuditNote
from domain.audit.origin import on_behalf_of
from domain.common.access import Person, PersonId
from domain.common.errors import (
    AlreadyMember,
    InvalidInput,
    InvalidToken,
    NotFound,
    SignInFailed,
    SignInRefused,
    Unauthenticated,
)
from domain.common.networks import client_network
from domain.ports import Services, TokenPair
from domain.sign_in.identity_providers import (
    IdentityProviderId,
    ProviderClient,
    RefusalReason,
    SignInOption,
)
from domain.sign_in.oidc import (
    HANDOFF_LIFETIME,
    AuthorizationResponse,
    Handoff,
    SignInAttempt,
    VerifiedIdentity,
    check_challenge,
    check_return_to,
    check_state,
    new_attempt,
    proves,
    verified_identity,
)
from domain.sign_in.ports import FederatedSession
from domain.tenants.members import Device, invalid_invitation
from domain.use_cases.members import check_invitation_token, read_invitation
from domain.use_cases.rate_limits import charge

SIGN_INS_PER_MINUTE = 60
"""Requests to begin or to end a sign-in, per network."""
LOGOUTS_PER_MINUTE = 600
MAX_SECRET_LENGTH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedSignIn:
    """Where the browser goes, and what it keeps until it comes back."""

    url: str
    attempt: SignInAttempt
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedSignIn:
    pair: TokenPair
    end_session_url: str | None
    """Where the user can end the session at the provider; None if it offers nothing."""


async def sign_in_options(services: Services, tenant_slug: str) -> Sequence[SignInOption]:
    return await services.single_sign_on.providers.options(tenant_slug)


async def start_sign_in(
    services: Services, id: IdentityProviderId, challenge: str, return_to: str, address: str
) -> StartedSignIn:
    await _charge_sign_in(services, address)
    sso = services.single_sign_on
    check_challenge(challenge)
    check_return_to(return_to, sso.allowed_origins)
    provider = await _enabled_provider(services, id)
    attempt = new_attempt(id, challenge, return_to, services.clock())
    url = await sso.client.authorization_url(provider, attempt, sso.redirect_uri(id))
    return StartedSignIn(url=url, attempt=attempt, cookie=sso.attempts.encrypt(attempt))


async def receive_response(
    services: Services,
    id: IdentityProviderId,
    attempt: SignInAttempt,
    response: AuthorizationResponse,
    address: str,
) -> str:
    """Redeem the code of the provider, and return the secret of a handoff."""
    await _charge_sign_in(services, address)
    sso = services.single_sign_on
    if attempt.provider_id != id:
        raise SignInFailed("The response comes from another identity provider.", ())
    check_state(attempt, response.state, services.clock())
    provider = await _enabled_provider(services, id)
    proven = await sso.client.redeem(provider, attempt, response, sso.redirect_uri(id))
    with _noting_refusals(services, provider):
        identity = verified_identity(provider.spec, proven)
    handoff = Handoff(provider_id=id, challenge=attempt.challenge, identity=identity)
    until = services.clock() + HANDOFF_LIFETIME
    return await sso.handoffs.store(handoff, provider.tenant_id, until)


async def finish_sign_in(
    services: Services,
    secret: str,
    verifier: str,
    device: Device,
    invitation: str | None = None,
) -> FinishedSignIn:
    """Exchange a handoff for tokens. It is deleted before the verifier is compared, so that a wrong guess
    leaves nothing to guess at."""
    if invitation is not None:
        check_invitation_token(invitation, ("invitation",))
    taken = None
    if len(secret) <= MAX_SECRET_LENGTH:
        taken = await services.single_sign_on.handoffs.take(secret)
    if taken is None or not proves(verifier, taken.handoff.challenge):
        raise Unauthenticated(
            "The handoff is unknown, was used, has expired, or belongs to another verifier; sign in "
            "again.",
            ("handoff",),
        )
    identity = taken.handoff.identity
    provider = await _enabled_provider(services, taken.handoff.provider_id)
    if invitation is not None:
        try:
            await _accept_invitation(services, provider, identity, invitation)
        except (AlreadyMember, InvalidInput, InvalidToken) as error:
            raise error.renamed({("token",): "invitation"}) from None
    with _noting_refusals(services, provider, identity), on_behalf_of(_actor(provider)):
        person = await services.single_sign_on.users.admit(provider, identity)
    pair = await services.accounts.sign_in(
        person,
        provider.tenant_id,
        device,
        ends_at=services.clock() + timedelta(hours=provider.spec.session_hours),
        federated=FederatedSession(
            provider.id, identity.subject, identity.session, taken.stored_at
        ),
    )
    return FinishedSignIn(pair=pair, end_session_url=identity.end_session_url)


async def _accept_invitation(
    services: Services, provider: ProviderClient, identity: VerifiedIdentity, token: str
) -> None:
    """Make the holder of the invitation a member, and link their identity, in one transaction. The token
    shows that they receive the e-mail of the invited address."""
    found = await read_invitation(services, token)
    if found is None:
        raise invalid_invitation()
    if found.tenant.id != provider.tenant_id:
        raise InvalidToken(
            "The invitation is for another tenant; open its link again, and sign in there.",
            ("token",),
        )
    is_new = found.person_id is None
    person = Person(id=found.person_id or PersonId(uuid4()), email=found.invitation.email)
    async with services.store.transaction(provider.tenant_id) as work:
        await work.invitations.accept(
            found.invitation.id, person, None, is_new=is_new, is_confined=True
        )
        await work.identity_links.add(identity, person.id)


async def log_out_by_provider(
    services: Services, id: IdentityProviderId, token: str, address: str
) -> None:
    """End the sessions that a provider has ended (OpenID Connect Back-Channel Logout). Raises
    `SignInFailed` unless the token is valid and was not used before."""
    key = f"sign-out:{client_network(address)}"
    await charge(services.limiter, key, LOGOUTS_PER_MINUTE, "notices of a logout")
    sso = services.single_sign_on
    provider = await _existing_provider(services, id)
    request = await sso.client.read_logout_token(provider, token)
    with on_behalf_of(_actor(provider)):
        is_new = await sso.users.end_sessions(provider, request)
    if not is_new:
        raise SignInFailed("The logout token was used before.", ())


def _actor(provider: ProviderClient) -> str:
    """The provider in the audit log, which decides who its users are and what roles they have."""
    return f"identity_provider:{provider.id}"


@contextmanager
def _noting_refusals(
    services: Services, provider: ProviderClient, identity: VerifiedIdentity | None = None
) -> Generator[None]:
    """Add an entry to the audit log of the tenant if the user is not admitted."""
    try:
        yield
    except SignInRefused as refusal:
        details = {"code": refusal.reason}
        if identity is not None:
            details["subject"] = identity.subject
        note = AuditNote(
            kind=AuditKind.SIGN_IN_FAILED,
            target_kind="identity_provider",
            target=str(provider.id),
            target_name=provider.spec.name,
            details=details,
        )
        services.audit_notes.put(provider.tenant_id, note)
        raise


async def _existing_provider(services: Services, id: IdentityProviderId) -> ProviderClient:
    provider = await services.single_sign_on.providers.get(id)
    if provider is None:
        raise NotFound("There is no such identity provider.", ())
    return provider


async def _enabled_provider(services: Services, id: IdentityProviderId) -> ProviderClient:
    provider = await _existing_provider(services, id)
    if not provider.spec.is_enabled:
        raise SignInRefused(
            f"Signing in with {provider.spec.label} is switched off.",
            (),
            reason=RefusalReason.PROVIDER_DISABLED,
        )
    return provider


async def _charge_sign_in(services: Services, address: str) -> None:
    key = f"sign-in:{client_network(address)}"
    await charge(services.limiter, key, SIGN_INS_PER_MINUTE, "attempts to sign in")
