"""Whether the API leaks memory: ended calls are read repeatedly, each over a socket of its own.

The first rounds warm the process up: caches fill, and the garbage collector collects the older
generations for the first time (`tune_gc` in `graph/app.py`). The rounds after them show whether memory
still grows.

With `--churn` each round uses another document, so that no cached response is used again."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg

from bench.harness.api import MeasuredApi, open_socket, running_api, subscribe
from bench.harness.benchmark import (
    Figure,
    add_calls,
    installation,
    new_owner,
    report,
    run_benchmark,
)
from domain.calls.events import AgentTurn, CallEnded, CallEvent, UserTurn
from domain.calls.model import Blame, CallState, EndReason
from domain.common.settings import Settings
from persistence.codec import encode_event
from resolvers.global_ids import global_id

CALLS, ROUNDS, WARM_UP_ROUNDS, CONCURRENT_READERS = 300, 20, 8, 4
EVENTS = (20, 60)
DOCUMENT = """subscription ($callId: ID!) { callEvents(callId: $callId) {
  __typename ... on CallEvent { cursor seq at }
  ... on AgentTurn { agent text heardText } ... on UserTurn { text } ... on CallEnded { reason }
} }"""


def random_log(rng: random.Random) -> list[CallEvent]:
    """The turns of a conversation, with realistic lengths of text."""
    turns: list[CallEvent] = []
    for n in range(rng.randint(*EVENTS) // 2):
        question, answer = "word " * rng.randint(1, 40), "word " * rng.randint(5, 150)
        turns.append(UserTurn(turn_id=f"u{n}", text=question))
        turns.append(
            AgentTurn(turn_id=f"a{n}", node="n", agent="agent", text=answer, heard_text=answer)
        )
    ended = CallEnded(
        state=CallState.COMPLETED,
        reason=EndReason.ENDED_BY_API,
        blame=Blame.API,
        duration_ms=0,
    )
    return [*turns, ended]


async def write_logs(settings: Settings, tenant: UUID, ids: list[UUID]) -> None:
    rng = random.Random(1)
    db = await asyncpg.connect(settings.database_url)
    for id in ids:
        events = random_log(rng)
        await db.executemany(
            "insert into call_event (call_id, tenant_id, seq, at, kind, body) "
            "values ($1, $2, $3, now(), $4, $5)",
            [(id, tenant, n, e.kind, encode_event(e)) for n, e in enumerate(events, 1)],
        )
        await db.execute(
            "update call_log set head = $2, ended_at = now(), state = 'COMPLETED', "
            "end_reason = 'ENDED_BY_API' where call_id = $1",
            id,
            len(events),
        )
    await db.close()


async def read_call(api: MeasuredApi, id: UUID, document: str) -> int:
    """Read one call from its first event to its end, over a new socket. Returns the event count."""
    count = 0
    async with open_socket(api) as ws:
        await subscribe(ws, "1", document, {"callId": global_id("Call", id)})
        async for raw in ws:
            message: dict[str, Any] = json.loads(raw)
            if message["type"] == "complete":
                return count
            assert message["type"] == "next", message
            count += 1
    raise RuntimeError("the socket was closed before the call ended")


async def read_calls(api: MeasuredApi, ids: list[UUID], document: str) -> None:
    pending = list(ids)

    async def reader() -> None:
        while pending:
            await read_call(api, pending.pop(), document)

    await asyncio.gather(*(reader() for _ in range(CONCURRENT_READERS)))


async def main() -> None:
    sizes: list[float] = []
    async with installation() as settings:
        viewer = await new_owner(settings)
        ids = await add_calls(settings, viewer.tenant_id, CALLS)
        await write_logs(settings, viewer.tenant_id, ids)
        async with running_api(settings, viewer.tenant_id) as api:
            for n in range(ROUNDS):
                suffix = f" # {n}" if "--churn" in sys.argv else ""
                await read_calls(api, ids, DOCUMENT + suffix)
                sizes.append(api.process.memory_info().rss / 1e6)
                print(
                    f"  after {len(sizes) * CALLS:>6} streams {sizes[-1]:>8.1f} MB", file=sys.stderr
                )
    steps = [after - before for before, after in pairwise(sizes[WARM_UP_ROUNDS - 1 :])]
    report(
        f"memory: {CALLS} ended calls read {ROUNDS} times, the first {WARM_UP_ROUNDS} to warm up",
        [
            Figure("rss_mb", sizes[-1]),
            Figure("mb_per_1000_streams", sum(steps) / len(steps) / CALLS * 1000, "<= 0.5"),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
