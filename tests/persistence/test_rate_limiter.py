"""Rate limits, with Redis and without."""

from __future__ import annotations

import asyncio
import secrets
import time

import pytest

from persistence.rate_limiter import RedisRateLimiter

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("redis", ["there", "away"])
async def test_any_allowance_can_be_spent_to_the_last_unit(
    servers: tuple[str, str], redis: str
) -> None:
    url = servers[1] if redis == "there" else "redis://127.0.0.1:1"
    limiter = RedisRateLimiter(url, timeout=10.0)
    for allowance in (*range(1, 100), 997, 9_999):
        whole = await limiter.spend(secrets.token_hex(4), allowance, allowance)
        assert (whole.allowed, whole.remaining) == (True, 0), allowance
        key = secrets.token_hex(4)
        # A month, so that nothing refills meanwhile.
        spent = [
            await limiter.spend(key, 1, allowance, 30 * 86_400) for _ in range(min(allowance, 20))
        ]
        assert all(each.allowed for each in spent), allowance
        remaining = [each.remaining for each in spent]
        assert remaining == [allowance - n for n in range(1, len(spent) + 1)], allowance
    await limiter.aclose()


@pytest.mark.parametrize("redis", ["there", "away"])
async def test_the_allowance_of_a_minute_may_be_spent_at_once_and_not_exceeded(
    servers: tuple[str, str], redis: str
) -> None:
    url = servers[1] if redis == "there" else "redis://127.0.0.1:1"
    limiter = RedisRateLimiter(url, timeout=10.0)
    key = secrets.token_hex(4)
    began = time.monotonic()
    answers = await asyncio.gather(*(limiter.spend(key, 1, 50) for _ in range(200)))
    came_back = (time.monotonic() - began) * 50 / 60
    assert 50 <= sum(answer.allowed for answer in answers) <= 50 + came_back
    refused = next(answer for answer in answers if not answer.allowed)
    assert 0 < refused.retry_after <= 1.2
    assert (await limiter.spend(secrets.token_hex(4), 10, 50)).remaining == 40
    hourly = secrets.token_hex(4)
    assert (await limiter.spend(hourly, 2, 2, 3_600)).allowed
    refused = await limiter.spend(hourly, 1, 2, 3_600)
    assert (refused.allowed, 1_700 < refused.retry_after <= 1_800) == (False, True)
    await limiter.aclose()
