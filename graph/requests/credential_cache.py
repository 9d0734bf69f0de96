"""Who holds a credential, found out so that wrong ones cost next to nothing."""

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
from graph.requests.rate_limit import Payer, Throttle

GOOD_SECONDS, BAD_SECONDS = 600.0, 5.0
MAX_KEPT = 10_000

V = TypeVar("V")


class SignIn:
    def __init__(self, accounts: Accounts, throttle: Throttle) -> None:
        self._accounts = accounts
        self._throttle = throttle
        self._good: Recent[None] = Recent(GOOD_SECONDS)
        self._bad: Recent[Unauthenticated] = Recent(BAD_SECONDS)
        self._asking: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def viewer_of(self, credential: str, payer: Payer) -> Viewer:
        """While the payer, which is the address, is over its limit, keys are not even looked up;
        but those that were good a while ago are, because several people may share an address.

        An access token is checked in any case: its signature tells whether it is worth a look-up
        of its session."""
        digest = sha256(credential.encode()).digest()
        is_key = credential.startswith(API_KEY_PREFIX)
        if is_key and digest not in self._good:
            await self._throttle.check(payer)
        viewer = await self._holder_of(credential, digest)
        if is_key:
            self._good.keep(digest, None)
        return viewer

    async def _holder_of(self, credential: str, digest: bytes) -> Viewer:
        # One at a time: a thousand sockets of one credential may come back at once.
        async with self._asking.setdefault(digest, asyncio.Lock()):
            if (known := self._bad.get(digest)) is not None:
                raise type(known)(known.message)
            try:
                return await self._accounts.viewer_of(credential)
            except Unauthenticated as error:
                self._bad.keep(digest, type(error)(error.message))
                self._good.forget(digest)
                raise


class Recent(Generic[V]):
    """What was seen within the last `seconds`; the oldest are forgotten first."""

    def __init__(self, seconds: float, most: int = MAX_KEPT) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def __contains__(self, key: bytes) -> bool:
        found = self._kept.get(key)
        return found is not None and found[0] > time.monotonic()

    def get(self, key: bytes) -> V | None:
        return self._kept[key][1] if key in self else None

    def keep(self, key: bytes, value: V) -> None:
        self._kept[key] = time.monotonic() + self._seconds, value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, key: bytes) -> None:
        self._kept.pop(key, None)
