"""Somebody of another tenant, in a process of their own: `python -m bench.harness.bystander URL S KEY…`.

Asks every 20 ms who they are, for S seconds, and tells how long each answer took."""

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
    """In milliseconds. The last question is asked in time and waited for; a refusal, which keeps
    nobody waiting, counts as if it had taken all of the time."""
    requests = cycle([post_request(key, "{ viewer { __typename } }") for key in keys])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits: list[float] = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        writer.write(next(requests))
        headers = await reader.readuntil(b"\r\n\r\n")
        length = int(headers.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took = time.perf_counter() - began
        waits.append((took if headers.startswith(b"HTTP/1.1 200") else seconds) * 1000)
        await asyncio.sleep(max(0.0, began + REQUEST_INTERVAL_SECONDS - time.perf_counter()))
    writer.close()
    return waits


def main(url: str, seconds: str, *keys: str) -> None:
    waits = asyncio.run(measure_latencies(urlsplit(url).port or 80, float(seconds), keys))
    print(json.dumps(waits))


if __name__ == "__main__":
    main(*sys.argv[1:])
