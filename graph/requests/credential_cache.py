"""Authenticates credentials; rejected ones are cached, so that repeating them costs almost nothing."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from hashlib import sha256
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from domain.common.access import API_KEY_PREFIX, Viewer
from domain.common.errors import Unauthenticated
from domain.ports import Accounts
from graph.requests.rate_limit import RateLimitBucket, RequestRateLimiter

VALID_TTL_SECONDS, INVALID_TTL_SECONDS = 600.0, 5.0
MAX_ENTRIES = 10_000

V = TypeVar("V")


class Authenticator:
    def __init__(self, accounts: Accounts, rate_limiter: RequestRateLimiter) -> None:
        self._accounts = accounts
        self._throttle = rate_limiter
        self._valid: TtlCache[None] = TtlCache(VALID_TTL_SECONDS)
        self._invalid: TtlCache[Unauthenticated] = TtlCache(INVALID_TTL_SECONDS)
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def authenticate_credential(self, credential: str, bucket: RateLimitBucket) -> Viewer:
        """The viewer that a credential belongs to; `bucket` is the bucket of the client's address.

        While the address is over its limit, API keys are not looked up, except those that were valid
        within the last minutes, because several clients may share an address. Access tokens are always
        checked: an invalid signature is detected without a lookup."""
        digest = sha256(credential.encode()).digest()
        is_key = credential.startswith(API_KEY_PREFIX)
        if is_key and digest not in self._valid:
            await self._throttle.check(bucket)
        viewer = await self._authenticate(credential, digest)
        if is_key:
            self._valid.put(digest, None)
        return viewer

    async def _authenticate(self, credential: str, digest: bytes) -> Viewer:
        # One lookup at a time: a thousand sockets of one credential may reconnect at once.
        async with self._locks.setdefault(digest, asyncio.Lock()):
            if (cached := self._invalid.get(digest)) is not None:
                raise type(cached)(cached.message)
            try:
                return await self._accounts.authenticate_credential(credential)
            except Unauthenticated as error:
                self._invalid.put(digest, type(error)(error.message))
                self._valid.discard(digest)
                raise


class TtlCache(Generic[V]):
    """A cache whose entries expire after `seconds`; the oldest entries are evicted first."""

    def __init__(self, seconds: float, max_entries: int = MAX_ENTRIES) -> None:
        self._seconds = seconds
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def __contains__(self, key: bytes) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry[0] > time.monotonic()

    def get(self, key: bytes) -> V | None:
        return self._entries[key][1] if key in self else None

    def put(self, key: bytes, value: V) -> None:
        self._entries[key] = time.monotonic() + self._seconds, value
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def discard(self, key: bytes) -> None:
        self._entries.pop(key, None)
