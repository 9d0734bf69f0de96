"""Sessions of tests: people who sign in, and credentials that end."""

from __future__ import annotations

import asyncio

from domain.common.access import Person
from domain.common.errors import Unauthenticated
from domain.ports import Services, TokenPair
from tests.support.viewers import PASSWORD


async def signed_in(services: Services, email: str) -> tuple[Person, TokenPair]:
    person = await services.accounts.authenticate_password(email, PASSWORD)
    assert person is not None
    return person, await services.accounts.sign_in(person.id)


async def until_refused(services: Services, credential: str) -> Unauthenticated:
    """An ended credential may be accepted for one more second."""
    async with asyncio.timeout(60):
        while True:
            try:
                await services.accounts.authenticate_credential(credential)
            except Unauthenticated as refused:
                return refused
            await asyncio.sleep(0.05)
