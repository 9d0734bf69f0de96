"""Callers on hold: what they hear while all workers are busy, and how their calls continue or end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallerDequeued,
    CallerQueued,
    CallEvent,
    QueueStage,
    StateChanged,
    UsageMeasured,
)
from domain.calls.filters import CallFilter
from domain.calls.model import Call, CallKind, CallState, EndReason
from domain.common.access import Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.providers.model import ProviderKind
from domain.telephony.hold import HoldPolicy
from domain.use_cases.calls import end_call
from domain.use_cases.telephony import update_phone_number
from local.phone.g711 import RATE, Samples
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.tones import AUDIBLE_AMPLITUDE, amplitude_of
from persistence.worker_wiring import worker_services
from tests.phone.conftest import SipContract
from tests.phone.test_inbound_calls import (
    GREETING,
    VOICE,
    Clinic,
    answering_clinic,
)
from tests.phone.test_sip_inbound_contract import CALLER, NUMBER
from tests.support.heard_audio import words_of
from tests.worker.test_text_calls import running_worker, watch
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.main import Keeper
from worker.lobby.hold_audio import TONE_HERTZ
from worker.lobby.lobby import Lobby

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

ANNOUNCEMENT = "Every nurse speaks just now"
GOODBYE = "Please ring us tomorrow"
OTHER_CALLER = "+12025550145"


@asynccontextmanager
async def running_lobby(settings: Settings) -> AsyncIterator[Lobby]:
    stop = asyncio.Event()
    async with worker_services(settings) as wired, asyncio.TaskGroup() as tasks:
        lobby = Lobby(wired.held_calls, LiveKitRooms.from_settings(settings), settings)
        tasks.create_task(lobby.serve(stop))
        try:
            yield lobby
        finally:
            stop.set()


@dataclass
class BusyClinic:
    """A clinic whose only worker takes no calls, so that callers wait."""

    clinic: Clinic

    @property
    def settings(self) -> Settings:
        return self.clinic.settings

    async def calls(self, count: int = 1) -> list[Call]:
        """Wait for so many calls, and return them, the oldest first."""
        async with asyncio.timeout(60):
            while True:
                async with self.clinic.services.store.transaction(
                    self.clinic.viewer.tenant_id
                ) as work:
                    page = await work.calls.page(Window(10), CallFilter(kinds=(CallKind.SIP,)))
                if len(page.items) == count:
                    return list(reversed(page.items))
                await asyncio.sleep(0.05)

    async def seen(self, call: Call, until: type, count: int = 1) -> list[CallEvent]:
        return await watch(self.clinic.services, self.clinic.viewer, call.id, until, count)


@pytest.fixture
async def busy(sip: SipContract, settings: Settings, viewer: Viewer) -> AsyncIterator[BusyClinic]:
    async with AsyncExitStack() as stack:
        clinic = await stack.enter_async_context(
            answering_clinic(sip, settings, viewer, has_worker=False)
        )
        await stack.enter_async_context(
            running_worker(replace(clinic.settings, worker_voice_capacity=0))
        )
        wired = await stack.enter_async_context(worker_services(clinic.settings))
        keeper, stop = Keeper(wired, clinic.settings), asyncio.Event()
        await stack.enter_async_context(background_task(keeper.run(stop)))
        await hold(clinic, HoldPolicy(after_seconds=1, announcement=ANNOUNCEMENT))
        yield BusyClinic(clinic)


async def hold(clinic: Clinic, policy: HoldPolicy) -> None:
    async with clinic.services.store.transaction(clinic.viewer.tenant_id) as work:
        [number] = await work.phone_numbers.by_names([NUMBER])
    await update_phone_number(
        clinic.services, clinic.viewer, number.id, number.revision, {"hold": policy}
    )


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with open_phone(CALLER) as opened:
        yield opened


async def until_words(line: PhoneCall, expected: str) -> None:
    """Wait until the phone has heard these words one after the other."""
    words = words_of(expected)
    async with asyncio.timeout(60):
        while not contains([w.text for w in VOICE.decode(heard(line), RATE)], words):
            await line.media.until_heard(0.1)


async def until_tone(line: PhoneCall) -> None:
    position = line.media.heard.position
    async with asyncio.timeout(60):
        while not has_tone(line, position):
            await line.media.until_heard(0.1)


def heard(line: PhoneCall, position: int = 0) -> Samples:
    return line.media.heard.since(position)


def has_tone(line: PhoneCall, position: int) -> bool:
    samples = heard(line, position)
    size = RATE // 5
    return any(
        amplitude_of(samples[n : n + size], TONE_HERTZ) > AUDIBLE_AMPLITUDE
        for n in range(0, max(0, len(samples) - size), size)
    )


def contains(words: list[str], expected: list[str]) -> bool:
    return any(words[n : n + len(expected)] == expected for n in range(len(words)))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - of a lobby
            await asyncio.sleep(0.05)


def reasons(events: list[CallEvent]) -> list[EndReason]:
    return [event.reason for event in events if isinstance(event, CallEnded)]


async def test_a_caller_on_hold_hears_tones_and_is_greeted_by_the_first_free_worker(
    sip: SipContract, busy: BusyClinic, phone: Phone
) -> None:
    async with running_lobby(busy.settings) as lobby:
        line = await phone.dial(NUMBER, sip.address)
        await line.until_answered()
        await until_tone(line)
        await until_words(line, ANNOUNCEMENT)
        [call] = await busy.calls()
        assert call.state is CallState.PENDING
        async with open_phone(OTHER_CALLER) as other:
            second = await other.dial(NUMBER, sip.address)
            await second.until_answered()
            _, later = await busy.calls(2)
            queued = await busy.seen(later, CallerQueued, 1)
            assert [e.position for e in queued if isinstance(e, CallerQueued)] == [2]
            one_at_a_time = replace(busy.settings, worker_voice_capacity=1)
            async with running_worker(one_at_a_time):
                await until_words(line, GREETING)
                await until(lambda: lobby.report()[1]["callers"] == 1)
                events = await busy.seen(call, AgentTurn)
                await line.hang_up()
                await until_words(second, GREETING)
                await second.hang_up()
                ends = [await busy.clinic.ended(c.id) for c in (call, later)]
        assert ends == [EndReason.HUNG_UP_BY_USER] * 2
    states = [event.state for event in events if isinstance(event, StateChanged)]
    assert states == [CallState.PENDING, CallState.CONNECTING, CallState.ACTIVE]
    stages = [event.stage for event in events if isinstance(event, CallerQueued)]
    assert stages[-1] is QueueStage.HOLD
    [dequeued] = [event for event in events if isinstance(event, CallerDequeued)]
    assert dequeued.waited_ms > 1_000


async def test_a_caller_who_hangs_up_on_hold_or_whose_phone_dies_ends_the_call_once(
    sip: SipContract, busy: BusyClinic, phone: Phone
) -> None:
    async with running_lobby(busy.settings), open_phone(OTHER_CALLER) as dying:
        lost = await dying.dial(NUMBER, sip.address)
        await lost.until_answered()
        line = await phone.dial(NUMBER, sip.address)
        await line.until_answered()
        first, call = await busy.calls(2)
        await until_tone(lost)
        dying.die()
        await until_tone(line)
        await line.hang_up()
        events = await busy.seen(call, CallEnded)
        assert reasons(events) == [EndReason.ABANDONED]
        assert reasons(await busy.seen(first, CallEnded)) == [EndReason.LINE_LOST]
    used = [u for e in events if isinstance(e, UsageMeasured) for u in e.usage]
    assert {(u.provider, u.model) for u in used if u.kind is ProviderKind.TRUNK} == {
        ("carrier", "US")
    }


async def test_a_caller_who_has_waited_for_too_long_hears_a_goodbye(
    sip: SipContract, busy: BusyClinic, phone: Phone
) -> None:
    await hold(busy.clinic, HoldPolicy(after_seconds=1, max_seconds=3, goodbye=GOODBYE))
    async with running_lobby(busy.settings):
        line = await phone.dial(NUMBER, sip.address)
        await line.until_answered()
        await until_words(line, GOODBYE)
        await line.until_ended()
        [call] = await busy.calls()
        assert reasons(await busy.seen(call, CallEnded)) == [EndReason.NO_WORKER]


async def test_a_caller_survives_the_death_of_a_lobby_and_the_end_of_the_call_by_the_api(
    sip: SipContract, busy: BusyClinic, phone: Phone
) -> None:
    line = await phone.dial(NUMBER, sip.address)
    async with running_lobby(busy.settings):
        await line.until_answered()
        [call] = await busy.calls()
        await until_tone(line)
    async with running_lobby(busy.settings):
        await until_tone(line)
        assert line.end is None
        await end_call(busy.clinic.services, busy.clinic.viewer, call.id)
        await line.until_ended()
    assert reasons(await busy.seen(call, CallEnded)) == [EndReason.CANCELED]


async def test_a_caller_who_hangs_up_in_the_queue_ends_the_call_without_any_worker(
    sip: SipContract, busy: BusyClinic, phone: Phone
) -> None:
    line = await phone.dial(NUMBER, sip.address)
    [call] = await busy.calls()
    await line.hang_up()
    assert reasons(await busy.seen(call, CallEnded)) == [EndReason.NO_ANSWER]
