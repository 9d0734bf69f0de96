"""Everything is killed, again and again, while people talk. Nothing may be lost, nothing said twice.

Real processes on servers of their own; the API's clients are the ones that `studio talk` uses."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.settings import Settings
from local.client import Studio
from local.talk import FOLLOW, SEND, START
from tests.installation import Installation, Process, installed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

CALLS, MESSAGES, KILLS = 6, 6, 12
WORDS = ["I need an appointment", "tomorrow at ten", "friday morning", "monday", "today", "tuesday"]


class Caller:
    """Talks through the API, message by message, and keeps all that was streamed."""

    def __init__(self, studio: Studio, number: int) -> None:
        self._studio = studio
        self._number = number
        self.id = ""
        self.events: list[dict[str, Any]] = []
        self.changed = asyncio.Condition()

    async def talk(self, words: list[str]) -> None:
        given = {"workflow": {"slug": "clinic"}, "idempotencyKey": f"chaos-{self._number}"}
        started = await self._ask(START, {"input": given})
        self.id = started["startCall"]["call"]["id"]
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self.listen())
            for number, text in enumerate(words):
                key = f"m{number}"
                message = {"callId": self.id, "text": text, "idempotencyKey": key}
                await self._ask(SEND, {"input": message})
                await self.until(partial(self._answered, number))
            end = "mutation ($input: EndCallInput!) { endCall(input: $input) { __typename } }"
            await self._ask(end, {"input": {"callId": self.id}})
            await listening

    async def _ask(self, document: str, variables: dict[str, Any]) -> Any:
        """Asks until the stores are back."""
        until = time.monotonic() + 60
        while True:
            try:
                return await self._studio.ask(document, variables, patience=60)
            except Exception as error:
                if "not available" not in str(error) or time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)

    async def listen(self) -> None:
        async for event in self._studio.follow(FOLLOW, {"callId": self.id}):
            async with self.changed:
                self.events.append(event)
                self.changed.notify_all()

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(200), self.changed:
            await self.changed.wait_for(done)

    def _answered(self, number: int) -> bool:
        return self.seen("TurnMeasured") > number

    def seen(self, kind: str) -> int:
        return sum(e["__typename"] == kind for e in self.events)

    @property
    def durable(self) -> list[dict[str, Any]]:
        return [e for e in self.events if "seq" in e]


async def wreak(whole: Installation, dice: random.Random, kills: int) -> Counter[str]:
    """Kills something every second or so, and starts it again."""
    done: Counter[str] = Counter()
    processes = whole.processes

    async def crash_database() -> None:
        await whole.database.stop(signal.SIGQUIT)
        await asyncio.sleep(0.3)
        await whole.database.start()

    async def crash_redis() -> None:
        await whole.redis.kill()
        await asyncio.sleep(0.3)
        await whole.redis.start()

    deeds: dict[str, Callable[[], Awaitable[None]]] = {
        **{name: process.restart for name, process in processes.items()},
        "worker 0's parent": processes["worker 0"].restart_parent,
        "worker 1's children": processes["worker 1"].kill_children,
        "database": crash_database,
        "redis": crash_redis,
    }
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(0.3, 1.5))
        name = dice.choice(sorted(deeds))
        await deeds[name]()
        done[name] += 1
    return done


async def test_nothing_is_lost_and_nothing_is_said_twice(tmp_path: Path) -> None:
    number = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"seed {number} (repeat with CHAOS_SEED={number})")
    dice = random.Random(number)
    async with installed(tmp_path, workers=2) as whole:
        callers = [Caller(whole.studio(), n) for n in range(CALLS)]
        async with asyncio.TaskGroup() as tasks:
            for caller in callers:
                tasks.create_task(caller.talk(WORDS[:MESSAGES]))
            wreaking = tasks.create_task(wreak(whole, dice, KILLS))
        delivered = [e["seq"] for caller in callers for e in caller.durable]
        stored = await audit(whole.settings)
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


async def audit(settings: Settings) -> int:
    """How many events are stored, after a look for calls that went wrong."""
    db = await asyncpg.connect(settings.database_url)
    wrong = await db.fetch(
        "select l.call_id from call_log l where l.ended_at is null or l.head <> "
        "(select count(*) from call_event e where e.call_id = l.call_id) or 1 <> "
        "(select count(*) from call_event e where e.call_id = l.call_id and kind = 'call_ended')"
    )
    waiting = await db.fetchval("select count(*) from call_command where done_at is null")
    stored: int = await db.fetchval("select count(*) from call_event")
    await db.close()
    assert (wrong, waiting) == ([], 0)
    return stored


DEATHS: dict[str, tuple[Callable[[Process], Awaitable[None]], int]] = {
    "all of it": (Process.restart, 1),
    "the process that talks": (Process.kill_children, 1),
    "the process that watches": (Process.restart_parent, 0),
}
"""What may die of a worker, and how often another one has to take over for it."""


@pytest.mark.parametrize("death", DEATHS)
async def test_a_call_survives_the_death_of_its_only_worker(tmp_path: Path, death: str) -> None:
    kill, replaced = DEATHS[death]
    async with installed(tmp_path, workers=1) as whole:
        caller = Caller(whole.studio(), 0)

        async def kill_in_mid_answer() -> None:
            await caller.until(lambda: caller.seen("PartialTranscript") > 0)
            await kill(whole.processes["worker 0"])

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(caller.talk(WORDS[:2]))
            tasks.create_task(kill_in_mid_answer())
    told = [e["__typename"] for e in caller.durable]
    assert told.count("WorkerReplaced") == replaced
    assert told.count("UserTurn") == told.count("TurnMeasured") == 2
    assert told.count("HandedOff") == told.count("ToolFinished") == told.count("CallEnded") == 1
    assert [e["seq"] for e in caller.durable] == list(range(1, len(told) + 1))


async def test_a_worker_that_was_taken_for_dead_writes_nothing_more(tmp_path: Path) -> None:
    async with installed(tmp_path, workers=1) as whole:
        caller = Caller(whole.studio(), 0)
        zombie = whole.processes["worker 0"]

        async def freeze_and_replace() -> None:
            await caller.until(lambda: caller.seen("AgentTurn") > 0)
            zombie.tell(signal.SIGSTOP)
            other = whole.processes["worker 1"] = Process(zombie.module, zombie.env)
            await other.start()
            await caller.until(lambda: caller.seen("WorkerReplaced") > 0)
            zombie.tell(signal.SIGCONT)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(caller.talk(WORDS[:2]))
            tasks.create_task(freeze_and_replace())
        await whole.processes["worker 1"].kill()
        assert await audit(whole.settings) == len(caller.durable)
    told = [e["__typename"] for e in caller.durable]
    assert told.count("UserTurn") == told.count("TurnMeasured") == 2
    assert told.count("CallEnded") == 1


async def test_without_a_worker_a_call_ends_and_says_why(tmp_path: Path) -> None:
    async with installed(tmp_path, workers=0, CLAIM_SECONDS="0.5") as whole:
        caller = Caller(whole.studio(), 0)
        started = await whole.studio().ask(START, {"input": {"workflow": {"slug": "clinic"}}})
        caller.id = started["startCall"]["call"]["id"]
        async with asyncio.timeout(15):
            await caller.listen()
    last = caller.durable[-1]
    assert (last["state"], last["reason"], last["blame"]) == ("FAILED", "NO_WORKER", "PLATFORM")
