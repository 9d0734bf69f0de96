"""The current password of a person, which is asked for before changes that a stolen access token must not be
enough for."""

from __future__ import annotations

from collections.abc import Sequence

from domain.common.access import Person, PersonId, Viewer
from domain.common.errors import Path, Problem, Unauthenticated
from domain.common.problems import problems_of, raise_per_value
from domain.common.text_validation import check_text
from domain.ports import Services
from domain.tenants.passwords import MAX_PASSWORD_LENGTH
from domain.use_cases.rate_limits import charge

ATTEMPTS_PER_MINUTE = 10
CURRENT_PASSWORD: Path = ("currentPassword",)


def check_password_text(password: str, path: Path) -> None:
    """Raise `InvalidInput` for what cannot be the password of anyone."""
    check_text(password, path, max_length=MAX_PASSWORD_LENGTH, min_length=1)


async def check_current_password(
    services: Services, viewer: Viewer, password: str, problems: Sequence[Problem] = ()
) -> Person:
    """The person of the viewer. Raises `Unauthenticated` unless this is their password. `problems` are those
    of other values of the request."""
    person = await signed_in_person(services, viewer.require_own_account())
    raise_per_value(problems_of(check_password_text, password, CURRENT_PASSWORD), problems)
    what = "attempts to enter the current password"
    await charge(
        services.limiter, f"password:{person.id}", ATTEMPTS_PER_MINUTE, what, CURRENT_PASSWORD
    )
    if await services.accounts.authenticate_password(person.email, password) is None:
        services.audit_notes.put_failed_sign_in(person.email, "password")
        raise Unauthenticated(
            "The current password is wrong. Users who sign in with an identity provider have none.",
            CURRENT_PASSWORD,
        )
    return person


async def signed_in_person(services: Services, id: PersonId) -> Person:
    person = await services.accounts.person(id)
    if person is None:
        raise Unauthenticated("The session is over; sign in again.", ())
    return person
