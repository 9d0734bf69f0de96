"""Password hashing with Argon2id, in a few threads outside of the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.common.errors import RateLimited
from domain.tenants.passwords import normalize_password

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MAX_CONCURRENT = 2
"""Each verification takes 19 MiB of memory and one core."""
MAX_QUEUED = 64

# The minimum that OWASP recommends for Argon2id.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher.hash(normalize_password(password))


def verify_password(stored: str, password: str) -> bool:
    # Hashes from before passwords were normalized were made of the password as typed.
    return any(
        _verify_hash(stored, form) for form in {normalize_password(password): None, password: None}
    )


class PasswordVerifier:
    """Verifies and hashes passwords, at most `MAX_CONCURRENT` at once. Work whose caller was
    cancelled still counts until it is done, because a thread cannot be stopped."""

    def __init__(self, max_queued: int = MAX_QUEUED) -> None:
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="argon2")
        self._max_queued = max_queued
        self._queued = 0
        self._dummy_hash = hash_password(secrets.token_hex(16))

    async def verify(self, stored: str | None, password: str) -> bool:
        """`stored` is None for an unknown user: that takes as long as a wrong password does."""
        is_correct = await self._run(verify_password, stored or self._dummy_hash, password)
        return is_correct and stored is not None

    async def hash(self, password: str) -> str:
        return await self._run(hash_password, password)

    async def _run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        if self._queued >= self._max_queued:
            raise RateLimited(
                "Too many users are signing in at the moment; try again in a second.",
                (),
                retry_after=1.0,
            )
        self._queued += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, *arguments)
        finally:
            self._queued -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _verify_hash(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
