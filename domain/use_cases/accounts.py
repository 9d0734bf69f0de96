"""Signing in and out, sessions, passwords, and switching between tenants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.common.access import Person, PersonId, SessionId, TenantId, Verified, Viewer
from domain.common.errors import (
    Forbidden,
    InvalidInput,
    InvalidToken,
    NotFound,
    RateLimited,
    Unauthenticated,
)
from domain.common.text_validation import check_email, check_text
from domain.ports import Services, TokenPair
from domain.tenants.mail import password_reset_mail
from domain.tenants.members import UNKNOWN_DEVICE, Device, Membership, Session, tenant_words
from domain.tools.network_allow_list import client_network
from domain.use_cases.second_factor import check_second_factor

MAX_NAME_LENGTH = 100
RESETS_PER_NETWORK, RESETS_PER_EMAIL = 10, 2
"""Links to set a new password that may be asked for per minute. A keeper sends fewer."""
PASSWORD_CHANGES_PER_MINUTE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLimits:
    """How many attempts to sign in are allowed per minute."""

    email_from_network: int = 10
    """Attempts for one e-mail address from one network."""
    network: int = 60
    """Attempts from one network, for any e-mail addresses."""
    email: int = 60
    """Attempts for one e-mail address from all networks together. Beyond it, only networks are
    admitted from which the person has signed in, so that strangers cannot lock the person out."""


async def login(
    services: Services,
    email: str,
    password: str,
    device: Device = UNKNOWN_DEVICE,
    tenant: str | None = None,
    attempts: LoginLimits = LoginLimits(),
    code: str | None = None,
) -> tuple[Person, TokenPair]:
    """Sign in to the tenant with this slug, or else to the one that the person used last. `code` is that
    of a second factor."""
    person = await authenticate(services, email, password, device, attempts, code)
    id = None if tenant is None else await _tenant_with_slug(services, person.id, tenant)
    verified = Verified(password_of=person)
    return person, await services.accounts.sign_in(person.id, id, device, verified=verified)


async def _tenant_with_slug(services: Services, person: PersonId, slug: str) -> TenantId:
    for membership in await services.accounts.memberships(person):
        if membership.tenant.slug == slug:
            return membership.tenant.id
    raise Unauthenticated(f"You do not belong to the tenant {slug!r}.", ("tenant",))


async def authenticate(
    services: Services,
    email: str,
    password: str,
    device: Device,
    attempts: LoginLimits = LoginLimits(),
    code: str | None = None,
) -> Person:
    """The person with this e-mail address and password, and with this code if they have a second
    factor. Every way to sign in with a password passes through here."""
    check_text(email, ("email",), max_length=254, min_length=1)
    check_text(password, ("password",), max_length=1_024, min_length=1)
    email, network = email.strip().lower(), client_network(device.address)
    await _check_rate_limits(services, attempts, email, network)
    person = await services.accounts.authenticate_password(email, password)
    if person is None:
        services.audit_notes.put_failed_sign_in(email, "password")
        raise Unauthenticated("The e-mail address or the password is wrong.", ())
    try:
        await check_second_factor(services, person.id, code, device.address)
    except Unauthenticated:
        services.audit_notes.put_failed_sign_in(email, "code")
        raise
    return person


async def _check_rate_limits(
    services: Services, attempts: LoginLimits, email: str, network: str
) -> None:
    # A network that exceeds its own limit does not use up the shared limit of the e-mail address.
    # No e-mail address can collide with the key of another limit.
    for key, per_minute in (
        (f"login:both:{network} {email}", attempts.email_from_network),
        (f"login:network:{network}", attempts.network),
    ):
        result = await services.limiter.spend(key, 1, per_minute)
        if not result.allowed:
            raise _rate_limited("attempts to sign in", result.retry_after)
    result = await services.limiter.spend(f"login:email:{email}", 1, attempts.email)
    if not result.allowed and not await services.accounts.is_known_network(email, network):
        raise _rate_limited("attempts to sign in", result.retry_after)


# ---- sessions ----------------------------------------------------------------------------------


async def switch_tenant(
    services: Services, viewer: Viewer, tenant: TenantId, device: Device
) -> TokenPair:
    """Start another session, in the other tenant. The present one continues."""
    person = require_own_account(viewer)
    memberships = await services.accounts.memberships(person)
    if tenant not in {membership.tenant.id for membership in memberships}:
        raise NotFound("You do not belong to such a tenant.", ("id",))
    verified = Verified(session_id=viewer.session_id)
    return await services.accounts.sign_in(person, tenant, device, verified=verified)


async def list_memberships(services: Services, viewer: Viewer) -> Sequence[Membership]:
    memberships = await services.accounts.memberships(require_person(viewer))
    return [each for each in memberships if _may_use(viewer, each.tenant.id)]


async def list_sessions(services: Services, viewer: Viewer) -> Sequence[Session]:
    sessions = await services.accounts.sessions(require_person(viewer))
    return [each for each in sessions if _may_use(viewer, each.tenant.id)]


async def end_session(services: Services, viewer: Viewer, id: SessionId) -> None:
    mine = {session.id for session in await list_sessions(services, viewer)}
    if id not in mine or not await services.accounts.end_session(require_person(viewer), id):
        raise NotFound("There is no such session.", ("id",))


async def end_sessions(services: Services, viewer: Viewer, *, keep_current: bool) -> int:
    keep = viewer.session_id if keep_current else None
    tenant = viewer.tenant_id if viewer.is_confined else None
    return await services.accounts.end_sessions(require_person(viewer), keep, tenant)


def _may_use(viewer: Viewer, tenant: TenantId) -> bool:
    return not viewer.is_confined or tenant == viewer.tenant_id


def require_person(viewer: Viewer) -> PersonId:
    """The person who is signed in. Raises `Forbidden` for an API key."""
    if viewer.person_id is None:
        raise Forbidden("Only a signed-in user can do this; an API key is no user.")
    return viewer.person_id


def require_own_account(viewer: Viewer) -> PersonId:
    """The person, if they proved their identity themselves. Raises `Forbidden` for a session that only
    its tenant vouches for: its owner could otherwise act as the person in other tenants."""
    person = require_person(viewer)
    if viewer.is_confined:
        raise Forbidden(
            "Sign in with your password to do this; your session is for one tenant only."
        )
    return person


# ---- the person --------------------------------------------------------------------------------


async def update_profile(services: Services, viewer: Viewer, name: str | None) -> Person:
    id = require_own_account(viewer)
    await services.accounts.rename(id, check_person_name(name, ("name",)))
    return await _signed_in_person(services, id)


def check_person_name(name: str | None, path: tuple[str, ...]) -> str | None:
    """The name on one line; None for an empty one."""
    check_text(name, path, max_length=MAX_NAME_LENGTH)
    return " ".join((name or "").split()) or None


async def change_password(services: Services, viewer: Viewer, current: str, new: str) -> None:
    """Change the password and end the other sessions of the person."""
    person = await _signed_in_person(services, require_own_account(viewer))
    check_text(current, ("currentPassword",), max_length=1_024, min_length=1)
    await _check_password_guesses(services, person)
    if await services.accounts.authenticate_password(person.email, current) is None:
        raise Unauthenticated("The current password is wrong.", ("currentPassword",))
    hashed = await _hash_new_password(services, person, viewer.tenant_id, new, "newPassword")
    await services.accounts.set_password(person.id, hashed, viewer.session_id)


async def _check_password_guesses(services: Services, person: Person) -> None:
    # A stolen access token must not be enough to guess the password.
    result = await services.limiter.spend(f"password:{person.id}", 1, PASSWORD_CHANGES_PER_MINUTE)
    if not result.allowed:
        raise _rate_limited("attempts to change the password", result.retry_after)


async def request_password_reset(services: Services, email: str, device: Device) -> None:
    """Send a link to set a new password to the address, if a person has it."""
    email = email.strip().lower()
    check_email(email, ("email",))
    if not services.account_links.is_mailed:
        raise InvalidInput(
            "This installation sends no e-mail. An admin of your tenant can give you a link with "
            "`createPasswordResetLink`.",
            (),
        )
    network = client_network(device.address)
    for key, per_minute in (
        (f"reset:network:{network}", RESETS_PER_NETWORK),
        (f"reset:email:{email}", RESETS_PER_EMAIL),
    ):
        result = await services.limiter.spend(key, 1, per_minute)
        if not result.allowed:
            raise _rate_limited("requests for a new password", result.retry_after)
    await services.accounts.request_password_reset(
        email, lambda token: password_reset_mail(services.account_links.password_reset(token))
    )


async def reset_password(services: Services, token: str, new: str) -> None:
    """Set a new password with the token of a link, and end all sessions of the person."""
    check_text(token, ("token",), max_length=200)
    person = await services.accounts.find_password_reset(token)
    if person is None:
        raise _invalid_reset()
    hashed = await _hash_new_password(services, person, None, new, "newPassword")
    if not await services.accounts.use_password_reset(token, hashed):
        raise _invalid_reset()


async def _hash_new_password(
    services: Services, person: Person, tenant: TenantId | None, password: str, field: str
) -> str:
    known = [person.email, person.name or ""]
    if tenant is not None:
        known += tenant_words(await services.accounts.tenant(tenant))
    return await hash_checked_password(services, password, known, (field,))


async def hash_checked_password(
    services: Services, password: str, known: Sequence[str], path: tuple[str, ...]
) -> str:
    """`known` are words that an attacker knows of the person. Raises `InvalidInput` unless the password
    is good enough."""
    try:
        await services.accounts.check_password(password, known)
    except InvalidInput as problem:
        raise InvalidInput(problem.message, path) from None
    return await services.accounts.hash_password(password)


async def _signed_in_person(services: Services, id: PersonId) -> Person:
    person = await services.accounts.person(id)
    if person is None:
        raise Unauthenticated("The session is over; sign in again.", ())
    return person


def _invalid_reset() -> InvalidToken:
    return InvalidToken(
        "The link is not valid: it was used or replaced by another one, or it has expired. Ask for "
        "another one.",
        ("token",),
    )


def _rate_limited(what: str, seconds: float) -> RateLimited:
    return RateLimited(
        f"Too many {what}; try again in {max(1, round(seconds))} seconds.",
        ("email",),
        retry_after=seconds,
    )
