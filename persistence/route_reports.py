"""The last report of the keepers about inbound routes, in Redis.

A report is renewed after each comparison and expires, so that one of a keeper that no longer runs
is not read as the present state."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from domain.telephony.inbound_routes import NO_REPORT, REPORT_SECONDS, RouteReport
from domain.telephony.trunks import PhoneNumberId
from persistence.rate_limiter import RedisRateLimiter

KEY = "studio:route-report"
PUT_SCRIPT = "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) return 1"
LAST_SCRIPT = "return redis.call('GET', KEYS[1]) or ''"


class RedisRouteReports:
    def __init__(self, redis: RedisRateLimiter) -> None:
        self._redis = redis
        self._put: Any = redis.register_script(PUT_SCRIPT)
        self._last: Any = redis.register_script(LAST_SCRIPT)

    async def put(self, report: RouteReport) -> None:
        refused = {str(id): code for id, code in report.refused.items()}
        body = orjson.dumps({"unavailable": report.unavailable, "refused": refused})
        await self._redis.run_script(self._put, [KEY], [body, REPORT_SECONDS])

    async def last(self) -> RouteReport | None:
        body = await self._redis.run_script(self._last, [KEY], [])
        if body is None:
            return None
        if not body:
            return NO_REPORT
        stored = orjson.loads(body)
        refused = {PhoneNumberId(UUID(id)): str(code) for id, code in stored["refused"].items()}
        return RouteReport(unavailable=stored["unavailable"], refused=refused)
