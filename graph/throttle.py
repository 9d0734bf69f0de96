"""How much anybody may ask per minute: a request costs one, and more the more it asks for."""

from __future__ import annotations

import time
from dataclasses import dataclass

from domain.access import Viewer
from domain.addresses import network_of
from domain.errors import RateLimited
from domain.ports import Limiter
from domain.settings import Settings

COST_OF_ONE = 100
MOST_REFUSED = 10_000


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose allowance a request is taken from."""

    key: str
    per_minute: int


class Throttle:
    def __init__(self, limiter: Limiter, settings: Settings) -> None:
        self._limiter = limiter
        self._settings = settings
        self._refused: dict[str, float] = {}

    def payer(self, viewer: Viewer | None, address: str) -> Payer:
        if viewer is not None:
            return Payer(viewer.subject, self._settings.requests_per_minute)
        return Payer(f"ip:{network_of(address)}", self._settings.anonymous_requests_per_minute)

    def check(self, payer: Payer) -> None:
        """Costs nothing: refuses those who were told to wait and did not."""
        until = self._refused.get(payer.key, 0.0)
        if until > (now := time.monotonic()):
            raise _refusal(until - now)

    async def spend(self, payer: Payer, cost: int = 0) -> None:
        allowance = await self._limiter.spend(payer.key, 1 + cost // COST_OF_ONE, payer.per_minute)
        if not allowance.allowed:
            self._remember(payer, allowance.retry_after)
            raise _refusal(allowance.retry_after)

    def _remember(self, payer: Payer, seconds: float) -> None:
        now = time.monotonic()
        if len(self._refused) >= MOST_REFUSED:
            self._refused = {key: until for key, until in self._refused.items() if until > now}
        self._refused[payer.key] = now + min(seconds, 1.0)


def _refusal(seconds: float) -> RateLimited:
    return RateLimited(
        f"Too many requests; try again in {seconds:.1f} seconds.", retry_after=round(seconds, 3)
    )
