"""A telephone calls a number, and the agent of its workflow answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest

from domain.calls.events import AgentTurn, CallEnded, StateChanged, UsageMeasured, UserTurn
from domain.calls.filters import CallFilter
from domain.calls.model import Call, CallId, CallKind, CallState, EndReason
from domain.common.access import Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services
from domain.providers.model import ProviderKind
from domain.telephony.trunks import InboundTrunkSpec, PhoneNumberSpec
from domain.tenants.budgets import Budgets
from domain.use_cases.calls import end_call
from domain.use_cases.settings import update_settings
from domain.use_cases.telephony import create_inbound_trunk, create_phone_number
from local.emulators.audio import synthetic_speech
from local.emulators.speech import SpeechEmulator
from local.emulators.voices import WordTones
from local.phone.g711 import RATE, Samples
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from persistence.worker_wiring import worker_services
from tests.phone.conftest import SipContract
from tests.phone.test_sip_inbound_contract import CALLER, NUMBER, delete_rooms
from tests.support.demo_workflow import RECEPTION
from tests.support.heard_audio import words_of
from tests.support.outbound_calls import speaking_clinic
from tests.support.sip_calls import LOOPBACK, rooms_with_prefix
from tests.worker.test_text_calls import running_worker, watch
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.inbound_trunks import InboundTrunkReconciler
from worker.keeper.main import Keeper
from worker.session.speech import PHONE_SAMPLE_RATE

pytestmark = pytest.mark.anyio

GREETING = "Good morning this is the clinic and how can we help you today"
GREETER = replace(RECEPTION, prompt=replace(RECEPTION.prompt, greeting=GREETING))
VOICE = WordTones()


@dataclass
class Clinic:
    """A clinic that answers its number: one worker, and one keeper."""

    services: Services
    viewer: Viewer
    settings: Settings
    emulator: SpeechEmulator

    async def only_call(self) -> Call:
        """Wait for the call that a keeper opens."""
        async with asyncio.timeout(60):
            while True:
                async with self.services.store.transaction(self.viewer.tenant_id) as work:
                    page = await work.calls.page(Window(2), CallFilter(kinds=(CallKind.SIP,)))
                if page.items:
                    [call] = page.items
                    return call
                await asyncio.sleep(0.05)

    async def ended(self, id: CallId) -> EndReason:
        seen = await watch(self.services, self.viewer, id, CallEnded)
        [ended] = [event for event in seen if isinstance(event, CallEnded)]
        return ended.reason


@asynccontextmanager
async def answering_clinic(
    sip: SipContract, settings: Settings, viewer: Viewer, *, has_worker: bool = True
) -> AsyncIterator[Clinic]:
    await delete_rooms(sip.client)
    async with AsyncExitStack() as stack:
        services, voiced, emulator = await stack.enter_async_context(
            speaking_clinic(settings, viewer, sip.livekit, reception=GREETER, voice=VOICE)
        )
        if has_worker:
            await stack.enter_async_context(running_worker(voiced))
        await stack.enter_async_context(opened_number(services, viewer, voiced))
        yield Clinic(services, viewer, voiced, emulator)


@asynccontextmanager
async def opened_number(
    services: Services, viewer: Viewer, settings: Settings
) -> AsyncIterator[None]:
    """The number of the clinic, and a keeper that opens the calls to it."""
    async with worker_services(settings) as wired:
        keeper = Keeper(wired, settings)
        await _open_number(services, viewer)
        rooms = LiveKitRooms.from_settings(settings)
        assert rooms is not None
        reconciler = InboundTrunkReconciler(rooms, wired.inbound_routes, wired.route_reports)
        await reconciler.reconcile()
        async with (
            background_task(keeper.run_inbound_calls()),
            background_task(keeper.run_room_sweep()),
        ):
            yield


@pytest.fixture
async def clinic(sip: SipContract, settings: Settings, viewer: Viewer) -> AsyncIterator[Clinic]:
    async with answering_clinic(sip, settings, viewer) as opened:
        yield opened


async def _open_number(services: Services, viewer: Viewer) -> None:
    spec = InboundTrunkSpec(name="carrier", allowed_addresses=(LOOPBACK,))
    trunk = await create_inbound_trunk(services, viewer, spec, None)
    async with services.store.transaction(viewer.tenant_id) as work:
        [workflow] = await work.workflows.by_names(["clinic"])
    number = PhoneNumberSpec(number=NUMBER, workflow_id=workflow.id, inbound_trunk_id=trunk.id)
    await create_phone_number(services, viewer, number)


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with open_phone(CALLER) as opened:
        yield opened


async def until_greeted(call: PhoneCall) -> list[str]:
    """The words that the phone has heard, once they are as many as the greeting has."""
    async with asyncio.timeout(60):
        while len(words := VOICE.decode(call.media.heard.since(0), RATE)) < len(words_of(GREETING)):
            await call.media.until_heard(0.1)
    return [word.text for word in words]


def speech() -> Samples:
    """A second of speech, and then silence."""
    pcm = synthetic_speech(1.0, RATE) + bytes(2 * RATE)
    return np.frombuffer(pcm, dtype=np.int16)


async def test_a_caller_hears_every_word_of_the_greeting_is_understood_and_hangs_up(
    sip: SipContract, clinic: Clinic, phone: Phone
) -> None:
    clinic.emulator.utterances = ["How are you?"]
    line = await phone.dial(NUMBER, sip.address)
    await line.until_answered()
    assert await until_greeted(line) == words_of(GREETING)
    call = await clinic.only_call()
    await watch(clinic.services, clinic.viewer, call.id, AgentTurn)
    formats = [
        o["output_format"] for name, o in clinic.emulator.connection_options if name == "cartesia"
    ]
    assert {each["sample_rate"] for each in formats} == {PHONE_SAMPLE_RATE}
    line.media.play(speech())
    seen = await watch(clinic.services, clinic.viewer, call.id, AgentTurn, 2)
    states = [event.state for event in seen if isinstance(event, StateChanged)]
    assert states == [CallState.PENDING, CallState.CONNECTING, CallState.ACTIVE]
    assert [event.text for event in seen if isinstance(event, UserTurn)] == ["How are you?"]
    await line.hang_up()
    assert await clinic.ended(call.id) is EndReason.HUNG_UP_BY_USER
    log = await watch(clinic.services, clinic.viewer, call.id, CallEnded)
    used = [u for event in log if isinstance(event, UsageMeasured) for u in event.usage]
    lines = {(u.provider, u.model) for u in used if u.kind is ProviderKind.TRUNK}
    assert lines == {("carrier", "US")}


async def test_a_call_that_is_ended_by_the_api_hangs_up_the_phone(
    sip: SipContract, clinic: Clinic, phone: Phone
) -> None:
    line = await phone.dial(NUMBER, sip.address)
    await line.until_answered()
    call = await clinic.only_call()
    await watch(clinic.services, clinic.viewer, call.id, AgentTurn)
    await end_call(clinic.services, clinic.viewer, call.id)
    await line.until_ended()
    assert await clinic.ended(call.id) is EndReason.ENDED_BY_API


async def test_a_call_over_a_budget_is_refused_without_a_call(
    sip: SipContract, clinic: Clinic, phone: Phone
) -> None:
    await update_settings(
        clinic.services, clinic.viewer, 0, {"budgets": Budgets(concurrent_calls=0)}
    )
    line = await phone.dial(NUMBER, sip.address)
    assert await line.final_status() >= 400
    async with clinic.services.store.transaction(clinic.viewer.tenant_id) as work:
        assert (await work.calls.page(Window(10))).items == ()
    assert await rooms_with_prefix(sip.client, f"in_{CALLER}_") == []


async def test_a_call_waits_for_a_free_worker_while_the_phone_rings(
    sip: SipContract, settings: Settings, viewer: Viewer, phone: Phone
) -> None:
    async with answering_clinic(sip, settings, viewer, has_worker=False) as clinic:
        line = await phone.dial(NUMBER, sip.address)
        call = await clinic.only_call()
        assert (call.state, line.answered.is_set()) == (CallState.PENDING, False)
        async with running_worker(clinic.settings):
            await line.until_answered()
            assert await until_greeted(line) == words_of(GREETING)
            await line.hang_up()
            assert await clinic.ended(call.id) is EndReason.HUNG_UP_BY_USER


async def test_a_caller_who_gave_up_before_a_worker_was_free_is_not_greeted(
    sip: SipContract, settings: Settings, viewer: Viewer, phone: Phone
) -> None:
    async with answering_clinic(sip, settings, viewer, has_worker=False) as clinic:
        line = await phone.dial(NUMBER, sip.address)
        call = await clinic.only_call()
        await line.hang_up()
        async with running_worker(clinic.settings):
            assert await clinic.ended(call.id) is EndReason.NO_ANSWER
        seen = await watch(clinic.services, clinic.viewer, call.id, CallEnded)
        assert not any(isinstance(event, AgentTurn) for event in seen)
