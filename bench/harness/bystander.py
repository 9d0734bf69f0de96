"""A client of another tenant, in its own process: `python -m bench.harness.bystander URL S KEY…`.

It sends a query every 20 ms for S seconds and prints the latency of each response."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from itertools import cycle
from urllib.parse import urlsplit

from bench.harness.attacks import post_request

REQUEST_INTERVAL_SECONDS = 0.02


async def measure_latencies(port: int, seconds: float, keys: Sequence[str]) -> list[float]:
    """Latencies in milliseconds.

    The last request is sent in time and its response is awaited. A rejection, which is fast, counts as
    if it had taken the whole time."""
    requests = cycle([post_request(key, "{ viewer { __typename } }") for key in keys])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    latencies: list[float] = []
    deadline = time.perf_counter() + seconds
    while (started_at := time.perf_counter()) < deadline:
        writer.write(next(requests))
        headers = await reader.readuntil(b"\r\n\r\n")
        length = int(headers.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        elapsed = time.perf_counter() - started_at
        latencies.append((elapsed if headers.startswith(b"HTTP/1.1 200") else seconds) * 1000)
        await asyncio.sleep(max(0.0, started_at + REQUEST_INTERVAL_SECONDS - time.perf_counter()))
    writer.close()
    return latencies


def main(url: str, seconds: str, *keys: str) -> None:
    latencies = asyncio.run(measure_latencies(urlsplit(url).port or 80, float(seconds), keys))
    print(json.dumps(latencies))


if __name__ == "__main__":
    main(*sys.argv[1:])
