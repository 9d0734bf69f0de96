"""Second factors of people who sign in with a password: one-time codes of an app, and recovery codes for
when the device with the app is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.common.access import Person, PersonId, Viewer
from domain.common.errors import (
    SecondFactorActive,
    SecondFactorNotPending,
    SecondFactorRequired,
    Unauthenticated,
)
from domain.common.networks import client_network
from domain.common.problems import problems_of
from domain.common.text_validation import check_text
from domain.ports import Services
from domain.sign_in import totp
from domain.sign_in.ports import TotpState
from domain.use_cases.current_password import check_current_password, signed_in_person
from domain.use_cases.rate_limits import charge

ATTEMPTS_PER_MINUTE = 10
"""Codes that may be entered for one person from one network."""
MAX_CODE_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpEnrolment:
    """What an authenticator app needs. It is shown once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


async def check_second_factor(
    services: Services, person: Person, code: str | None, address: str
) -> None:
    """Raise an error unless the person has no second factor, or the code is right. Call it only after the
    password was verified: it reveals whether the person has a second factor."""
    if not (await services.second_factors.state(person.id)).is_active:
        return
    if code is None:
        services.audit_notes.put_unfinished_sign_in(person.email, address)
        raise SecondFactorRequired(
            "Enter the code of your authenticator app, or a recovery code.", ("code",)
        )
    await _check_code(services, person, code, address)


async def second_factor(services: Services, viewer: Viewer) -> TotpState:
    return await services.second_factors.state(viewer.require_own_account())


async def enrol_totp(services: Services, viewer: Viewer, password: str) -> TotpEnrolment:
    """Begin to set a second factor up. It is not needed before `confirm_totp` shows that the app has it.
    The password is asked for, so that a stolen access token cannot lock its user out."""
    person = await check_current_password(services, viewer, password)
    secret = totp.new_totp_secret()
    if not await services.second_factors.enrol(person.id, secret):
        raise SecondFactorActive(
            "You have a second factor already; remove it before you set up another one.", ()
        )
    return TotpEnrolment(
        secret=totp.encoded_secret(secret), uri=totp.otpauth_uri(secret, person.email)
    )


async def confirm_totp(
    services: Services, viewer: Viewer, code: str, address: str
) -> tuple[str, ...]:
    """Activate the second factor, and return the recovery codes, which are shown once."""
    person = viewer.require_own_account()
    await _charge(services, person, address)
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
    person = await signed_in_person(services, viewer.require_own_account())
    await _check_code(services, person, code, address)
    codes = totp.new_recovery_codes()
    await services.second_factors.replace_recovery_codes(person.id, _digests(codes))
    return codes


async def remove_totp(
    services: Services, viewer: Viewer, password: str, code: str, address: str
) -> None:
    problems = list(problems_of(check_code_text, code))
    person = await check_current_password(services, viewer, password, problems)
    await _check_code(services, person, code, address)
    await services.second_factors.remove(person.id)


async def _check_code(services: Services, person: Person, code: str, address: str) -> None:
    await _charge(services, person.id, address)
    if not await _is_right(services, person.id, _checked(code)):
        services.audit_notes.put_failed_sign_in(person.email, "code")
        raise _wrong_code()


async def _is_right(services: Services, person: PersonId, code: str) -> bool:
    if totp.is_recovery_code(code):
        digest = totp.recovery_code_digest(code)
        return await services.second_factors.use_recovery_code(person, digest)
    return totp.is_totp_code(code) and await _is_right_totp(services, person, code)


async def _is_right_totp(services: Services, person: PersonId, code: str) -> bool:
    factors = services.second_factors
    secret = await factors.begin_attempt(person)
    step = totp.matching_step(secret, code, services.clock()) if secret else None
    return (
        secret is not None and step is not None and await factors.accept_step(person, secret, step)
    )


def check_code_text(code: str) -> None:
    """Raise `InvalidInput` for what cannot be a code of anyone."""
    check_text(code, ("code",), max_length=MAX_CODE_LENGTH, min_length=1)


def _checked(code: str) -> str:
    check_code_text(code)
    return totp.normalize_code(code)


def _digests(codes: tuple[str, ...]) -> list[bytes]:
    return [totp.recovery_code_digest(totp.normalize_code(code)) for code in codes]


def _wrong_code() -> Unauthenticated:
    return Unauthenticated(
        "The code is wrong, has expired, or was used before; enter the next one.", ("code",)
    )


async def _charge(services: Services, person: PersonId, address: str) -> None:
    key = f"second-factor:{person} {client_network(address)}"
    await charge(services.limiter, key, ATTEMPTS_PER_MINUTE, "codes", ("code",))
