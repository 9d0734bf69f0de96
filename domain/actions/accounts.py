"""Signing in and out."""

from __future__ import annotations

from domain.access import User
from domain.errors import RateLimited, Unauthenticated
from domain.names import check_text
from domain.ports import Services, TokenPair

TRIES_PER_MINUTE = 10
"""Passwords that may be tried for one address, whoever asks from wherever."""


async def login(services: Services, email: str, password: str) -> tuple[User, TokenPair]:
    check_text(email, ("input", "email"), most=254, least=1)
    check_text(password, ("input", "password"), most=1_024, least=1)
    address = email.strip().lower()
    tried = await services.limiter.spend(f"login:{address}", 1, TRIES_PER_MINUTE)
    if not tried.allowed:
        raise RateLimited(
            f"Too many tries for this address; try again in {tried.retry_after:.0f} seconds.",
            ("input", "email"),
            retry_after=tried.retry_after,
        )
    user = await services.accounts.user_by_password(address, password)
    if user is None:
        raise Unauthenticated("The address or the password is wrong.", ("input",))
    return user, await services.accounts.sign_in(user)
