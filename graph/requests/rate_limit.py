"""How much anybody may ask per minute: a request costs one, and more the more it asks for."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

from domain.common.access import Viewer
from domain.common.errors import RateLimited
from domain.common.settings import Settings
from domain.ports import RateLimiter, RateLimitResult
from domain.tools.network_allow_list import client_network

COST_PER_UNIT = 100
MAX_REMEMBERED_REFUSALS = 10_000
PERIOD_SECONDS = 60
REFUSAL_DELAY_SECONDS = 0.1
RATE_HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@dataclass(slots=True)
class RateLimitBucket:
    """Whose allowance a request is taken from, and what was left of it after the last payment."""

    key: str
    per_minute: int
    allowance: RateLimitResult | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """As the IETF's draft of RateLimit header fields has them."""
        if self.allowance is None:
            return {}
        used = self.per_minute - self.allowance.remaining
        reset = math.ceil(used * PERIOD_SECONDS / self.per_minute)
        values = (self.per_minute, self.allowance.remaining, reset)
        return dict(zip(RATE_HEADERS, map(str, values), strict=True))


class RequestRateLimiter:
    def __init__(self, limiter: RateLimiter, settings: Settings) -> None:
        self._limiter = limiter
        self._settings = settings
        self._refused_until: dict[str, float] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def bucket(self, viewer: Viewer | None, address: str) -> RateLimitBucket:
        if viewer is not None:
            return RateLimitBucket(viewer.subject, self._settings.requests_per_minute)
        return RateLimitBucket(
            f"ip:{client_network(address)}", self._settings.anonymous_requests_per_minute
        )

    def anonymous_socket_bucket(self, address: str) -> RateLimitBucket:
        """For WebSockets that end before anybody has signed in, or are cut."""
        per_minute = self._settings.anonymous_requests_per_minute
        return RateLimitBucket(f"sockets:{client_network(address)}", per_minute)

    def subscription_bucket(self, viewer: Viewer) -> RateLimitBucket:
        """Subscriptions have an allowance apart: after a restart all come back at once."""
        return RateLimitBucket(
            f"{viewer.subject}:subscriptions", self._settings.subscriptions_per_minute
        )

    async def check(self, bucket: RateLimitBucket) -> None:
        """Costs nothing: refuses those who were told to wait and did not. It takes its time for
        that, so that who goes on and on does so slowly."""
        if seconds := self._retry_after(bucket):
            bucket.allowance = RateLimitResult(False, 0, seconds)
            await asyncio.sleep(REFUSAL_DELAY_SECONDS)
            raise _rate_limited(seconds)

    async def wait_out_refusal(self, bucket: RateLimitBucket) -> None:
        """Costs nothing: those who were told to wait do so here."""
        await asyncio.sleep(self._retry_after(bucket))

    async def spend(self, bucket: RateLimitBucket, cost: int = 0) -> None:
        allowance = await self._spend(bucket, cost)
        if not allowance.allowed:
            self._remember_refusal(bucket, allowance.retry_after)
            raise _rate_limited(allowance.retry_after)

    async def spend_when_available(
        self, bucket: RateLimitBucket, cost: int, timeout_seconds: float
    ) -> None:
        """Waits, first come first served, until the allowance is large enough again; raises
        `RateLimited` when that takes longer than `seconds`."""
        turn = self._locks.setdefault(bucket.key, asyncio.Lock())
        if not turn.locked() and (await self._spend(bucket, cost)).allowed:
            return
        until = time.monotonic() + timeout_seconds
        async with turn:
            while not (allowance := await self._spend(bucket, cost)).allowed:
                if time.monotonic() + allowance.retry_after > until:
                    raise _rate_limited(allowance.retry_after)
                await asyncio.sleep(allowance.retry_after)

    async def _spend(self, bucket: RateLimitBucket, cost: int) -> RateLimitResult:
        units = 1 + cost // COST_PER_UNIT
        bucket.allowance = await self._limiter.spend(bucket.key, units, bucket.per_minute)
        return bucket.allowance

    def _retry_after(self, bucket: RateLimitBucket) -> float:
        """For how many seconds."""
        return max(0.0, self._refused_until.get(bucket.key, 0.0) - time.monotonic())

    def _remember_refusal(self, bucket: RateLimitBucket, seconds: float) -> None:
        now = time.monotonic()
        if len(self._refused_until) >= MAX_REMEMBERED_REFUSALS:
            self._refused_until = {
                key: until for key, until in self._refused_until.items() if until > now
            }
        self._refused_until[bucket.key] = now + min(seconds, 1.0)


def _rate_limited(seconds: float) -> RateLimited:
    return RateLimited(
        f"Too many requests; try again in {seconds:.1f} seconds.", retry_after=round(seconds, 3)
    )
