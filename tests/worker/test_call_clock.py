"""The clock of a call and what waits for it: limits, budgets, silence and failures.

Time passes only here, so every moment is exact, and the timers of an idle call can be counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from livekit.agents.metrics import STTMetrics

from domain.calls.events import (
    CallerSilent,
    ToolFinished,
    ToolOutcome,
    ToolStarted,
    UsageMeasured,
    UserTurn,
)
from domain.calls.model import CallState, EndReason
from domain.common.access import TenantId
from domain.common.errors import Unavailable
from domain.common.tasks import cancel_and_wait
from domain.providers.model import ProviderKind
from domain.providers.usage import Usage
from domain.tenants.budgets import Budgets
from domain.tenants.settings import TenantSettings
from domain.workflows.agents import ProviderChoice, Session, SilencePrompt
from domain.workflows.spoken_texts import SpokenText
from tests.support.conversations import voice_conversation
from tests.support.demo_workflow import RECEPTION
from tests.support.fake_time import FakeTime, settle
from worker.session.budget_monitor import BudgetMonitor
from worker.session.call_clock import IMMEDIATELY, CallClock
from worker.session.call_limits import CallLimits
from worker.session.conversation import Conversation
from worker.session.failure_monitor import FailureTracker, wait_until_unrecoverable
from worker.session.silence_monitor import SilenceMonitor
from worker.simulation.runner import InMemoryEventWriter

pytestmark = pytest.mark.anyio

T = TypeVar("T")
NOVA = ProviderChoice(provider="deepgram", model="nova-3")
CANNOT_ANSWER, TECHNICAL_PROBLEM = SpokenText.CANNOT_ANSWER, SpokenText.TECHNICAL_PROBLEM


@asynccontextmanager
async def running(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    task = asyncio.create_task(work)
    try:
        await settle()
        yield task
    finally:
        await cancel_and_wait(task)


# ---- the clock ---------------------------------------------------------------------------------


async def test_a_changed_deadline_takes_effect() -> None:
    time = FakeTime()
    clock, start = CallClock(time), time.now()
    deadline: list[datetime | None] = [None]
    async with running(clock.wait_until(lambda: deadline[0])) as waiting:
        await time.advance(100)
        deadline[0] = start + timedelta(seconds=130)
        clock.changed()
        await time.advance(20)
        deadline[0] = start + timedelta(seconds=150)
        clock.changed()
        await time.advance(29)
        assert not waiting.done()
        await time.advance(1)
        assert waiting.done()
    assert time.wakeups == 1


async def test_several_deadlines_share_one_timer_each_at_its_time() -> None:
    time = FakeTime()
    clock = CallClock(time)
    ends = [time.now() + timedelta(seconds=seconds) for seconds in (30, 10, 20, 10)]
    reached: list[tuple[int, datetime]] = []

    async def wait(number: int) -> None:
        await clock.wait_until(lambda: ends[number])
        reached.append((number, clock.now()))

    async with running(asyncio.wait([asyncio.ensure_future(wait(n)) for n in range(4)])):
        await time.advance(60)
    assert reached == [(n, ends[n]) for n in (1, 3, 2, 0)]
    assert time.wakeups == 3


async def test_a_condition_is_a_deadline_that_has_passed() -> None:
    clock = CallClock(FakeTime())
    happened = False
    async with running(clock.wait_until(lambda: IMMEDIATELY if happened else None)) as waiting:
        assert not waiting.done()
        happened = True
        clock.changed()
        await settle()
        assert waiting.done()


async def test_no_timer_fires_for_a_task_that_has_stopped_waiting() -> None:
    time = FakeTime()
    clock = CallClock(time)
    end = time.now() + timedelta(seconds=10)
    async with running(clock.wait_until(lambda: end)):
        pass
    await time.advance(60)
    assert time.wakeups == 0


async def test_a_deadline_that_cannot_be_computed_fails_the_task_that_waits() -> None:
    def deadline() -> datetime:
        raise LookupError("unknown node")

    async with running(CallClock(FakeTime()).wait_until(deadline)) as waiting:
        assert isinstance(waiting.exception(), LookupError)


async def test_the_clock_of_a_real_call_runs_on_the_event_loop() -> None:
    clock = CallClock()
    end = clock.now() + timedelta(seconds=0.02)
    async with asyncio.timeout(60):
        await clock.wait_until(lambda: end)
    assert clock.now() >= end


# ---- limits ------------------------------------------------------------------------------------


@dataclass
class Limited:
    """A call with its limits, and the queries that they made."""

    time: FakeTime
    conversation: Conversation
    writer: InMemoryEventWriter
    is_over_budget: bool = False
    is_store_unavailable: bool = False
    checks: list[float] = field(default_factory=list)
    resets: list[float] = field(default_factory=list)
    started_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.time.now()

    @property
    def seconds(self) -> float:
        return (self.time.now() - self.started_at).total_seconds()

    def limits(self) -> CallLimits:
        budget = BudgetMonitor(self.conversation, self.check_budget)
        return CallLimits(self.conversation, budget, self.reset_takeovers)

    async def check_budget(self, tenant: TenantId) -> bool:
        self.checks.append(self.seconds)
        if self.is_store_unavailable:
            raise Unavailable("The store is unavailable.")
        return self.is_over_budget

    async def reset_takeovers(self) -> None:
        self.resets.append(self.seconds)
        if self.is_store_unavailable:
            raise Unavailable("The store is unavailable.")

    async def ends_after(self, seconds: float, reason: EndReason) -> None:
        """The call ends after this time, no earlier, and for this reason."""
        async with running(self.limits().wait_until_reached()) as ended:
            await self.time.advance(seconds - self.seconds - 0.001)
            assert not ended.done()
            await self.time.advance(0.001)
            assert ended.done()
            assert ended.result() is reason


def limited(**options: Any) -> Limited:
    time, writer = FakeTime(), InMemoryEventWriter()
    return Limited(time, voice_conversation(time, writer, **options), writer)


def used(cost: int) -> UsageMeasured:
    usage = Usage(kind=ProviderKind.LLM, provider="p", model="m", input_tokens=1, cost=cost)
    return UsageMeasured(usage=(usage,))


async def test_an_idle_call_wakes_only_to_check_its_budget() -> None:
    call = limited(max_seconds=60)
    await call.ends_after(60, EndReason.MAX_DURATION)
    assert call.checks == [5.0 * n for n in range(1, 12)]
    assert call.time.wakeups == 12
    assert call.writer.events == []


async def test_the_maximum_duration_of_an_agent_ends_the_call() -> None:
    brief = replace(RECEPTION, session=Session(max_duration=12.5))
    await limited(agent=brief).ends_after(12.5, EndReason.MAX_DURATION)


async def test_a_call_whose_own_budget_is_exhausted_has_ten_seconds_left() -> None:
    call = limited(settings=TenantSettings(budgets=Budgets(spend_per_call=100)))
    async with running(call.limits().wait_until_reached()) as ended:
        call.conversation.record(used(99))
        await call.time.advance(21)
        call.conversation.record(used(1))
        await call.time.advance(9.999)
        assert not ended.done()
        await call.time.advance(0.001)
        assert ended.result() is EndReason.BUDGET_SPENT


async def test_the_ten_seconds_begin_when_the_budget_is_exhausted() -> None:
    call = limited(settings=TenantSettings(budgets=Budgets(spend_per_call=100)))
    budget = BudgetMonitor(call.conversation, call.check_budget)
    call.conversation.record(used(100))
    await call.time.advance(4)
    assert budget.deadline == call.started_at + timedelta(seconds=10)


async def test_a_call_of_a_tenant_over_budget_ends_after_the_next_check() -> None:
    call = limited()
    call.is_over_budget = True
    await call.ends_after(15, EndReason.BUDGET_SPENT)
    assert call.checks == [5.0]


async def test_two_budgets_that_are_exhausted_leave_ten_seconds_in_all() -> None:
    call = limited(settings=TenantSettings(budgets=Budgets(spend_per_call=100)))
    answered = asyncio.Event()

    async def check_slowly(tenant: TenantId) -> bool:
        await answered.wait()
        return True

    budget = BudgetMonitor(call.conversation, check_slowly)
    limits = CallLimits(call.conversation, budget, call.reset_takeovers)
    async with running(limits.wait_until_reached()) as ended:
        await call.time.advance(5)
        call.conversation.record(used(100))
        assert budget.is_exhausted
        await call.time.advance(4)
        answered.set()
        await call.time.advance(5.999)
        assert not ended.done()
        await call.time.advance(0.001)
        assert ended.result() is EndReason.BUDGET_SPENT


async def test_a_budget_that_cannot_be_checked_ends_no_call() -> None:
    call = limited(max_seconds=30)
    call.is_over_budget = call.is_store_unavailable = True
    await call.ends_after(30, EndReason.MAX_DURATION)


async def test_usage_of_idle_listening_is_recorded_thirty_seconds_after_it_began() -> None:
    call = limited()
    metrics = STTMetrics(
        label="", request_id="", timestamp=0, duration=0, audio_duration=5, streamed=True
    )
    async with running(call.limits().wait_until_reached()):
        await call.time.advance(7)
        for _ in range(5):
            call.conversation.add_usage(ProviderKind.STT, NOVA, metrics)
            await call.time.advance(5)
        assert call.writer.events == []
        await call.time.advance(5)
        [measured] = call.writer.events
        assert isinstance(measured, UsageMeasured)
        assert [usage.audio_ms for usage in measured.usage] == [25_000]
        await call.time.advance(600)
        assert call.writer.events == [measured]


async def test_a_call_that_was_taken_over_survives_once_no_reply_is_pending() -> None:
    call = limited(is_takeover=True)
    call.is_store_unavailable = True
    call.conversation.record(UserTurn(turn_id="t", text="hello"))
    async with running(call.limits().wait_until_reached()):
        await call.time.advance(3)
        assert call.resets == []
        call.conversation.record_turn_metrics("t", 1.0)
        await call.time.advance(1)
        assert call.resets == [3.0, 3.5, 4.0]
        call.is_store_unavailable = False
        await call.time.advance(60)
        assert call.resets == [3.0, 3.5, 4.0, 4.5]


async def test_a_call_that_was_taken_over_does_not_survive_by_opening_its_session_slowly() -> None:
    call = limited(is_takeover=True)
    limits = call.limits()
    await call.time.advance(10)  # the session joins the room
    async with running(limits.wait_until_reached()):
        await call.time.advance(0.499)
        assert call.resets == []
        await call.time.advance(60)
        assert call.resets == [10.5]


# ---- silence -----------------------------------------------------------------------------------

PROMPTING = replace(
    RECEPTION,
    session=Session(
        silence=(SilencePrompt(after=10, say="Still there?"), SilencePrompt(after=25, say="Hm?")),
        auto_disconnect=60,
    ),
)


@dataclass
class Listening:
    """A call whose silence is monitored, and the prompts that it made."""

    time: FakeTime
    conversation: Conversation
    caller_present_since: datetime | None = None
    prompts: list[tuple[float, str]] = field(default_factory=list)
    monitor: SilenceMonitor = field(init=False)

    def __post_init__(self) -> None:
        self._started_at = self.caller_present_since = self.time.now()
        self.monitor = SilenceMonitor(
            self.conversation, lambda: self.caller_present_since, self.prompt
        )

    async def prompt(self, template: str) -> None:
        assert self.monitor.is_prompting
        self.prompts.append((self.seconds, template))

    @property
    def seconds(self) -> float:
        return (self.time.now() - self._started_at).total_seconds()


def listening(writer: InMemoryEventWriter) -> Listening:
    time = FakeTime()
    return Listening(time, voice_conversation(time, writer, PROMPTING))


async def test_a_silent_caller_is_prompted_and_then_disconnected() -> None:
    writer = InMemoryEventWriter()
    call = listening(writer)
    async with running(call.monitor.wait_until_ended()) as ended:
        await call.time.advance(59.999)
        assert not ended.done()
        await call.time.advance(0.001)
        assert ended.result() is EndReason.SILENCE
    assert call.prompts == [(10.0, "Still there?"), (25.0, "Hm?")]
    assert writer.events == [CallerSilent(seconds=10), CallerSilent(seconds=25)]
    assert call.time.wakeups == 3


async def test_caller_speech_restarts_the_silence_and_its_prompts() -> None:
    call = listening(InMemoryEventWriter())
    async with running(call.monitor.wait_until_ended()) as ended:
        await call.time.advance(12)
        call.monitor.caller_speaks(True)
        await call.time.advance(100)
        call.monitor.caller_speaks(False)
        await call.time.advance(11)
        assert call.prompts == [(10.0, "Still there?"), (122.0, "Still there?")]
        assert not ended.done()


async def test_a_sound_of_the_caller_while_the_agent_speaks_starts_no_silence() -> None:
    call = listening(InMemoryEventWriter())
    async with running(call.monitor.wait_until_ended()) as ended:
        call.monitor.agent_is_busy(True)
        call.monitor.caller_speaks(True)
        call.monitor.caller_speaks(False)
        await call.time.advance(200)
        assert (ended.done(), call.prompts) == (False, [])
        call.monitor.agent_is_busy(False)
        await call.time.advance(11)
        assert call.prompts == [(210.0, "Still there?")]


async def test_the_silence_of_a_running_tool_is_not_the_callers() -> None:
    call = listening(InMemoryEventWriter())
    async with running(call.monitor.wait_until_ended()) as ended:
        call.monitor.caller_speaks(True)
        call.conversation.record(ToolStarted(tool_call_id="1", node="n", tool="book", arguments={}))
        call.monitor.caller_speaks(False)
        await call.time.advance(200)
        assert (ended.done(), call.prompts) == (False, [])
        call.conversation.record(
            ToolFinished(
                tool_call_id="1",
                node="n",
                tool="book",
                arguments={},
                outcome=ToolOutcome.SUCCEEDED,
                result="Booked.",
                duration_ms=200_000.0,
            )
        )
        await call.time.advance(11)
        assert call.prompts == [(210.0, "Still there?")]


async def test_silence_without_a_caller_is_not_counted() -> None:
    call = listening(InMemoryEventWriter())
    call.caller_present_since = None
    async with running(call.monitor.wait_until_ended()) as ended:
        await call.time.advance(3_000)
        assert (ended.done(), call.prompts, call.time.wakeups) == (False, [], 0)


async def test_the_silence_of_a_caller_who_joins_late_starts_then() -> None:
    call = listening(InMemoryEventWriter())
    call.caller_present_since = None
    async with running(call.monitor.wait_until_ended()) as ended:
        await call.time.advance(100)
        call.caller_present_since = call.time.now()
        call.conversation.clock.changed()
        await call.time.advance(9.999)
        assert (ended.done(), call.prompts) == (False, [])
        await call.time.advance(0.001)
        assert (ended.done(), call.prompts) == (False, [(110.0, "Still there?")])


async def test_a_call_that_is_to_end_is_over_after_a_second_of_silence() -> None:
    call = listening(InMemoryEventWriter())
    async with running(call.monitor.wait_until_ended()) as ended:
        call.monitor.agent_is_busy(True)
        call.conversation.end_after_this_turn(EndReason.WORKFLOW_FINISHED)
        await call.time.advance(30)
        call.monitor.agent_is_busy(False)
        await call.time.advance(0.999)
        assert not ended.done()
        await call.time.advance(0.001)
        assert ended.result() is EndReason.WORKFLOW_FINISHED
    assert call.conversation.projection.state is CallState.ENDING


# ---- failures ----------------------------------------------------------------------------------


@dataclass
class Failing:
    """A call whose providers fail, and what its agent tried to say."""

    time: FakeTime = field(default_factory=FakeTime)
    said: list[SpokenText] = field(default_factory=list)
    is_tts_failing: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.clock = CallClock(self.time)
        self.failures = FailureTracker(30.0, self.clock)
        self.idle.set()

    async def say(self, text: SpokenText) -> None:
        self.said.append(text)
        if self.is_tts_failing:
            self.failures.record_failure("tts")

    def wait(self) -> Coroutine[Any, Any, None]:
        return wait_until_unrecoverable(self.failures, self.say, self.idle, self.clock)


async def test_a_provider_that_fails_three_times_in_thirty_seconds_ends_the_call() -> None:
    call = Failing()
    async with running(call.wait()) as ended:
        for _ in range(3):
            call.failures.record_failure("llm")
            await call.time.advance(9)
        await call.time.advance(2.999)
        assert not ended.done()
        await call.time.advance(0.001)
        assert ended.done()
    assert call.said == [TECHNICAL_PROBLEM]
    assert call.time.wakeups == 1


async def test_two_failures_or_a_success_in_between_end_no_call() -> None:
    call = Failing()
    async with running(call.wait()) as ended:
        for _ in range(2):
            call.failures.record_failure("llm")
        await call.time.advance(300)
        call.failures.record_success("llm")
        for _ in range(3):
            call.failures.record_failure("stt")
        await call.time.advance(29)
        call.failures.record_success("stt")
        await call.time.advance(300)
        assert not ended.done()
    assert call.said == []


async def test_a_tts_that_fails_is_retried_every_second_while_the_call_is_quiet() -> None:
    call = Failing(is_tts_failing=True)
    async with running(call.wait()) as ended:
        call.failures.record_failure("tts")
        await call.time.advance(2)
        assert call.said == [CANNOT_ANSWER] * 2
        call.idle.clear()
        call.clock.changed()
        await call.time.advance(20)
        assert call.said == [CANNOT_ANSWER] * 2
        call.idle.set()
        call.clock.changed()
        await call.time.advance(7.999)
        assert not ended.done()
        await call.time.advance(0.001)
        assert ended.done()
    assert set(call.said) == {CANNOT_ANSWER}


async def test_a_tts_that_recovers_is_not_retried_and_the_call_continues() -> None:
    call = Failing()
    async with running(call.wait()) as ended:
        call.failures.record_failure("tts")
        call.failures.record_success("tts")
        await call.time.advance(300)
        assert (ended.done(), call.said) == (False, [])
