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
from domain.ports import Allowance, Limiter
from domain.tools.network_allow_list import network_of

COST_OF_ONE = 100
MOST_REFUSED = 10_000
PERIOD_SECONDS = 60
PAUSE_SECONDS = 0.1
RATE_HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@dataclass(slots=True)
class Payer:
    """Whose allowance a request is taken from, and what was left of it after the last payment."""

    key: str
    per_minute: int
    allowance: Allowance | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """As the IETF's draft of RateLimit header fields has them."""
        if self.allowance is None:
            return {}
        used = self.per_minute - self.allowance.remaining
        reset = math.ceil(used * PERIOD_SECONDS / self.per_minute)
        values = (self.per_minute, self.allowance.remaining, reset)
        return dict(zip(RATE_HEADERS, map(str, values), strict=True))


class Throttle:
    def __init__(self, limiter: Limiter, settings: Settings) -> None:
        self._limiter = limiter
        self._settings = settings
        self._refused: dict[str, float] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def payer(self, viewer: Viewer | None, address: str) -> Payer:
        if viewer is not None:
            return Payer(viewer.subject, self._settings.requests_per_minute)
        return Payer(f"ip:{network_of(address)}", self._settings.anonymous_requests_per_minute)

    def stranger(self, address: str) -> Payer:
        """For WebSockets that end before anybody has signed in, or are cut."""
        per_minute = self._settings.anonymous_requests_per_minute
        return Payer(f"sockets:{network_of(address)}", per_minute)

    def subscriber(self, viewer: Viewer) -> Payer:
        """Subscriptions have an allowance apart: after a restart all come back at once."""
        return Payer(f"{viewer.subject}:subscriptions", self._settings.subscriptions_per_minute)

    async def check(self, payer: Payer) -> None:
        """Costs nothing: refuses those who were told to wait and did not. It takes its time for
        that, so that who goes on and on does so slowly."""
        if seconds := self._still_refused(payer):
            payer.allowance = Allowance(False, 0, seconds)
            await asyncio.sleep(PAUSE_SECONDS)
            raise _refusal(seconds)

    async def hold_back(self, payer: Payer) -> None:
        """Costs nothing: those who were told to wait do so here."""
        await asyncio.sleep(self._still_refused(payer))

    async def spend(self, payer: Payer, cost: int = 0) -> None:
        allowance = await self._spend(payer, cost)
        if not allowance.allowed:
            self._remember(payer, allowance.retry_after)
            raise _refusal(allowance.retry_after)

    async def spend_in_turn(self, payer: Payer, cost: int, seconds: float) -> None:
        """Waits, first come first served, until the allowance is large enough again; raises
        `RateLimited` when that takes longer than `seconds`."""
        turn = self._turns.setdefault(payer.key, asyncio.Lock())
        if not turn.locked() and (await self._spend(payer, cost)).allowed:
            return
        until = time.monotonic() + seconds
        async with turn:
            while not (allowance := await self._spend(payer, cost)).allowed:
                if time.monotonic() + allowance.retry_after > until:
                    raise _refusal(allowance.retry_after)
                await asyncio.sleep(allowance.retry_after)

    async def _spend(self, payer: Payer, cost: int) -> Allowance:
        units = 1 + cost // COST_OF_ONE
        payer.allowance = await self._limiter.spend(payer.key, units, payer.per_minute)
        return payer.allowance

    def _still_refused(self, payer: Payer) -> float:
        """For how many seconds."""
        return max(0.0, self._refused.get(payer.key, 0.0) - time.monotonic())

    def _remember(self, payer: Payer, seconds: float) -> None:
        now = time.monotonic()
        if len(self._refused) >= MOST_REFUSED:
            self._refused = {key: until for key, until in self._refused.items() if until > now}
        self._refused[payer.key] = now + min(seconds, 1.0)


def _refusal(seconds: float) -> RateLimited:
    return RateLimited(
        f"Too many requests; try again in {seconds:.1f} seconds.", retry_after=round(seconds, 3)
    )
