"""Signing in and out."""

from __future__ import annotations

from domain.access import User
from domain.errors import Unauthenticated
from domain.names import check_text
from domain.ports import Services, TokenPair


async def login(services: Services, email: str, password: str) -> tuple[User, TokenPair]:
    check_text(email, ("input", "email"), most=254, least=1)
    check_text(password, ("input", "password"), most=1_024, least=1)
    user = await services.accounts.user_by_password(email.strip().lower(), password)
    if user is None:
        raise Unauthenticated("The address or the password is wrong.", ("input",))
    return user, await services.accounts.sign_in(user)
