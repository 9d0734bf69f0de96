"""Second factors of people who sign in with a password: one-time codes of an app, and recovery codes for
when the device with the app is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.common.access import PersonId, Viewer
from domain.common.errors import (
    Forbidden,
    RateLimited,
    SecondFactorActive,
    SecondFactorNotPending,
    SecondFactorRequired,
    Unauthenticated,
)
from domain.common.text_validation import check_text
from domain.ports import Services
from domain.sign_in import totp
from domain.sign_in.ports import TotpState
from domain.tools.network_allow_list import client_network

ATTEMPTS_PER_MINUTE = 10
"""Codes that may be entered for one person from one network."""
MAX_CODE_LENGTH = 64
MAX_PASSWORD_LENGTH = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpEnrolment:
    """What an authenticator app needs. It is shown once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


async def check_second_factor(
    services: Services, person: PersonId, code: str | None, address: str
) -> None:
    """Raise an error unless the person has no second factor, or the code is right. Call it only after the
    password was verified: it reveals whether the person has a second factor."""
    if not (await services.second_factors.state(person)).is_active:
        return
    if code is None:
        raise SecondFactorRequired(
            "Enter the code of your authenticator app, or a recovery code.", ("code",)
        )
    await _spend(services, person, address)
    await _check_code(services, person, code)


async def second_factor(services: Services, viewer: Viewer) -> TotpState:
    return await services.second_factors.state(_person(viewer))


async def enrol_totp(
    services: Services, viewer: Viewer, password: str, address: str
) -> TotpEnrolment:
    """Begin to set a second factor up. It is not needed before `confirm_totp` shows that the app has it.
    The password is asked for, so that a stolen access token cannot lock its user out."""
    person = _person(viewer)
    email = await _check_password(services, viewer, password, address)
    secret = totp.new_totp_secret()
    if not await services.second_factors.enrol(person, secret):
        raise SecondFactorActive(
            "You have a second factor already; remove it before you set up another one.", ()
        )
    return TotpEnrolment(secret=totp.encoded_secret(secret), uri=totp.otpauth_uri(secret, email))


async def confirm_totp(
    services: Services, viewer: Viewer, code: str, address: str
) -> tuple[str, ...]:
    """Activate the second factor, and return the recovery codes, which are shown once."""
    person = _person(viewer)
    await _spend(services, person, address)
    pending = await services.second_factors.pending(person)
    if pending is None:
        raise SecondFactorNotPending(
            "No second factor waits for its first code; begin to set it up again.", ()
        )
    step = totp.matching_step(pending.secret, _checked(code), services.clock())
    if step is None:
        raise _wrong_code()
    codes = totp.new_recovery_codes()
    if not await services.second_factors.confirm(person, pending, step, _digests(codes)):
        raise SecondFactorNotPending(
            "The second factor was changed in the meantime; set it up again.", ()
        )
    return codes


async def replace_recovery_codes(
    services: Services, viewer: Viewer, code: str, address: str
) -> tuple[str, ...]:
    """Return new recovery codes; the earlier ones work no more."""
    person = _person(viewer)
    await _spend(services, person, address)
    await _check_code(services, person, code)
    codes = totp.new_recovery_codes()
    await services.second_factors.replace_recovery_codes(person, _digests(codes))
    return codes


async def remove_totp(
    services: Services, viewer: Viewer, password: str, code: str, address: str
) -> None:
    person = _person(viewer)
    await _check_password(services, viewer, password, address)
    await _check_code(services, person, code)
    await services.second_factors.remove(person)


async def _check_code(services: Services, person: PersonId, code: str) -> None:
    normalized = _checked(code)
    factors = services.second_factors
    if totp.is_recovery_code(normalized):
        is_right = await factors.use_recovery_code(person, totp.recovery_code_digest(normalized))
    elif totp.is_totp_code(normalized):
        is_right = await _is_right_totp(services, person, normalized)
    else:
        is_right = False
    if not is_right:
        raise _wrong_code()


async def _is_right_totp(services: Services, person: PersonId, code: str) -> bool:
    factors = services.second_factors
    secret = await factors.begin_attempt(person)
    step = totp.matching_step(secret, code, services.clock()) if secret else None
    return (
        secret is not None and step is not None and await factors.accept_step(person, secret, step)
    )


async def _check_password(services: Services, viewer: Viewer, password: str, address: str) -> str:
    """Return the e-mail address of the viewer, whose password this is."""
    check_text(password, ("currentPassword",), max_length=MAX_PASSWORD_LENGTH, min_length=1)
    person = _person(viewer)
    await _spend(services, person, address)
    async with services.store.transaction(viewer.tenant_id) as work:
        member = await work.members.get(person)
    if member is None or not await services.accounts.authenticate_password(member.email, password):
        raise Unauthenticated(
            "The password is wrong. Users who sign in with an identity provider have none, and need "
            "no second factor here.",
            ("currentPassword",),
        )
    return member.email


def _checked(code: str) -> str:
    check_text(code, ("code",), max_length=MAX_CODE_LENGTH, min_length=1)
    return totp.normalize_code(code)


def _digests(codes: tuple[str, ...]) -> list[bytes]:
    return [totp.recovery_code_digest(totp.normalize_code(code)) for code in codes]


def _person(viewer: Viewer) -> PersonId:
    if viewer.person_id is None:
        raise Forbidden("An API key has no second factor; sign in as a user.", ())
    if viewer.is_confined:
        raise Forbidden("Sign in with your password to do this; it is what a code completes.", ())
    return viewer.person_id


def _wrong_code() -> Unauthenticated:
    return Unauthenticated(
        "The code is wrong, has expired, or was used before; enter the next one.", ("code",)
    )


async def _spend(services: Services, person: PersonId, address: str) -> None:
    key = f"second-factor:{person} {client_network(address)}"
    result = await services.limiter.spend(key, 1, ATTEMPTS_PER_MINUTE)
    if not result.allowed:
        raise RateLimited(
            f"Too many attempts; try again in {max(1, round(result.retry_after))} seconds.",
            ("code",),
            retry_after=result.retry_after,
        )
