"""Charging a use case to its rate limit."""

from __future__ import annotations

from domain.common.errors import Path, RateLimited
from domain.ports import RateLimiter


async def charge(
    limiter: RateLimiter, key: str, per_minute: int, what: str, path: Path = ()
) -> None:
    """Charge one of `what`, such as "attempts to sign in", to the limit with this key. Raises
    `RateLimited`, with the path of the value whose limit it is, if the limit is exhausted."""
    result = await limiter.spend(key, 1, per_minute)
    if not result.allowed:
        raise rate_limited(what, result.retry_after, path)


def rate_limited(what: str, seconds: float, path: Path = ()) -> RateLimited:
    return RateLimited(
        f"Too many {what}; try again in {max(1, round(seconds))} seconds.",
        path,
        retry_after=seconds,
    )
