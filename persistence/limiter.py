"""Rate limits: the generic cell rate algorithm (GCRA, ITU-T I.371), one key in Redis per limit.

While Redis is away each process counts for itself: a limit then holds per process."""

from __future__ import annotations

import time
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.ports import Allowance

PERIOD_MS = 60_000
MOST_LOCAL = 10_000

SPEND = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local step = 60000 / limit
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + step * cost
local early = due - 60000 - now
if early > 0 then
    return {0, 0, math.ceil(early)}
end
redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', math.ceil(due - now) + 1)
return {1, math.floor(-early / step), 0}
"""


class RedisLimiter:
    """`per_minute` may be spent at once, and comes back evenly over a minute. Redis is away when it
    has not answered in `patience` seconds."""

    def __init__(self, url: str, patience: float = 0.25) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=16,
            timeout=4 * patience,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._spend: Any = self._redis.register_script(SPEND)
        self._local: dict[str, float] = {}
        self._away_until = 0.0

    async def spend(self, key: str, cost: int, per_minute: int) -> Allowance:
        if time.monotonic() >= self._away_until:
            try:
                allowed, remaining, wait = await self._spend(
                    keys=[f"studio:rate:{key}"], args=[per_minute, min(cost, per_minute)]
                )
                return Allowance(bool(allowed), int(remaining), int(wait) / 1000)
            except (RedisError, OSError):
                # Ask again in a second, not with every request.
                self._away_until = time.monotonic() + 1.0
        return self._spend_here(key, min(cost, per_minute), per_minute)

    def _spend_here(self, key: str, cost: int, per_minute: int) -> Allowance:
        now, step = time.monotonic() * 1000, PERIOD_MS / per_minute
        if len(self._local) > MOST_LOCAL:
            self._local = {k: due for k, due in self._local.items() if due > now}
        due = max(self._local.get(key, now), now) + step * cost
        early = due - PERIOD_MS - now
        if early > 0:
            return Allowance(False, 0, early / 1000)
        self._local[key] = due
        return Allowance(True, int(-early / step), 0.0)

    async def aclose(self) -> None:
        await self._redis.aclose(close_connection_pool=True)
