"""A telephone calls a number, and the agent of its workflow answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import numpy as np
import pytest

from domain.calls.events import AgentTurn, CallEnded, StateChanged, UserTurn
from domain.calls.model import Call, CallFilter, CallId, CallKind, CallState, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services
from domain.telephony.trunks import InboundTrunkSpec, PhoneNumberSpec
from domain.tenants.budgets import Budgets
from domain.use_cases.calls import end_call
from domain.use_cases.settings import update_settings
from domain.use_cases.telephony import create_inbound_trunk, create_phone_number
from local.emulators.audio import synthetic_speech
from local.emulators.speech import SpeechEmulator
from local.phone.g711 import RATE, Samples
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from persistence.worker_wiring import worker_services
from tests.phone.conftest import SipContract
from tests.phone.test_sip_inbound_contract import CALLER, NUMBER, delete_rooms
from tests.support.sip_calls import LOOPBACK, rooms_with_prefix
from tests.support.voice_clients import voice_clinic
from tests.worker.test_text_calls import watch
from worker.keeper.inbound_trunks import InboundTrunkReconciler
from worker.keeper.main import Keeper

pytestmark = pytest.mark.anyio

AUDIBLE = 1_000
"""An amplitude that only speech reaches."""


@dataclass
class Clinic:
    """A clinic that answers its number: one worker, and one keeper."""

    services: Services
    viewer: Viewer
    emulator: SpeechEmulator
    keeper: Keeper

    async def only_call(self) -> Call:
        """Wait for the call that a keeper opens."""
        async with asyncio.timeout(60):
            while True:
                async with self.services.store.transaction(self.viewer.tenant_id) as work:
                    page = await work.calls.page(CallFilter(kinds=(CallKind.SIP,)), 2, None)
                if page.items:
                    [call] = page.items
                    return call
                await asyncio.sleep(0.05)

    async def ended(self, id: CallId) -> EndReason:
        seen = await watch(self.services, self.viewer, id, CallEnded)
        [ended] = [event for event in seen if isinstance(event, CallEnded)]
        return ended.reason


@pytest.fixture
async def clinic(sip: SipContract, settings: Settings, viewer: Viewer) -> AsyncIterator[Clinic]:
    await delete_rooms(sip.client)
    async with AsyncExitStack() as stack:
        services, emulator, voiced = await stack.enter_async_context(
            voice_clinic(settings, viewer, sip.livekit)
        )
        wired = await stack.enter_async_context(worker_services(voiced))
        keeper = Keeper(wired, voiced)
        await _open_number(services, viewer)
        reconciler = InboundTrunkReconciler.from_settings(wired.inbound_routes, voiced)
        assert reconciler is not None
        await reconciler.reconcile()
        await stack.enter_async_context(background_task(keeper.run_inbound_calls()))
        await stack.enter_async_context(background_task(keeper.run_room_sweep()))
        yield Clinic(services, viewer, emulator, keeper)


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


async def until_audible(call: PhoneCall) -> None:
    async with asyncio.timeout(60):
        while call.media.heard.last(0.2).max(initial=0) < AUDIBLE:
            await call.media.until_heard(0.02)


def speech() -> Samples:
    """A second of speech, and then silence."""
    pcm = synthetic_speech(1.0, RATE) + bytes(2 * RATE)
    return np.frombuffer(pcm, dtype=np.int16)


async def test_a_caller_is_greeted_and_understood_and_hangs_up(
    sip: SipContract, clinic: Clinic, phone: Phone
) -> None:
    clinic.emulator.utterances = ["How are you?"]
    line = await phone.dial(NUMBER, sip.address)
    await line.until_answered()
    await until_audible(line)
    call = await clinic.only_call()
    await watch(clinic.services, clinic.viewer, call.id, AgentTurn)
    line.media.play(speech())
    seen = await watch(clinic.services, clinic.viewer, call.id, AgentTurn, 2)
    states = [event.state for event in seen if isinstance(event, StateChanged)]
    assert states == [CallState.PENDING, CallState.CONNECTING, CallState.ACTIVE]
    assert [event.text for event in seen if isinstance(event, UserTurn)] == ["How are you?"]
    await line.hang_up()
    assert await clinic.ended(call.id) is EndReason.HUNG_UP_BY_USER


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
        assert (await work.calls.page(CallFilter(), 10, None)).items == ()
    assert await rooms_with_prefix(sip.client, f"in_{CALLER}_") == []
