"""Signing in and out."""

from __future__ import annotations

from dataclasses import dataclass

from domain.common.access import User
from domain.common.errors import RateLimited, Unauthenticated
from domain.common.text_validation import check_text
from domain.ports import Services, TokenPair
from domain.tools.network_allow_list import client_network


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLimits:
    """How many attempts to sign in are allowed per minute."""

    email_from_network: int = 10
    """Attempts for one e-mail address from one network."""
    network: int = 60
    """Attempts from one network, for any e-mail addresses."""
    email: int = 60
    """Attempts for one e-mail address from all networks together. Beyond it, only networks are
    admitted from which the user has signed in, so that strangers cannot lock the user out."""


async def login(
    services: Services,
    email: str,
    password: str,
    address: str = "",
    attempts: LoginLimits = LoginLimits(),
) -> tuple[User, TokenPair]:
    """`address` is the IP address of the client."""
    check_text(email, ("email",), max_length=254, min_length=1)
    check_text(password, ("password",), max_length=1_024, min_length=1)
    email, network = email.strip().lower(), client_network(address)
    await _check_rate_limits(services, attempts, email, network)
    user = await services.accounts.authenticate_password(email, password)
    if user is None:
        services.audit_notes.put_failed_sign_in(email)
        raise Unauthenticated("The e-mail address or the password is wrong.", ())
    return user, await services.accounts.sign_in(user, network)


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
            raise _rate_limited(result.retry_after)
    result = await services.limiter.spend(f"login:email:{email}", 1, attempts.email)
    if not result.allowed and not await services.accounts.is_known_network(email, network):
        raise _rate_limited(result.retry_after)


def _rate_limited(seconds: float) -> RateLimited:
    return RateLimited(
        f"Too many attempts to sign in; try again in {max(1, round(seconds))} seconds.",
        ("email",),
        retry_after=seconds,
    )
