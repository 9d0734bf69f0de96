"""Calls of a telephone reach the room of the number that a tenant has created, and no others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.trunks import (
    InboundTrunkSpec,
    NumberDefaults,
    PhoneNumber,
    PhoneNumberSpec,
)
from domain.use_cases.telephony import create_inbound_trunk, create_phone_number
from domain.workflows.model import WorkflowId
from local.phone.digest import Credentials
from local.phone.phone import Phone, open_phone
from persistence.worker_wiring import worker_services
from tests.phone.conftest import SipContract
from tests.phone.test_sip_inbound_contract import (
    CALLER,
    LEG,
    NUMBER,
    OTHER_NUMBER,
    delete_rooms,
    leg_of_room,
    rings_without_decision,
    room_of_call,
)
from tests.support.demo_workflow import publish_clinic
from tests.support.sip_calls import (
    LOOPBACK,
    delete_trunks_and_rules,
    rooms_with_prefix,
)
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.inbound_trunks import InboundTrunkReconciler

pytestmark = pytest.mark.anyio

BUSY = 486
PASSWORD = "a-password-1"


@dataclass
class Tenant:
    """A tenant with a published workflow, and the keeper that writes its numbers into LiveKit."""

    services: Services
    viewer: Viewer
    workflow: WorkflowId
    reconciler: InboundTrunkReconciler

    async def open_number(
        self, number: str = NUMBER, password: str | None = None, **trunk: Any
    ) -> PhoneNumber:
        """Create a number with a trunk of its own. A call to it rings for five seconds."""
        spec = InboundTrunkSpec(
            name=f"carrier-{number[1:]}", **{"allowed_addresses": (LOOPBACK,), **trunk}
        )
        inbound = await create_inbound_trunk(self.services, self.viewer, spec, password)
        created = await create_phone_number(
            self.services,
            self.viewer,
            PhoneNumberSpec(
                number=number,
                workflow_id=self.workflow,
                inbound_trunk_id=inbound.id,
                defaults=NumberDefaults(ringing_seconds=5),
            ),
        )
        await self.reconciler.reconcile()
        return created


@pytest.fixture
async def tenant(
    sip: SipContract, services: Services, settings: Settings, viewer: Viewer
) -> AsyncIterator[Tenant]:
    await delete_rooms(sip.client)
    version = await publish_clinic(services, viewer)
    rooms = LiveKitRooms(sip.livekit.url, sip.livekit.key, sip.livekit.secret)
    async with worker_services(settings) as wired:
        reconciler = InboundTrunkReconciler(rooms, wired.inbound_routes, wired.route_reports)
        yield Tenant(services, viewer, version.workflow_id, reconciler)


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with open_phone(CALLER) as opened:
        yield opened


async def test_a_call_reaches_the_room_of_its_number_with_the_allowed_headers(
    sip: SipContract, tenant: Tenant, phone: Phone
) -> None:
    number = await tenant.open_number(context_headers=("X-Campaign",))
    await phone.dial(NUMBER, sip.address, headers=(("X-Campaign", "spring"), ("X-Other", "secret")))
    leg = await leg_of_room(sip, await room_of_call(sip))
    attributes = dict(leg.attributes)
    assert leg.identity == LEG
    assert attributes["studio.number_id"] == str(number.id)
    assert attributes["studio.header.x-campaign"] == "spring"
    assert attributes["sip.trunkPhoneNumber"] == NUMBER
    assert "secret" not in attributes.values()


async def test_a_call_that_no_agent_answers_is_refused_after_the_ringing_time(
    sip: SipContract, tenant: Tenant, phone: Phone
) -> None:
    await tenant.open_number()
    call = await phone.dial(NUMBER, sip.address)
    assert await call.final_status() == BUSY


async def test_a_call_that_is_not_allowed_reaches_no_room(
    sip: SipContract, tenant: Tenant, phone: Phone
) -> None:
    await tenant.open_number(allowed_addresses=("192.0.2.1/32",))
    calls = [
        await phone.dial(NUMBER, sip.address),
        await phone.dial(NUMBER, sip.address, caller_host="192.0.2.1"),
        await phone.dial(OTHER_NUMBER, sip.address),
    ]
    assert all(await asyncio.gather(*map(rings_without_decision, calls)))
    assert await rooms_with_prefix(sip.client, "in_") == []


async def test_a_trunk_with_a_password_asks_for_it(
    sip: SipContract, tenant: Tenant, phone: Phone
) -> None:
    await tenant.open_number(username="carrier", password=PASSWORD)
    stranger = await phone.dial(NUMBER, sip.address)
    assert await stranger.final_status() == 407
    assert await rooms_with_prefix(sip.client, "in_") == []
    await phone.dial(NUMBER, sip.address, credentials=Credentials("carrier", PASSWORD))
    assert await room_of_call(sip)


async def test_calls_reach_their_number_again_after_livekit_has_forgotten_everything(
    sip: SipContract, tenant: Tenant, phone: Phone
) -> None:
    number = await tenant.open_number()
    await delete_trunks_and_rules(sip.client)
    await tenant.reconciler.reconcile()
    await phone.dial(NUMBER, sip.address)
    leg = await leg_of_room(sip, await room_of_call(sip))
    assert leg.attributes["studio.number_id"] == str(number.id)
