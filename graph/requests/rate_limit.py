"""Rate limits per minute. A request costs one unit, and more if the cost of its operation is high."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from domain.common.access import Viewer
from domain.common.errors import RateLimited
from domain.common.networks import client_network
from domain.common.quotas import request_key
from domain.common.settings import Settings
from domain.ports import RateLimiter, RateLimitResult

COST_PER_UNIT = 100
MAX_REMEMBERED_REFUSALS = 10_000
PERIOD_SECONDS = 60
REFUSAL_DELAY_SECONDS = 0.1
TENANT_ALLOWANCE = "tenant"
RATE_HEADERS = (
    *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    *("ratelimit", "ratelimit-policy"),
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit that requests are charged to, and the result of the last charge."""

    name: str
    per_minute: int
    result: RateLimitResult

    @property
    def used(self) -> int:
        return self.per_minute - self.result.remaining

    @property
    def reset_seconds(self) -> int:
        """When the whole allowance is available again."""
        return math.ceil(self.used * PERIOD_SECONDS / self.per_minute)


@dataclass(slots=True)
class RateLimitBucket:
    """The limits that requests are charged to together, and the results of the last charge. `name`
    says what the first one limits: a key, a user or an address."""

    key: str
    per_minute: int
    name: str = "key"
    group: str = ""
    tenant_key: str = ""
    tenant_per_minute: int | None = None
    """What the tenant may make in total; None is no limit."""
    results: Sequence[RateLimitResult] = ()

    @property
    def limits(self) -> Sequence[tuple[str, int]]:
        own = (self.key, self.per_minute)
        if self.tenant_per_minute is None:
            return (own,)
        return own, (self.tenant_key, self.tenant_per_minute)

    @property
    def allowances(self) -> Sequence[Allowance]:
        names = (self.name, TENANT_ALLOWANCE)
        return [
            Allowance(name, limit, result)
            for name, (_, limit), result in zip(names, self.limits, self.results, strict=False)
        ]

    @property
    def tightest(self) -> Allowance | None:
        """The limit of which the smallest part is left; None before the first charge."""
        return min(
            self.allowances, key=lambda each: each.result.remaining / each.per_minute, default=None
        )

    @property
    def refusal(self) -> RateLimitResult | None:
        """The result that refused the last charge, and if several did, the one that does so for
        longest; None if it was allowed."""
        refused = [result for result in self.results if not result.allowed]
        return max(refused, key=lambda result: result.retry_after, default=None)

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of the IETF draft for RateLimit headers, in its present form and in that
        of its first versions, which has room for one limit; empty before the first charge."""
        tightest = self.tightest
        if tightest is None:
            return {}
        older = (tightest.per_minute, tightest.result.remaining, tightest.reset_seconds)
        now = ", ".join(
            f'"{each.name}";r={each.result.remaining};t={each.reset_seconds}'
            for each in self.allowances
        )
        policy = ", ".join(
            f'"{each.name}";q={each.per_minute};w={PERIOD_SECONDS}' for each in self.allowances
        )
        return dict(zip(RATE_HEADERS, (*map(str, older), now, policy), strict=True))

    @property
    def extension(self) -> Mapping[str, Any] | None:
        """What the extensions of a response say about the limits; None before the first charge."""
        tightest = self.tightest
        if tightest is None:
            return None
        return {
            "limit": tightest.per_minute,
            "remaining": tightest.result.remaining,
            "resetSeconds": tightest.reset_seconds,
            "scope": tightest.name,
        }


class RequestRateLimiter:
    def __init__(self, limiter: RateLimiter, settings: Settings) -> None:
        self._limiter = limiter
        self._settings = settings
        self._refused_until: dict[str, float] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def bucket(self, viewer: Viewer | None, address: str) -> RateLimitBucket:
        if viewer is not None:
            return RateLimitBucket(
                request_key(viewer.tenant_id, viewer.subject),
                self._settings.requests_per_minute,
                viewer.subject.partition(":")[0],
                str(viewer.tenant_id),
                request_key(viewer.tenant_id),
                viewer.quotas.requests_per_minute,
            )
        return RateLimitBucket(
            f"ip:{client_network(address)}", self._settings.anonymous_requests_per_minute, "address"
        )

    def anonymous_socket_bucket(self, address: str) -> RateLimitBucket:
        """The bucket for WebSockets that end without authentication or are aborted."""
        per_minute = self._settings.anonymous_requests_per_minute
        return RateLimitBucket(f"sockets:{client_network(address)}", per_minute)

    def subscription_bucket(self, viewer: Viewer) -> RateLimitBucket:
        """Subscriptions have an allowance of their own: after a restart all clients return at once."""
        return RateLimitBucket(
            request_key(viewer.tenant_id, f"{viewer.subject}:subscriptions"),
            self._settings.subscriptions_per_minute,
        )

    async def check(self, bucket: RateLimitBucket) -> None:
        """Reject clients that should still wait after a rejection. Charges nothing.

        The delay before the rejection slows down clients that continue regardless."""
        if seconds := self._retry_after(bucket):
            bucket.results = [RateLimitResult(False, 0, seconds)]
            await asyncio.sleep(REFUSAL_DELAY_SECONDS)
            raise _rate_limited(seconds)

    async def wait_out_refusal(self, bucket: RateLimitBucket) -> None:
        """Wait until the bucket may be charged again after a rejection. Charges nothing."""
        await asyncio.sleep(self._retry_after(bucket))

    async def spend(self, bucket: RateLimitBucket, cost: int = 0) -> None:
        refusal = await self._spend(bucket, cost)
        if refusal is not None:
            self._remember_refusal(bucket, refusal.retry_after)
            raise _rate_limited(refusal.retry_after)

    async def spend_when_available(
        self, bucket: RateLimitBucket, cost: int, timeout_seconds: float
    ) -> None:
        """Wait in order of arrival until the allowance is large enough, and charge it.

        Raises `RateLimited` when that would take longer than `timeout_seconds`."""
        lock = self._locks.setdefault(bucket.key, asyncio.Lock())
        if not lock.locked() and await self._spend(bucket, cost) is None:
            return
        deadline = time.monotonic() + timeout_seconds
        async with lock:
            while (refusal := await self._spend(bucket, cost)) is not None:
                if time.monotonic() + refusal.retry_after > deadline:
                    raise _rate_limited(refusal.retry_after)
                await asyncio.sleep(refusal.retry_after)

    async def _spend(self, bucket: RateLimitBucket, cost: int) -> RateLimitResult | None:
        """Charge all limits of the bucket or none of them; returns the refusal, if any."""
        units = 1 + cost // COST_PER_UNIT
        bucket.results = await self._limiter.spend_all(bucket.limits, units, bucket.group)
        return bucket.refusal

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
