"""Signing in and out, sessions, passwords, and switching between tenants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.common.access import Person, PersonId, SessionId, TenantId, Verified, Viewer
from domain.common.errors import (
    InvalidInput,
    InvalidToken,
    NotFound,
    Path,
    Problem,
    Unauthenticated,
)
from domain.common.networks import client_network
from domain.common.problems import Problems, problems_of, raise_all, raise_per_value
from domain.common.text_validation import (
    MAX_EMAIL_LENGTH,
    MAX_SLUG_LENGTH,
    check_email,
    check_text,
    normalized_email,
)
from domain.ports import Services, TokenPair
from domain.tenants.mail import password_reset_mail
from domain.tenants.members import UNKNOWN_DEVICE, Device, Membership, Session, tenant_words
from domain.use_cases.current_password import (
    check_current_password,
    check_password_text,
    signed_in_person,
)
from domain.use_cases.rate_limits import charge, rate_limited
from domain.use_cases.second_factor import check_code_text, check_second_factor

HOUR_SECONDS = 3_600.0
MAX_NAME_LENGTH = 100
NEW_PASSWORD: Path = ("newPassword",)
RESETS_PER_NETWORK, RESETS_PER_EMAIL = 10, 2
"""Links to set a new password that may be asked for per minute. A keeper sends fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLimits:
    """How many attempts to sign in are allowed, per minute unless the name says otherwise."""

    email_from_network: int = 10
    """Attempts for one e-mail address from one network."""
    network: int = 60
    """Attempts from one network, for any e-mail addresses."""
    email: int = 60
    """Attempts for one e-mail address from all networks together. Beyond it, only networks are
    admitted from which the person has signed in, so that strangers cannot lock the person out."""
    failures_of_email_per_hour: int = 100
    """Wrong passwords for one e-mail address from all networks together."""
    failing_emails_of_network_per_hour: int = 20
    """E-mail addresses for which one network sends wrong passwords. Networks that a person has signed in
    from are exempt from both limits per hour."""


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
    problems = list(problems_of(check_text, tenant, ("tenant",), max_length=MAX_SLUG_LENGTH))
    person = await authenticate(
        services, email, password, device, attempts, code, problems=problems
    )
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
    email_path: Path = ("email",),
    problems: Sequence[Problem] = (),
) -> Person:
    """The person with this e-mail address and password, and with this code if they have a second
    factor. Every way to sign in with a password passes through here. `email_path` is where the request
    gave the address, () if it did not. `problems` are those of other values of the request."""
    raise_per_value(problems, _credential_problems(email, password, code))
    email, network = normalized_email(email), client_network(device.address)
    await _check_rate_limits(services, attempts, email, network, email_path)
    person = await services.accounts.authenticate_password(email, password)
    if person is None:
        await _count_failure(services, attempts, email, network)
        services.audit_notes.put_failed_sign_in(email, "password")
        raise Unauthenticated("The e-mail address or the password is wrong.", ())
    await check_second_factor(services, person, code, device.address)
    return person


def _credential_problems(email: str, password: str, code: str | None) -> Problems:
    """What is wrong with the values, whatever person they belong to."""
    yield from problems_of(check_text, email, ("email",), max_length=MAX_EMAIL_LENGTH, min_length=1)
    yield from problems_of(check_password_text, password, ("password",))
    if code is not None:
        yield from problems_of(check_code_text, code)


async def _check_rate_limits(
    services: Services, attempts: LoginLimits, email: str, network: str, path: Path
) -> None:
    # A network that exceeds its own limit does not use up the shared limit of the e-mail address.
    # No e-mail address can collide with the key of another limit.
    for key, per_minute in (
        (f"login:both:{network} {email}", attempts.email_from_network),
        (f"login:network:{network}", attempts.network),
    ):
        await charge(services.limiter, key, per_minute, "attempts to sign in", path)
    wait = max(
        (await services.limiter.spend(f"login:email:{email}", 1, attempts.email)).retry_after,
        await _wait_after_failures(services, attempts, email, network),
    )
    if wait > 0 and not await services.accounts.is_known_network(email, network):
        raise rate_limited("attempts to sign in", wait, path)


async def _wait_after_failures(
    services: Services, attempts: LoginLimits, email: str, network: str
) -> float:
    """After how many seconds no limit on failures is exceeded any more; 0 if none is."""
    waits = [0.0]
    for key, per_hour in (
        (f"login:failures:{email}", attempts.failures_of_email_per_hour),
        (f"login:failing:{network}", attempts.failing_emails_of_network_per_hour),
    ):
        left = await services.limiter.spend(key, 0, per_hour, HOUR_SECONDS)
        if not left.remaining:
            waits.append(HOUR_SECONDS / per_hour)
    return max(waits)


async def _count_failure(
    services: Services, attempts: LoginLimits, email: str, network: str
) -> None:
    spend = services.limiter.spend
    of_email = attempts.failures_of_email_per_hour
    await spend(f"login:failures:{email}", 1, of_email, HOUR_SECONDS)
    first = await spend(f"login:failed:{network} {email}", 1, 1, HOUR_SECONDS)
    if first.allowed:
        of_network = attempts.failing_emails_of_network_per_hour
        await spend(f"login:failing:{network}", 1, of_network, HOUR_SECONDS)


# ---- sessions ----------------------------------------------------------------------------------


async def switch_tenant(
    services: Services, viewer: Viewer, tenant: TenantId, device: Device
) -> TokenPair:
    """Start another session, in the other tenant. The present one continues."""
    person = viewer.require_own_account()
    memberships = await services.accounts.memberships(person)
    if tenant not in {membership.tenant.id for membership in memberships}:
        raise NotFound("You do not belong to such a tenant.", ("id",))
    verified = Verified(session_id=viewer.session_id)
    return await services.accounts.sign_in(person, tenant, device, verified=verified)


async def list_memberships(services: Services, viewer: Viewer) -> Sequence[Membership]:
    memberships = await services.accounts.memberships(viewer.require_person())
    if viewer.is_confined:
        return [each for each in memberships if each.tenant.id == viewer.tenant_id]
    return [each for each in memberships if not each.is_confined]


async def list_sessions(services: Services, viewer: Viewer) -> Sequence[Session]:
    sessions = await services.accounts.sessions(viewer.require_person())
    return [each for each in sessions if _may_use(viewer, each.tenant.id)]


async def end_session(services: Services, viewer: Viewer, id: SessionId) -> None:
    mine = {session.id for session in await list_sessions(services, viewer)}
    if id not in mine or not await services.accounts.end_session(viewer.require_person(), id):
        raise NotFound("There is no such session.", ("id",))


async def end_sessions(services: Services, viewer: Viewer, *, keep_current: bool) -> int:
    keep = viewer.session_id if keep_current else None
    tenant = viewer.tenant_id if viewer.is_confined else None
    return await services.accounts.end_sessions(viewer.require_person(), keep, tenant)


def _may_use(viewer: Viewer, tenant: TenantId) -> bool:
    return not viewer.is_confined or tenant == viewer.tenant_id


# ---- the person --------------------------------------------------------------------------------


async def update_profile(services: Services, viewer: Viewer, name: str | None) -> Person:
    id = viewer.require_own_account()
    await services.accounts.rename(id, check_person_name(name, ("name",)))
    return await signed_in_person(services, id)


def check_person_name(name: str | None, path: tuple[str, ...]) -> str | None:
    """The name on one line; None for an empty one."""
    check_text(name, path, max_length=MAX_NAME_LENGTH)
    return " ".join((name or "").split()) or None


async def change_password(services: Services, viewer: Viewer, current: str, new: str) -> None:
    """Change the password and end the other sessions of the person."""
    person = await signed_in_person(services, viewer.require_own_account())
    known = await _known_words(services, person, viewer.tenant_id)
    problems = await new_password_problems(services, new, known, NEW_PASSWORD)
    person = await check_current_password(services, viewer, current, problems)
    hashed = await services.accounts.hash_password(new)
    await services.accounts.set_password(person.id, hashed, viewer.session_id)


async def request_password_reset(services: Services, email: str, device: Device) -> None:
    """Send a link to set a new password to the address, if a person has it."""
    email = normalized_email(email)
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
        await charge(services.limiter, key, per_minute, "requests for a new password", ("email",))
    await services.accounts.request_password_reset(
        email, lambda token: password_reset_mail(services.account_links.password_reset(token))
    )


async def reset_password(services: Services, token: str, new: str) -> None:
    """Set a new password with the token of a link, and end all sessions of the person."""
    check_text(token, ("token",), max_length=200)
    person = await services.accounts.find_password_reset(token)
    if person is None:
        raise _invalid_reset()
    known = await _known_words(services, person, None)
    raise_all(await new_password_problems(services, new, known, NEW_PASSWORD))
    hashed = await services.accounts.hash_password(new)
    if not await services.accounts.use_password_reset(token, hashed):
        raise _invalid_reset()


async def _known_words(
    services: Services, person: Person, tenant: TenantId | None
) -> Sequence[str]:
    """Words that an attacker knows of the person."""
    known = [person.email, person.name or ""]
    if tenant is not None:
        known += tenant_words(await services.accounts.tenant(tenant))
    return known


async def new_password_problems(
    services: Services, password: str, known: Sequence[str], path: Path
) -> Sequence[Problem]:
    """Why the password is not good enough, if it is not; `known` has words that an attacker knows of the
    person."""
    try:
        await services.accounts.check_password(password, known)
    except InvalidInput as problem:
        return [InvalidInput(problem.message, path)]
    return []


def _invalid_reset() -> InvalidToken:
    return InvalidToken(
        "The link is not valid: it was used or replaced by another one, or it has expired. Ask for "
        "another one.",
        ("token",),
    )
