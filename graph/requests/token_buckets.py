"""Token buckets: a burst, and a sustained rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` tokens may be taken at once; they are refilled at `per_second`."""

    per_second: float
    burst: float


class TokenBucket:
    __slots__ = ("_rate", "_tokens", "_updated_at")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._updated_at = now

    def take(self, count: float, now: float) -> bool:
        """Take `count` tokens if there are enough, and return whether there were."""
        refilled = self._tokens + (now - self._updated_at) * self._rate.per_second
        self._tokens, self._updated_at = min(self._rate.burst, refilled), now
        if self._tokens < count:
            return False
        self._tokens -= count
        return True
