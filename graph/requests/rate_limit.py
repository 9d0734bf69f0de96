"""Rate limits per minute. A request costs one unit, and more if the cost of its operation is high."""

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
    """The allowance that requests are charged to, and the result of the last charge."""

    key: str
    per_minute: int
    allowance: RateLimitResult | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of the IETF draft for RateLimit headers; empty before the first charge."""
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
        """The bucket for WebSockets that end without authentication or are aborted."""
        per_minute = self._settings.anonymous_requests_per_minute
        return RateLimitBucket(f"sockets:{client_network(address)}", per_minute)

    def subscription_bucket(self, viewer: Viewer) -> RateLimitBucket:
        """Subscriptions have an allowance of their own: after a restart all clients return at once."""
        return RateLimitBucket(
            f"{viewer.subject}:subscriptions", self._settings.subscriptions_per_minute
        )

    async def check(self, bucket: RateLimitBucket) -> None:
        """Reject clients that should still wait after a rejection. Charges nothing.

        The delay before the rejection slows down clients that continue regardless."""
        if seconds := self._retry_after(bucket):
            bucket.allowance = RateLimitResult(False, 0, seconds)
            await asyncio.sleep(REFUSAL_DELAY_SECONDS)
            raise _rate_limited(seconds)

    async def wait_out_refusal(self, bucket: RateLimitBucket) -> None:
        """Wait until the bucket may be charged again after a rejection. Charges nothing."""
        await asyncio.sleep(self._retry_after(bucket))

    async def spend(self, bucket: RateLimitBucket, cost: int = 0) -> None:
        allowance = await self._spend(bucket, cost)
        if not allowance.allowed:
            self._remember_refusal(bucket, allowance.retry_after)
            raise _rate_limited(allowance.retry_after)

    async def spend_when_available(
        self, bucket: RateLimitBucket, cost: int, timeout_seconds: float
    ) -> None:
        """Wait in order of arrival until the allowance is large enough, and charge it.

        Raises `RateLimited` when that would take longer than `timeout_seconds`."""
        lock = self._locks.setdefault(bucket.key, asyncio.Lock())
        if not lock.locked() and (await self._spend(bucket, cost)).allowed:
            return
        deadline = time.monotonic() + timeout_seconds
        async with lock:
            while not (allowance := await self._spend(bucket, cost)).allowed:
                if time.monotonic() + allowance.retry_after > deadline:
                    raise _rate_limited(allowance.retry_after)
                await asyncio.sleep(allowance.retry_after)

    async def _spend(self, bucket: RateLimitBucket, cost: int) -> RateLimitResult:
        units = 1 + cost // COST_PER_UNIT
        bucket.allowance = await self._limiter.spend(bucket.key, units, bucket.per_minute)
        return bucket.allowance

    def _retry_after(self, bucket: RateLimitBucket) -> float:
        """Seconds until the bucket may be charged again; 0 if it may be charged now."""
        return max(0.0, self._refused_until.get(bucket.key, 0.0) - time.monotonic())

    def _remember_refusal(self, bucket: RateLimitBucket, seconds: float) -> None:
        now = time.monotonic()
        if len(self._refused_until) >= MAX_REMEMBERED_REFUSALS:
            self._refused_until = {
                key: deadline for key, deadline in self._refused_until.items() if deadline > now
            }
        self._refused_until[bucket.key] = now + min(seconds, 1.0)


def _rate_limited(seconds: float) -> RateLimited:
    return RateLimited(
        f"Too many requests; try again in {seconds:.1f} seconds.", retry_after=round(seconds, 3)
    )
