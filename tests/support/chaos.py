"""Callers who talk while processes are killed or frozen, and an evaluation of what happened.

The processes and servers are real; the callers are clients of the public API, like `studio talk`. The tool
of the shop calls a real HTTP server, which records every order with its idempotency key."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import asyncpg
import psutil
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.common.settings import Settings
from local.client import StudioClient
from local.emulators.http_server import run_server
from local.talk import CALL_EVENTS, SEND, START
from tests.support.installation import Installation

Json = dict[str, Any]

RETRY_TIMEOUT_SECONDS = 60.0
ANSWER_TIMEOUT_SECONDS = 200.0
ANSWER = "It is done: "
END = "mutation ($input: EndCallInput!) { endCall(input: $input) { __typename } }"
IMPORT = (
    "mutation ($input: ImportBundleInput!) { importBundle(input: $input) "
    "{ __typename ... on Error { message code } } }"
)


class Caller:
    """Sends messages through the API one after another, and keeps all streamed events."""

    def __init__(self, studio: StudioClient, number: int, workflow: str = "clinic") -> None:
        self._studio = studio
        self._number = number
        self._workflow = workflow
        self.id = ""
        self.sent: list[str] = []
        self.events: list[Json] = []
        self.changed = asyncio.Condition()

    async def talk(self, words: Sequence[str]) -> None:
        async with self.calling():
            for text in words:
                await self.send_message(text)

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """A call that lasts as long as the block; its events are received until the last one."""
        request = {"workflow": {"slug": self._workflow}, "idempotencyKey": f"chaos-{self._number}"}
        started = await self._execute(START, {"input": request})
        self.id = started["startCall"]["call"]["id"]
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self.listen())
            await self.wait_until(lambda: self.count_events("NodeEntered") > 0)
            yield
            await self._execute(END, {"input": {"callId": self.id}})
            await listening

    async def send_message(self, text: str) -> None:
        """Send a message and wait until it has been answered completely."""
        number = len(self.sent)
        self.sent.append(text)
        message = {"callId": self.id, "text": text, "idempotencyKey": f"m{number}"}
        await self._execute(SEND, {"input": message})
        await self.wait_until(partial(self._answered, number))

    async def _execute(self, document: str, variables: Json) -> Any:
        """Execute an operation, and retry while the stores are unavailable."""
        deadline = time.monotonic() + RETRY_TIMEOUT_SECONDS
        while True:
            try:
                return await self._studio.execute(
                    document, variables, timeout_seconds=RETRY_TIMEOUT_SECONDS
                )
            except Exception as error:
                if "not available" not in str(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)

    async def listen(self) -> None:
        async for event in self._studio.follow(CALL_EVENTS, {"callId": self.id}):
            async with self.changed:
                self.events.append(event)
                self.changed.notify_all()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS), self.changed:
            await self.changed.wait_for(condition)

    def _answered(self, number: int) -> bool:
        return self.count_events("TurnMeasured") > number

    @property
    def is_mid_turn(self) -> bool:
        """Whether the message is in the log and the agent has not called a tool yet."""
        return self.count_events("UserTurn") == len(self.sent) > self.count_events("ToolStarted")

    def count_events(self, kind: str) -> int:
        return sum(e["__typename"] == kind for e in self.events)

    def values(self, kind: str, name: str) -> list[Any]:
        return [e[name] for e in self.durable if e["__typename"] == kind]

    @property
    def durable(self) -> list[Json]:
        return [e for e in self.events if "seq" in e]


# ---- a shop whose tool has effects ----------------------------------------------------------


@dataclass(slots=True)
class Shop:
    """A server that executes every order, also repeated ones."""

    url: str = ""
    orders: list[tuple[str, str]] = field(default_factory=list)
    """What was ordered, with the idempotency key."""

    @property
    def allowed(self) -> str:
        return self.url.removeprefix("http://")

    def count_orders(self, what: str) -> int:
        return sum(ordered == what for ordered, _ in self.orders)


@asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    state = Shop()

    async def order(request: Request) -> JSONResponse:
        what = str((await request.json())["what"])
        state.orders.append((what, request.headers["idempotency-key"]))
        return JSONResponse({"ordered": what})

    async with run_server(Starlette(routes=[Route("/orders", order, methods=["POST"])])) as url:
        state.url = url
        yield state


def shop_bundle(url: str) -> Json:
    return {
        "tools": [
            {
                "name": "order",
                "description": "Orders something.",
                "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
                "actions": [
                    {
                        "apiCall": {
                            "url": f"{url}/orders",
                            "method": "POST",
                            "body": {"what": "{{params.what}}"},
                        }
                    },
                    {"respond": {"message": "Ordered."}},
                ],
            }
        ],
        "agents": [
            {
                "name": "shop",
                "prompt": {"system": "You take orders."},
                "llm": {
                    "provider": "scripted",
                    "model": "rules",
                    "options": {
                        "rules": [
                            {"after": "order", "says": f"{ANSWER}{{{{heard}}}}"},
                            {
                                "says": "Let me see what I can do about it",
                                "calls": {"tool": "order", "arguments": {"what": "{{heard}}"}},
                            },
                        ],
                        # Long enough to freeze a process between the message and the tool call.
                        "word_ms": 75,
                    },
                },
                "tools": ["order"],
            }
        ],
        "workflows": [
            {
                "slug": "shop",
                "name": "Shop",
                "nodes": [{"id": "shop", "agent": "shop", "isEntry": True, "isExit": True}],
            }
        ],
    }


async def import_shop(installation: Installation, shop: Shop) -> None:
    bundle = {"bundle": shop_bundle(shop.url), "publish": True}
    await installation.studio().mutate(IMPORT, {"input": bundle})


@asynccontextmanager
async def calling_customers(installation: Installation, count: int) -> AsyncIterator[list[Caller]]:
    """`count` calls of the shop that last as long as the block."""
    callers = [Caller(installation.studio(), n, "shop") for n in range(count)]
    finish = asyncio.Event()

    async def call(caller: Caller) -> None:
        async with caller.calling():
            ready.release()
            await finish.wait()

    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(call(caller))
        for _ in callers:
            await ready.acquire()
        yield callers
        finish.set()


# ---- freezing and killing -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Freeze:
    """What is frozen, the delay after agents are in mid-turn, and the duration, in seconds."""

    target: str
    delay: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.target} {self.delay}"


def processes_of(installation: Installation, target: str) -> list[psutil.Process]:
    match target:
        case "database":
            postmaster = psutil.Process(installation.database.pid)
            return [postmaster, *postmaster.children(recursive=True)]
        case "redis":
            return [psutil.Process(installation.redis.pid)]
        case "worker 0" | "worker 1":
            return installation.processes[target].children()
        case "all workers":
            hosts = [p for name, p in installation.processes.items() if name.startswith("worker")]
            return [child for process in hosts for child in process.children()]
    raise ValueError(target)


async def freeze_processes(installation: Installation, freeze: Freeze) -> None:
    await asyncio.sleep(freeze.delay)
    stopped = processes_of(installation, freeze.target)
    for process in stopped:
        process.suspend()
    try:
        await asyncio.sleep(freeze.seconds)
    finally:
        for process in stopped:
            process.resume()


async def run_disturbed_round(
    callers: Sequence[Caller], words: str, disturb: Callable[[], Awaitable[object]]
) -> int:
    """Send a message in every call and disturb the agents while they answer.

    Returns how many workers were replaced, once all messages have been answered."""
    before = count_replacements(callers)
    async with asyncio.TaskGroup() as tasks:
        for number, caller in enumerate(callers):
            tasks.create_task(caller.send_message(f"{words} {number}"))
        await _wait_until_mid_turn(callers)
        await disturb()
    return count_replacements(callers) - before


async def _wait_until_mid_turn(callers: Sequence[Caller]) -> None:
    """Wait until a quarter of the callers are in mid-turn at the same time."""
    async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
        while sum(caller.is_mid_turn for caller in callers) < len(callers) / 4:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def count_replacements(callers: Sequence[Caller]) -> int:
    return sum(caller.count_events("WorkerReplaced") for caller in callers)


async def kill_at_random(
    installation: Installation, rng: random.Random, kills: int
) -> Counter[str]:
    """Kill a random process about every second, and start it again."""
    killed: Counter[str] = Counter()
    processes = installation.processes

    async def crash_database() -> None:
        await installation.database.stop(signal.SIGQUIT)
        await asyncio.sleep(0.3)
        await installation.database.start()

    async def crash_redis() -> None:
        await installation.redis.kill()
        await asyncio.sleep(0.3)
        await installation.redis.start()

    kill_actions: dict[str, Callable[[], Awaitable[None]]] = {
        **{name: process.restart for name, process in processes.items()},
        "worker 0's parent": processes["worker 0"].restart_parent,
        "worker 1's children": processes["worker 1"].kill_children,
        "database": crash_database,
        "redis": crash_redis,
    }
    for _ in range(kills):
        await asyncio.sleep(rng.uniform(0.3, 1.5))
        name = rng.choice(sorted(kill_actions))
        await kill_actions[name]()
        killed[name] += 1
    return killed


# ---- evaluation -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosReport:
    """What happened to all messages, according to the streams and to the server of the shop."""

    uses: int
    effects: int
    keys: int
    lost: list[str]
    doubled: list[str]
    doubled_effects: list[str]


def evaluate(callers: Sequence[Caller], shop: Shop) -> ChaosReport:
    return ChaosReport(
        uses=sum(len(caller.values("ToolFinished", "outcome")) for caller in callers),
        effects=len(shop.orders),
        keys=len({key for _, key in shop.orders}),
        lost=[line for caller in callers for line in _lost(caller, shop)],
        doubled=[line for caller in callers for line in _doubled(caller)],
        doubled_effects=_duplicates(what for what, _ in shop.orders),
    )


def _lost(caller: Caller, shop: Shop) -> Iterator[str]:
    last = max((e["seq"] for e in caller.durable), default=0)
    for seq in set(range(1, last + 1)) - {e["seq"] for e in caller.durable}:
        yield f"{caller.id}: event {seq}"
    turns = caller.values("UserTurn", "text")
    yield from (f"{caller.id}: {text}" for text in caller.sent if text not in turns)
    answers = caller.values("AgentTurn", "text")
    yield from (f"{caller.id}: {t}" for t in caller.sent if f"{ANSWER}{t}" not in answers)
    answered = set(caller.values("TurnMeasured", "turnId"))
    unanswered = [id for id in caller.values("UserTurn", "turnId") if id not in answered]
    yield from (f"{caller.id}: the answer to {id}" for id in unanswered)
    # A tool call that is not known to have succeeded may or may not have had its effect.
    succeeded = caller.values("ToolFinished", "outcome").count("SUCCEEDED")
    effects = sum(shop.count_orders(text) > 0 for text in caller.sent)
    if effects < succeeded:
        yield f"{caller.id}: {succeeded - effects} effects"


def _doubled(caller: Caller) -> list[str]:
    return [
        f"{caller.id}: {what}"
        for what in (
            *_duplicates(f"event {e['seq']}" for e in caller.durable),
            *_duplicates(caller.values("UserTurn", "text")),
            *_duplicates(t for t in caller.values("AgentTurn", "text") if t.startswith(ANSWER)),
            *_duplicates(caller.values("TurnMeasured", "turnId")),
        )
    ]


def _duplicates(values: Iterator[str] | list[str]) -> list[str]:
    """Each repeated value, once per repetition."""
    return [value for value, count in Counter(values).items() for _ in range(count - 1)]


async def count_audited_events(settings: Settings) -> int:
    """Check that all calls ended correctly, and return how many events are stored."""
    db = await asyncpg.connect(settings.database_url)
    wrong = await db.fetch(
        "select l.call_id from call_log l where l.ended_at is null or l.head <> "
        "(select count(*) from call_event e where e.call_id = l.call_id) or 1 <> "
        "(select count(*) from call_event e where e.call_id = l.call_id and kind = 'call_ended')"
    )
    pending = await db.fetchval("select count(*) from call_command where done_at is null")
    stored: int = await db.fetchval("select count(*) from call_event")
    await db.close()
    assert (wrong, pending) == ([], 0)
    return stored
