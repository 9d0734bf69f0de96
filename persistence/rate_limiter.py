"""Rate limits by the generic cell rate algorithm (GCRA, ITU-T I.371), one key in Redis per limit.

While Redis is unavailable each process counts on its own, so a limit holds per process. In a Redis
Cluster every key is stored on the node of its slot, so the client has to know the cluster."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import MovedError

from domain.common.tasks import cancel_and_wait
from domain.ports import RateLimitResult
from persistence.redis_urls import is_cluster, node_url

log = logging.getLogger(__name__)

MINUTE_SECONDS = 60.0
HASH_TAG = re.compile(r"\{([^}]+)\}")
MAX_LOCAL_KEYS = 10_000
MAX_CONNECTIONS = 16
PROBE_INTERVAL_SECONDS = 1.0
PROBE_TIMEOUT_SECONDS = 2.0

# All limits are checked before any is charged. Returns for each limit whether it allows the request,
# what remains of it, and after how many milliseconds the request would be allowed.
GCRA_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answers, allowed, due = {}, true, {}
local period = tonumber(ARGV[2 * #KEYS + 1])
for i = 1, #KEYS do
    local limit, cost = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local step = period / limit
    local since = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now)
    due[i] = since + step * cost
    local early = due[i] - period - now
    -- Fractions of a step are not exact, and the time has whole milliseconds.
    local slack = math.min(1, step / 2)
    if early > slack then
        allowed = false
        answers[i] = {0, 0, math.ceil(early)}
    else
        answers[i] = {1, math.floor((slack - early) / step), 0}
    end
end
if allowed then
    for i = 1, #KEYS do
        redis.call('SET', KEYS[i], string.format('%.3f', due[i]), 'PX', math.ceil(due[i] - now) + 1)
    end
end
return answers
"""


class RedisRateLimiter:
    """An allowance may be spent at once, and refills evenly over its period.

    Redis counts as unavailable when it has not responded within `timeout` seconds. From then on no
    request waits for it, and one task probes it until it responds again."""

    def __init__(self, url: str, timeout: float = 0.25) -> None:
        self._redis = _client(url, timeout)
        self._timeout = timeout
        self._script: Any = self._redis.register_script(GCRA_SCRIPT)
        self._connection_slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._connecting = asyncio.Lock()
        self._local: dict[str, float] = {}
        self._probe: asyncio.Task[None] | None = None
        self._cluster_url_logged = False

    async def spend(
        self,
        key: str,
        cost: int,
        allowance: int,
        period_seconds: float = MINUTE_SECONDS,
        group: str = "",
    ) -> RateLimitResult:
        limits = [(_redis_key(group, key), allowance)]
        [result] = await self._spend_all(limits, cost, period_seconds)
        return result

    async def spend_all(
        self, limits: Sequence[tuple[str, int]], cost: int, group: str
    ) -> Sequence[RateLimitResult]:
        keyed = [(_redis_key(group, key), allowance) for key, allowance in limits]
        return await self._spend_all(keyed, cost, MINUTE_SECONDS)

    async def _spend_all(
        self, limits: Sequence[tuple[str, int]], cost: int, period_seconds: float
    ) -> Sequence[RateLimitResult]:
        keys, period = [key for key, _ in limits], round(period_seconds * 1000)
        arguments = [value for _, limit in limits for value in (limit, min(cost, limit))]
        answers = await self.run_script(self._script, keys, [*arguments, period])
        if answers is None:
            return self._spend_locally(limits, cost, period)
        return [
            RateLimitResult(bool(allowed), int(remaining), int(wait) / 1000)
            for allowed, remaining, wait in answers
        ]

    def register_script(self, script: str) -> Any:
        return self._redis.register_script(script)

    async def run_script(
        self, script: Any, keys: Sequence[str], arguments: Sequence[Any]
    ) -> Any | None:
        """Run a registered script on keys of one slot; None while Redis is unavailable."""
        if self._probe is None:
            try:
                return await self._run_in_redis(script, keys, arguments, self._timeout)
            except MovedError:
                self._log_cluster_url()
            except Exception as error:  # noqa: BLE001 - any error counts as an outage
                self._start_probe(keys[0], error)
        return None

    async def _run_in_redis(
        self, script: Any, keys: Sequence[str], arguments: Sequence[Any], timeout_seconds: float
    ) -> Any:
        async with asyncio.timeout(timeout_seconds), self._connection_slots:
            async with self._connecting:  # concurrent initialization of a cluster fails
                await self._redis.initialize()
            return await script(keys=list(keys), args=list(arguments))

    def _log_cluster_url(self) -> None:
        if not self._cluster_url_logged:
            log.error(
                "REDIS_URL names a node of a Redis Cluster: most rate limits are local to this "
                "process until it starts with redis+cluster:// or rediss+cluster://"
            )
        self._cluster_url_logged = True

    def _start_probe(self, key: str, error: Exception) -> None:
        if self._probe is None:
            probe = self._probe_until_available(key, error)
            self._probe = asyncio.create_task(probe, name="limiter-probe")

    async def _probe_until_available(self, key: str, error: Exception) -> None:
        """Probe the node of the key that failed, because other nodes of a cluster may be available.

        The outage is logged only if the probe fails as well: the event loop of this process may
        have been too busy to receive the first response in time."""
        logged = False
        while not await self._ping(key):
            if not logged:
                log.warning(
                    "redis is unavailable: rate limits are local to this process until it is back",
                    extra={"error": type(error).__name__},
                )
                logged = True
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)
        if logged:
            log.warning("redis is available again: rate limits are shared")
        self._probe = None

    async def _ping(self, key: str) -> bool:
        try:
            await self._run_in_redis(
                self._script, [_probe_key(key)], [1, 0, 1], PROBE_TIMEOUT_SECONDS
            )
        except MovedError:
            return True
        except Exception:  # noqa: BLE001 - any error counts as an outage
            return False
        return True

    def _spend_locally(
        self, limits: Sequence[tuple[str, int]], cost: int, period: int
    ) -> Sequence[RateLimitResult]:
        now = time.monotonic_ns() // 1_000_000  # a whole number, as in Redis
        if len(self._local) > MAX_LOCAL_KEYS:
            self._local = {k: due for k, due in self._local.items() if due > now}
        results, due = [], {}
        for key, allowance in limits:
            step = period / allowance
            due[key] = max(self._local.get(key, now), now) + step * min(cost, allowance)
            early, slack = due[key] - period - now, min(1, step / 2)
            results.append(
                RateLimitResult(False, 0, early / 1000)
                if early > slack
                else RateLimitResult(True, int((slack - early) / step), 0.0)
            )
        if all(result.allowed for result in results):
            self._local.update(due)
        return results

    async def aclose(self) -> None:
        if self._probe is not None:
            await cancel_and_wait(self._probe)
        with suppress(Exception):  # a connection that cannot be closed is closed already
            await self._redis.aclose()


def _redis_key(group: str, key: str) -> str:
    """The braces keep a group on one node of a Redis Cluster."""
    return f"studio:rate:{{{group}}}{key}" if group else f"studio:rate:{key}"


def _probe_key(key: str) -> str:
    """A key of its own on the same node of a cluster, because the failed one may hold other data."""
    tag = HASH_TAG.search(key)
    return f"studio:probe:{{{tag[1] if tag else key}}}"


def _client(url: str, timeout: float) -> Redis | RedisCluster:
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "max_connections": 2 * MAX_CONNECTIONS,
        "retry": Retry(NoBackoff(), 0),
    }
    if is_cluster(url):
        return RedisCluster.from_url(node_url(url), **options)
    return Redis.from_url(node_url(url), **options)
