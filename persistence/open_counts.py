"""Counts in Redis of what API processes have open at once, such as the sockets of a tenant.

Each process writes its own count, so a lost response or a dead process leaves no wrong total: a count
that is not renewed for `STALE_SECONDS` is ignored."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from uuid import uuid4

from persistence.rate_limiter import RedisRateLimiter

RENEWAL_SECONDS = 5.0
MIN_INTERVAL_SECONDS = 0.25
STALE_SECONDS = 15

# Arguments: the process, its count, the limit (0: none), and whether the count includes one that must
# not exceed the limit. Returns the total, and whether that one was refused.
COUNT_SCRIPT = f"""
local now = tonumber(redis.call('TIME')[1])
local stored = redis.call('HGETALL', KEYS[1])
local others = 0
for i = 1, #stored, 2 do
    local count, at = string.match(stored[i + 1], '(%d+):(%d+)')
    if now - tonumber(at) > {STALE_SECONDS} then
        redis.call('HDEL', KEYS[1], stored[i])
    elseif stored[i] ~= ARGV[1] then
        others = others + tonumber(count)
    end
end
local own, limit, refused = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
if ARGV[4] == '1' and limit > 0 and others + own > limit then
    own, refused = own - 1, 1
end
if own > 0 then
    redis.call('HSET', KEYS[1], ARGV[1], string.format('%d:%d', own, now))
    redis.call('EXPIRE', KEYS[1], {2 * STALE_SECONDS})
else
    redis.call('HDEL', KEYS[1], ARGV[1])
end
return {{others + own, refused}}
"""


class RedisOpenCounts:
    def __init__(self, redis: RedisRateLimiter) -> None:
        self._redis = redis
        self._script = redis.register_script(COUNT_SCRIPT)
        self._process = uuid4().hex
        self._own: Counter[str] = Counter()
        self._released: set[str] = set()
        self._has_released = asyncio.Event()

    async def acquire(self, key: str, limit: int | None) -> int | None:
        self._own[key] += 1
        try:
            total, is_refused = await self._write(key, limit or 0, is_new=True)
        except BaseException:
            self.release(key)
            raise
        if is_refused:
            self.release(key)
            return None
        return total

    def release(self, key: str) -> None:
        self._own[key] -= 1
        if not self._own[key]:
            del self._own[key]
        self._released.add(key)
        self._has_released.set()

    async def total(self, key: str) -> int:
        return (await self._write(key, 0, is_new=False))[0]

    async def run_renewal(self) -> None:
        """Write the counts that have fallen soon, and all counts from time to time."""
        renewed_at = 0.0
        while True:
            keys, self._released = self._released, set()
            self._has_released.clear()
            if time.monotonic() - renewed_at > RENEWAL_SECONDS:
                keys, renewed_at = keys.union(self._own), time.monotonic()
            for key in keys:
                await self._write(key, 0, is_new=False)
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEWAL_SECONDS):
                    await self._has_released.wait()
            # Many sockets may close at once; their counts are written together.
            await asyncio.sleep(MIN_INTERVAL_SECONDS)

    async def _write(self, key: str, limit: int, *, is_new: bool) -> tuple[int, bool]:
        """The total, and whether the last one exceeds the limit."""
        own = self._own[key]
        answer = await self._redis.run_script(
            self._script, [f"studio:open:{key}"], [self._process, own, limit, int(is_new)]
        )
        if answer is None:
            return own, is_new and 0 < limit < own
        return int(answer[0]), bool(answer[1])
