"""Calls with very long logs, which SQL generates quickly."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait

APPEND_EVENTS = """
    with log as (
        update call_log set head = head + $2 where call_id = $1
        returning tenant_id, call_id, head - $2 as head)
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select tenant_id, call_id, head + n, now(), body ->> 'kind', body
      from log, generate_series(1, $2) as n, lateral (select case case when $3 then 2 else n % 3 end
           when 1 then json_build_object('kind', 'user_turn', 'turn_id', 'u' || n,
                'text', 'This is question number ' || n, 'message_id', gen_random_uuid())
           when 2 then json_build_object('kind', 'agent_turn', 'turn_id', 'a' || n,
                'node', 'reception', 'agent', 'reception', 'text', 'How can I help?',
                'heard_text', 'How can I help?')
           else json_build_object('kind', 'turn_measured', 'turn_id', 'u' || n - 2,
                'total_ms', 7.5, 'usage', json_build_array(json_build_object('kind', 'LLM',
                'provider', 'scripted', 'model', 'rules', 'input_tokens', 9)))
           end as body) as generated
"""


async def append_events(
    settings: Settings, id: UUID, events: int, *, only_answers: bool = False
) -> None:
    """Append questions, answers and measurements in turn, or only answers."""
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        "set session_replication_role = replica"
    )  # checking foreign keys takes most of the time
    await db.execute(APPEND_EVENTS, id, events, only_answers)
    await db.execute("analyze call_event")
    await db.close()


@dataclass(slots=True)
class LoopDelays:
    """The longest delays of other tasks in this event loop, in seconds."""

    worst: float = 0.0
    worst_cpu: float = 0.0
    """The longest delay in CPU time, which other processes do not affect."""


@asynccontextmanager
async def measuring_loop_delays() -> AsyncIterator[LoopDelays]:
    delays = LoopDelays()
    gc.freeze()  # as the product does at startup, so that loaded code is not scanned

    async def watch() -> None:
        while True:
            started_at, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.001)
            delays.worst = max(delays.worst, time.perf_counter() - started_at - 0.001)
            delays.worst_cpu = max(delays.worst_cpu, time.thread_time() - cpu)

    task = asyncio.create_task(watch())
    try:
        yield delays
    finally:
        await cancel_and_wait(task)
        gc.unfreeze()
