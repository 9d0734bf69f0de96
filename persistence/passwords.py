"""Passwords as Argon2id hashes. The work is done off the event loop, by few threads."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.common.errors import RateLimited
from domain.tenants.passwords import normalized

MAX_CONCURRENT = 2
"""Each check takes 19 MiB and a core."""
MAX_WAITING = 64

# OWASP's floor for Argon2id.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher.hash(normalized(password))


def matches(stored: str, password: str) -> bool:
    # Hashes from before passwords were normalized are of what was typed.
    return any(_verify(stored, form) for form in {normalized(password): None, password: None})


class Passwords:
    """Compares passwords with hashes. At most `MAX_CONCURRENT` at once, also when those who asked
    have gone meanwhile; a thread cannot be stopped."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="argon2")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._nobody = hash_password(secrets.token_hex(16))

    async def match(self, stored: str | None, password: str) -> bool:
        """Takes as long for nobody's hash as for a wrong password."""
        if self._waiting >= self._max_waiting:
            raise RateLimited(
                "Too many people are signing in at this moment; try again in a second.",
                ("input",),
                retry_after=1.0,
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(
                self._threads, matches, stored or self._nobody, password
            )
        finally:
            self._waiting -= 1
        return right and stored is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
