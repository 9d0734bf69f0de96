"""Token buckets: how much may come at once, and how much for ever after."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` may be taken at once; it comes back at `per_second`."""

    per_second: float
    burst: float


class TokenBucket:
    __slots__ = ("_rate", "_tokens", "_touched")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._touched = now

    def take(self, count: float, now: float) -> bool:
        """Whether there was enough. A refusal costs nothing."""
        refilled = self._tokens + (now - self._touched) * self._rate.per_second
        self._tokens, self._touched = min(self._rate.burst, refilled), now
        if self._tokens < count:
            return False
        self._tokens -= count
        return True
