"""Signing in and out."""

from __future__ import annotations

from dataclasses import dataclass

from domain.common.access import User
from domain.common.errors import RateLimited, Unauthenticated
from domain.common.text_validation import check_text
from domain.ports import Services, TokenPair
from domain.tools.network_allow_list import network_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How many passwords may be tried per minute."""

    email_from_network: int = 10
    """For one e-mail from one network."""
    network: int = 60
    """From one network, for whichever e-mails."""
    email: int = 60
    """For one e-mail from all networks together. From there on only those go on that its owner has
    signed in from, so that strangers cannot keep the owner out."""


async def login(
    services: Services,
    email: str,
    password: str,
    address: str = "",
    attempts: Attempts = Attempts(),
) -> tuple[User, TokenPair]:
    """`address` is the IP address of the client."""
    check_text(email, ("input", "email"), most=254, least=1)
    check_text(password, ("input", "password"), most=1_024, least=1)
    email, network = email.strip().lower(), network_of(address)
    await _spend_attempt(services, attempts, email, network)
    user = await services.accounts.user_by_password(email, password)
    if user is None:
        raise Unauthenticated("The address or the password is wrong.", ("input",))
    return user, await services.accounts.sign_in(user, network)


async def _spend_attempt(services: Services, attempts: Attempts, email: str, network: str) -> None:
    # A network that is over its own limit does not use up the one that all share. Nobody can write
    # an e-mail that makes a key of another limit.
    for key, per_minute in (
        (f"login:both:{network} {email}", attempts.email_from_network),
        (f"login:network:{network}", attempts.network),
    ):
        allowance = await services.limiter.spend(key, 1, per_minute)
        if not allowance.allowed:
            raise _too_many(allowance.retry_after)
    allowance = await services.limiter.spend(f"login:email:{email}", 1, attempts.email)
    if not allowance.allowed and not await services.accounts.knows_address(email, network):
        raise _too_many(allowance.retry_after)


def _too_many(seconds: float) -> RateLimited:
    return RateLimited(
        f"Too many attempts to sign in; try again in {max(1, round(seconds))} seconds.",
        ("input", "email"),
        retry_after=seconds,
    )
