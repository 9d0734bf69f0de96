"""The log and the queue against a model of them, step by step, on a real PostgreSQL.

Hypothesis plays all sides: callers, live workers, workers that were declared dead and do not
know it, writers that repeat or skip. After every step the stored logs equal the model."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as steps
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.calls.events import ErrorRaised
from domain.calls.lease import Claim
from domain.calls.model import CallId, EndReason
from domain.common.access import Viewer
from domain.common.errors import CallHasEnded
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, send_message, start_call
from persistence.codec import decode_event, encode_event
from persistence.event_writer import APPEND_EVENTS
from persistence.wiring import api_services
from persistence.worker_wiring import WorkerServices, worker_services
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio
T = TypeVar("T")

EXAMPLES, STEPS, MAX_CALLS = 60, 50, 5
NUMBERS = st.integers(0, 4)
REASONS = [EndReason.ENDED_BY_API, EndReason.WORKFLOW_FINISHED, EndReason.INTERNAL]


@dataclass(slots=True)
class Log:
    """The expected log of one call."""

    id: CallId
    epoch: int = 0
    written: int = 0
    """Append as the holder of this epoch."""
    holder: UUID | None = None
    pending: bool = True
    ended: bool = False
    kinds: list[str] = field(default_factory=lambda: ["state_changed"])
    notes: list[str] = field(default_factory=list)
    """The messages of its ErrorRaised events, which a number distinguishes."""
    waiting: int = 0

    def end(self) -> None:
        self.kinds += ["command_refused"] * self.waiting + ["call_ended"]
        self.waiting, self.ended, self.holder = 0, True, None
        self.epoch += 1

    def append(self, epoch: int, first: int, count: int) -> str:
        """The result that a writer must receive."""
        if epoch != self.epoch:
            return "ended" if self.ended else "fenced"
        if self.ended:
            return "ended"
        if first == self.written + 1:
            return "ok"
        return "dup" if self.written >= first + count - 1 else "gap"


class Servers:
    """Real servers, and an event loop that runs only during a step."""

    def __init__(self, settings: Settings, viewer: Viewer) -> None:
        self.viewer = viewer
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        enter = self._stack.enter_async_context
        self.api: Services = self.run(enter(api_services(settings)))
        self.worker: WorkerServices = self.run(enter(worker_services(settings)))
        self.db: asyncpg.Connection[asyncpg.Record] = self.run(
            asyncpg.connect(settings.database_url)
        )
        self.run(publish_clinic(self.api, viewer))

    def run(self, doing: Awaitable[T]) -> T:
        return self._loop.run_until_complete(doing)

    def close(self) -> None:
        self.run(self.db.close())
        self.run(self._stack.aclose())
        self._loop.close()


def machine(servers: Servers) -> type[RuleBasedStateMachine]:
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.logs: dict[CallId, Log] = {}
            self.workers: list[UUID] = []
            self.claims: list[Claim] = []
            self.numbers = itertools.count()

        @initialize()
        def open(self) -> None:
            self.spent_before = self.usage_of_running_calls()[1]
            for _ in range(2):
                self.start()
                self.workers.append(servers.run(servers.worker.queue.register_worker(10)))
            self.claim(0, 1)

        def log(self, n: int) -> Log:
            return list(self.logs.values())[n % len(self.logs)]

        def usage_of_running_calls(self) -> tuple[int, int]:
            """The calls in progress, and the spend of the month."""
            query = "select live_calls, spent from tenant_standing($1)"
            row = servers.run(servers.db.fetchrow(query, servers.viewer.tenant_id))
            assert row is not None
            return row["live_calls"], row["spent"]

        def held(self, n: int) -> Claim:
            """Newest first; older claims can only be refused."""
            return self.claims[-1 - n % len(self.claims)]

        # ---- callers -------------------------------------------------------------------------

        @precondition(lambda self: len(self.logs) < MAX_CALLS)
        @rule()
        def start(self) -> None:
            request = CallRequest(workflow_name="clinic")
            call = servers.run(start_call(servers.api, servers.viewer, request))
            self.logs[call.id] = Log(call.id)

        @rule(n=NUMBERS, key=st.sampled_from(["a", "b", None]))
        def say(self, n: int, key: str | None) -> None:
            log = self.log(n)
            known = servers.run(self._commands(log.id))
            try:
                command = servers.run(
                    send_message(servers.api, servers.viewer, log.id, "hello", key)
                )
            except CallHasEnded:
                assert log.ended
                return
            if command.id not in known:
                assert not log.ended
                log.waiting += 1

        async def _commands(self, id: CallId) -> set[UUID]:
            rows = await servers.db.fetch("select id from call_command where call_id = $1", id)
            return {row["id"] for row in rows}

        @rule(n=NUMBERS)
        def cancel(self, n: int) -> None:
            log = self.log(n)

            async def cancelled() -> bool:
                async with servers.api.store.transaction(servers.viewer.tenant_id) as work:
                    return await work.calls.end_unclaimed(log.id, EndReason.CANCELED)

            done = servers.run(cancelled())
            assert done == (not log.ended and log.holder is None)
            if done:
                log.end()

        # ---- workers -------------------------------------------------------------------------

        @rule(n=st.integers(0, 1), most=st.integers(1, 3))
        def claim(self, n: int, most: int) -> None:
            worker = self.workers[n]
            free = [log for log in self.logs.values() if not log.ended and log.holder is None]
            claims = servers.run(servers.worker.queue.claim(worker, most))
            assert [c.call.id for c in claims] == [log.id for log in free[:most]]
            for claim in claims:
                log = self.logs[claim.call.id]
                log.epoch += 1
                assert claim.epoch == log.epoch
                assert claim.is_takeover is not log.pending
                log.kinds.append("state_changed" if log.pending else "worker_replaced")
                log.holder, log.pending, log.written = worker, False, 0
            self.claims += claims

        @rule(n=NUMBERS, count=st.integers(1, 3))
        def append(self, n: int, count: int) -> None:
            self._append(self.held(n), 0, count)

        @rule(n=NUMBERS, off=st.sampled_from([-3, -2, -1, 1]), count=st.integers(1, 3))
        def append_out_of_turn(self, n: int, off: int, count: int) -> None:
            self._append(self.held(n), off, count)

        @rule(n=NUMBERS, count=st.integers(1, 3))
        def append_twice(self, n: int, count: int) -> None:
            """The commit succeeded and its response was lost."""
            self._append(self.held(n), 0, count)
            self._append(self.held(n), -count, count)

        def _append(self, claim: Claim, off: int, n: int) -> None:
            log = self.logs[claim.call.id]
            first = max(1, log.written + 1 + off)
            notes = [f"n{next(self.numbers)}" for _ in range(n)]
            expected = log.append(claim.epoch, first, n)
            bodies = [
                encode_event(ErrorRaised(source="test", message=note, recoverable=True))
                for note in notes
            ]
            none = [None]
            moves = (none, none, none)
            now = [datetime.now(UTC)] * n
            [row] = servers.run(
                servers.db.fetch(
                    APPEND_EVENTS,
                    *([claim.call.id], [claim.epoch], [first], [n], *moves),
                    *(now, ["error_raised"] * n, bodies, [n]),
                )
            )
            assert row["status"] == expected
            if expected == "ok":
                assert row["first_seq"] == len(log.kinds) + 1
                log.kinds += ["error_raised"] * n
                log.notes += notes
                log.written += n

        @rule(n=NUMBERS)
        def release(self, n: int) -> None:
            claim = self.held(n)
            log = self.logs[claim.call.id]
            servers.run(servers.worker.queue.release(claim))
            if claim.epoch == log.epoch and not log.ended:
                log.holder = None
                log.epoch += 1

        @rule(n=NUMBERS, reason=st.sampled_from(REASONS))
        def end(self, n: int, reason: EndReason) -> None:
            claim = self.held(n)
            log = self.logs[claim.call.id]
            done = servers.run(servers.worker.queue.end(claim, reason))
            assert done == (claim.epoch == log.epoch and not log.ended)
            if done:
                log.end()

        # ---- the keeper ----------------------------------------------------------------------

        @rule(n=st.integers(0, 1))
        def reap(self, n: int) -> None:
            worker = self.workers[n]
            servers.run(
                servers.db.execute(
                    "update worker_process set heartbeat_at = now() - interval '1 hour' "
                    "where id = $1",
                    worker,
                )
            )
            a_minute_ago = servers.run(servers.worker.reaper.database_time()) - timedelta(minutes=1)
            freed = servers.run(servers.worker.reaper.reap_dead_workers(a_minute_ago))
            held = [log for log in self.logs.values() if log.holder == worker]
            assert freed == len(held)
            assert not servers.run(servers.worker.queue.heartbeat(worker))
            self.workers[n] = servers.run(servers.worker.queue.register_worker(10))
            for log in held:
                log.holder = None
                log.epoch += 1

        @rule(n=NUMBERS)
        def overdue(self, n: int) -> None:
            log = self.log(n)
            servers.run(
                servers.db.execute(
                    "update call_log set deadline_at = now() - interval '1 s' "
                    "where call_id = $1 and ended_at is null",
                    log.id,
                )
            )
            now = servers.run(servers.worker.reaper.database_time())
            ended = servers.run(servers.worker.reaper.end_overdue(3600, now))
            assert [e for e, _ in ended] == ([] if log.ended else [log.id])
            if not log.ended:
                log.end()

        # ---- what is stored ------------------------------------------------------------------

        @invariant()
        def stored_logs_equal_the_model(self) -> None:
            ids = list(self.logs)
            rows = servers.run(
                servers.db.fetch(
                    "select call_id, seq, kind, body::text from call_event "
                    "where call_id = any($1) order by call_id, seq",
                    ids,
                )
            )
            by_call: dict[UUID, list[Any]] = {id: [] for id in ids}
            for row in rows:
                by_call[row["call_id"]].append(row)
            for id, log in self.logs.items():
                events = by_call[id]
                assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
                assert [e["kind"] for e in events] == log.kinds
                reported = [decode_event(e["body"]) for e in events if e["kind"] == "error_raised"]
                assert [t.message for t in reported if isinstance(t, ErrorRaised)] == log.notes
            # Each costs one and is booked once, whether its call continues or has ended.
            live = sum(not log.ended for log in self.logs.values())
            spent = sum(len(log.notes) for log in self.logs.values())
            assert self.usage_of_running_calls() == (live, self.spent_before + spent)

        def teardown(self) -> None:
            for log in self.logs.values():
                if not log.ended:
                    servers.run(
                        servers.db.execute(
                            "select end_call($1, null, false, 'INTERNAL', 'FAILED', 'PLATFORM')",
                            log.id,
                        )
                    )

    return Machine


async def test_the_log_matches_the_model(settings: Settings, viewer: Viewer) -> None:
    # Workers die at any time here; another test covers that such calls are ended.
    settings = replace(settings, max_takeovers=0)

    def play() -> None:
        servers = Servers(settings, viewer)
        try:
            run_state_machine_as_test(
                machine(servers),
                settings=steps(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            servers.close()

    await asyncio.to_thread(play)
