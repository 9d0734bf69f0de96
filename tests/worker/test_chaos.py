"""Workers and servers are killed and frozen repeatedly during calls; nothing is lost or repeated.

Real processes run on servers of their own; the API's clients are the ones that `./studio talk` uses.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from local.talk import START
from tests.support.chaos import (
    Caller,
    Freeze,
    calling_customers,
    count_audited_events,
    evaluate,
    freeze_processes,
    import_shop,
    kill_at_random,
    run_disturbed_round,
    shop,
)
from tests.support.installation import Process, running_installation

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

CALLS, MESSAGES, KILLS = 6, 6, 12
WORDS = ["I need an appointment", "tomorrow at ten", "friday morning", "monday", "today", "tuesday"]


async def test_nothing_is_lost_and_nothing_is_repeated(tmp_path: Path) -> None:
    number = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"seed {number} (repeat with CHAOS_SEED={number})")
    dice = random.Random(number)
    async with running_installation(tmp_path, workers=2) as whole:
        callers = [Caller(whole.studio(), n) for n in range(CALLS)]
        async with asyncio.TaskGroup() as tasks:
            for caller in callers:
                tasks.create_task(caller.talk(WORDS[:MESSAGES]))
            wreaking = tasks.create_task(kill_at_random(whole, dice, KILLS))
        delivered = [e["seq"] for caller in callers for e in caller.durable]
        stored = await count_audited_events(whole.settings)
        repeated = sum(
            n - 1 for c in callers for n in Counter(e["seq"] for e in c.durable).values()
        )
        replaced = sum(e["__typename"] == "WorkerReplaced" for c in callers for e in c.durable)
        print(
            f"delivered {len(delivered)} / expected {stored} / duplicated {repeated} / "
            f"workers replaced {replaced} / killed {dict(wreaking.result())}"
        )
    for caller in callers:
        check(caller)
    assert len(delivered) == stored


def check(caller: Caller) -> None:
    events = caller.durable
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert [e["text"] for e in events if e["__typename"] == "UserTurn"] == WORDS[:MESSAGES]
    turns = Counter(e["turnId"] for e in events if e["__typename"] == "TurnMeasured")
    assert list(turns.values()) == [1] * MESSAGES
    ends = [e for e in events if e["__typename"] == "CallEnded"]
    assert ends == events[-1:]
    assert ends[0]["reason"] == "ENDED_BY_API"
    assert sum(e["__typename"] == "HandedOff" for e in events) == 1
    answers: Counter[str] = Counter()
    turn = ""
    for event in events:
        if event["__typename"] == "UserTurn":
            turn = event["text"]
        elif event["__typename"] == "AgentTurn" and "You are booked for" in event["text"]:
            answers[turn] += 1
            assert f"booked for {turn}." in event["text"]
    assert answers == dict.fromkeys(WORDS[1:MESSAGES], 1)


CUSTOMERS = 12
FREEZES = (
    Freeze("database", 0.0, 3.8),
    Freeze("database", 0.3, 3.8),
    Freeze("all workers", 0.1, 4.5),
    Freeze("worker 0", 0.2, 4.5),
    Freeze("redis", 0.1, 1.5),
)
"""Longer than the lease, except for Redis, which grants none."""


async def test_a_frozen_worker_that_wakes_up_repeats_no_effect(tmp_path: Path) -> None:
    async with shop() as server:
        more = {"LEASE_SECONDS": "2.5", "HEARTBEAT_SECONDS": "0.5"}
        async with running_installation(
            tmp_path, workers=2, OUTBOUND_ALLOW=server.allowed, **more
        ) as whole:
            await import_shop(whole, server)
            replaced = {}
            async with calling_customers(whole, CUSTOMERS) as callers:
                for number, freeze in enumerate(FREEZES):
                    replaced[str(freeze)] = await run_disturbed_round(
                        callers, f"tool {number}", partial(freeze_processes, whole, freeze)
                    )
            stored = await count_audited_events(whole.settings)
    result = evaluate(callers, server)
    print(f"{result.uses} uses / {result.effects} effects / workers replaced {replaced}")
    assert (result.lost, result.doubled, result.doubled_effects) == ([], [], [])
    assert result.uses == CUSTOMERS * len(FREEZES)
    assert result.keys == result.effects
    assert sum(len(caller.durable) for caller in callers) == stored
    # Only the store failed.
    assert {name: n for name, n in replaced.items() if "worker" not in name and n} == {}


DEATHS: dict[str, tuple[Callable[[Process], Awaitable[None]], int]] = {
    "all of it": (Process.restart, 1),
    "the process that talks": (Process.kill_children, 1),
    "the process that watches": (Process.restart_parent, 0),
}
"""The part of a worker that dies, and how many takeovers follow."""


@pytest.mark.parametrize("death", DEATHS)
async def test_a_call_survives_the_death_of_its_only_worker(tmp_path: Path, death: str) -> None:
    kill, replaced = DEATHS[death]
    async with running_installation(tmp_path, workers=1) as whole:
        caller = Caller(whole.studio(), 0)

        async def kill_in_mid_answer() -> None:
            await caller.wait_until(lambda: caller.count_events("PartialTranscript") > 0)
            await kill(whole.processes["worker 0"])

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(caller.talk(WORDS[:2]))
            tasks.create_task(kill_in_mid_answer())
    reported = [e["__typename"] for e in caller.durable]
    assert reported.count("WorkerReplaced") == replaced
    assert reported.count("UserTurn") == reported.count("TurnMeasured") == 2
    assert (
        reported.count("HandedOff")
        == reported.count("ToolFinished")
        == reported.count("CallEnded")
        == 1
    )
    assert [e["seq"] for e in caller.durable] == list(range(1, len(reported) + 1))


async def test_a_worker_that_was_declared_dead_writes_nothing_more(tmp_path: Path) -> None:
    async with running_installation(tmp_path, workers=1) as whole:
        caller = Caller(whole.studio(), 0)
        zombie = whole.processes["worker 0"]

        async def freeze_and_replace() -> None:
            await caller.wait_until(lambda: caller.count_events("AgentTurn") > 0)
            zombie.send_signal(signal.SIGSTOP)
            other = whole.processes["worker 1"] = Process(zombie.module, zombie.env)
            await other.start()
            await caller.wait_until(lambda: caller.count_events("WorkerReplaced") > 0)
            zombie.send_signal(signal.SIGCONT)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(caller.talk(WORDS[:2]))
            tasks.create_task(freeze_and_replace())
        await whole.processes["worker 1"].kill()
        assert await count_audited_events(whole.settings) == len(caller.durable)
    reported = [e["__typename"] for e in caller.durable]
    assert reported.count("UserTurn") == reported.count("TurnMeasured") == 2
    assert reported.count("CallEnded") == 1


async def test_without_a_worker_a_call_ends_with_a_reason(tmp_path: Path) -> None:
    async with running_installation(tmp_path, workers=0, CLAIM_SECONDS="0.5") as whole:
        caller = Caller(whole.studio(), 0)
        started = await whole.studio().execute(START, {"input": {"workflow": {"slug": "clinic"}}})
        caller.id = started["startCall"]["call"]["id"]
        async with asyncio.timeout(60):
            await caller.listen()
    last = caller.durable[-1]
    assert (last["state"], last["reason"], last["blame"]) == ("FAILED", "NO_WORKER", "PLATFORM")
