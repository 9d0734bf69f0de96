"""The current password of a person, which is asked for before changes that a stolen access token must not be
enough for."""

from __future__ import annotations

from domain.common.access import Person, PersonId, Viewer
from domain.common.errors import Path, Unauthenticated
from domain.common.text_validation import check_text
from domain.ports import Services
from domain.tenants.passwords import MAX_PASSWORD_LENGTH
from domain.use_cases.rate_limits import charge

ATTEMPTS_PER_MINUTE = 10
CURRENT_PASSWORD: Path = ("currentPassword",)


async def check_current_password(services: Services, viewer: Viewer, password: str) -> Person:
    """The person of the viewer. Raises `Unauthenticated` unless this is their password."""
    person = await signed_in_person(services, viewer.require_own_account())
    check_text(password, CURRENT_PASSWORD, max_length=MAX_PASSWORD_LENGTH, min_length=1)
    what = "attempts to enter the current password"
    await charge(
        services.limiter, f"password:{person.id}", ATTEMPTS_PER_MINUTE, what, CURRENT_PASSWORD
    )
    if await services.accounts.authenticate_password(person.email, password) is None:
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
