"""Rooms of inbound calls become calls: once each, with what the number says, and within the budgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from domain.calls.context import initial_context
from domain.calls.inbound import InboundLeg
from domain.calls.model import Call, CallKind, CallState, Direction, EndReason
from domain.common.access import Viewer
from domain.common.errors import CallerRefused, NotFound, QuotaExceeded
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.attestation import Attestation
from domain.telephony.trunks import (
    InboundTrunk,
    InboundTrunkSpec,
    NumberDefaults,
    PhoneNumber,
    PhoneNumberSpec,
)
from domain.tenants.budgets import Budgets
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.settings import update_settings
from domain.use_cases.telephony import (
    create_inbound_trunk,
    create_phone_number,
    update_inbound_trunk,
    update_phone_number,
)
from domain.workflows.model import Version
from persistence.inbound_calls import SqlInboundCalls
from persistence.worker_wiring import worker_services
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio

NUMBER, CALLER = "+12025550123", "+12025550144"
DEFAULTS = NumberDefaults(
    user_context={"desk": "north"},
    language="de-DE",
    ringing_seconds=12,
    max_seconds=300,
    is_recorded=False,
)


@dataclass
class Rig:
    services: Services
    viewer: Viewer
    calls: SqlInboundCalls
    version: Version
    trunk: InboundTrunk
    number: PhoneNumber

    def leg(self, room: str = "in_1", **changes: Any) -> InboundLeg:
        leg = InboundLeg(
            room_name=room,
            identity=f"sip_{CALLER}",
            number_id=self.number.id,
            caller_number=CALLER,
        )
        return replace(leg, **changes)

    async def listed(self) -> list[Call]:
        async with self.services.store.transaction(self.viewer.tenant_id) as work:
            return list((await work.calls.page(Window(100))).items)


@pytest.fixture
async def rig(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Rig]:
    version = await publish_clinic(services, viewer)
    spec = InboundTrunkSpec(
        name="carrier", allowed_addresses=("192.0.2.0/30",), context_headers=("X-Campaign",)
    )
    trunk = await create_inbound_trunk(services, viewer, spec, None)
    number = PhoneNumberSpec(
        number=NUMBER,
        workflow_id=version.workflow_id,
        inbound_trunk_id=trunk.id,
        defaults=DEFAULTS,
    )
    created = await create_phone_number(services, viewer, number)
    async with worker_services(settings) as wired:
        yield Rig(services, viewer, wired.inbound_calls, version, trunk, created)


async def test_a_room_becomes_a_call_of_the_number(rig: Rig) -> None:
    id = await rig.calls.open(rig.leg(headers={"x_campaign": "spring"}))
    [call] = await rig.listed()
    assert call == Call(
        id=call.id,
        tenant_id=rig.viewer.tenant_id,
        kind=CallKind.SIP,
        direction=Direction.INBOUND,
        state=CallState.PENDING,
        workflow_id=rig.version.workflow_id,
        version_id=rig.version.id,
        phone_number=CALLER,
        from_number=CALLER,
        to_number=NUMBER,
        phone_number_id=rig.number.id,
        trunk_id=rig.trunk.id,
        room_name="in_1",
        caller_identity=f"sip_{CALLER}",
        ringing_seconds=12,
        hold_after_seconds=10,
        hold_seconds=180,
        attestation=Attestation.NONE,
        language="de-DE",
        is_recorded=False,
        user_context={"desk": "north", "sip_headers": {"x_campaign": "spring"}},
        max_seconds=300,
        created_at=call.created_at,
    )
    assert id == call.id
    async with rig.services.store.transaction(rig.viewer.tenant_id) as work:
        events = await work.calls.events(call.id, 0, 10)
    assert [(event.seq, event.event.kind) for event in events] == [(1, "state_changed")]


async def test_a_call_knows_earlier_calls_of_the_caller_where_the_tenant_wants_it(
    rig: Rig,
) -> None:
    first = await rig.calls.open(rig.leg())
    async with rig.services.store.transaction(rig.viewer.tenant_id) as work:
        assert first is not None
        await work.calls.end_unclaimed(first, EndReason.NO_WORKER)
    await rig.calls.open(rig.leg("in_2"))
    await update_phone_number(
        rig.services, rig.viewer, rig.number.id, rig.number.revision, {"earlier_calls": 3}
    )
    await rig.calls.open(rig.leg("in_3"))
    await rig.calls.open(rig.leg("in_4", caller_number="+12025550145"))
    other, third, second, _ = await rig.listed()
    assert "earlier_calls" not in second.user_context
    [earlier] = third.user_context["earlier_calls"]
    assert {**earlier, "started_at": None} == {
        "started_at": None,
        "direction": "INBOUND",
        "workflow": "clinic",
        "end_reason": "NO_WORKER",
        "seconds": 0,
    }
    assert other.user_context["earlier_calls"] == []


async def test_a_caller_may_withhold_their_number(rig: Rig) -> None:
    await rig.calls.open(rig.leg(caller_number=None))
    [call] = await rig.listed()
    assert (call.from_number, call.phone_number, call.to_number) == (None, None, NUMBER)


async def test_a_room_becomes_one_call_however_many_keepers_find_it(rig: Rig) -> None:
    opened = await asyncio.gather(*(rig.calls.open(rig.leg()) for _ in range(8)))
    [id] = [id for id in opened if id is not None]
    assert [call.id for call in await rig.listed()] == [id]
    assert await rig.calls.rooms_without_call(["in_1", "in_2"]) == ["in_2"]


async def test_a_worker_claims_an_inbound_call(rig: Rig, settings: Settings) -> None:
    await rig.calls.open(rig.leg())
    async with worker_services(settings) as wired:
        worker = await wired.queue.register_worker(1)
        [claim] = await wired.queue.claim(worker, 1)
        assert (claim.call.room_name, claim.call.caller_identity) == ("in_1", f"sip_{CALLER}")
        assert (claim.inbound_trunk, claim.dial_trunk) == ("carrier", None)
        await wired.queue.deregister_worker(worker)


async def test_an_unclaimed_call_rings_as_long_as_its_number_says(
    rig: Rig, settings: Settings
) -> None:
    id = await rig.calls.open(rig.leg())
    [call] = await rig.listed()
    async with worker_services(settings) as wired:
        for seconds, ended in ((11, []), (13, [(id, EndReason.NO_WORKER)])):
            as_of = call.created_at + timedelta(seconds=seconds)
            assert await wired.reaper.end_overdue(1.0, as_of) == ended


async def test_a_call_over_a_budget_is_refused_and_stores_nothing(rig: Rig) -> None:
    await start_call(rig.services, rig.viewer, CallRequest(workflow_name="clinic"))
    before = await rig.listed()
    await update_settings(rig.services, rig.viewer, 0, {"budgets": Budgets(concurrent_calls=1)})
    with pytest.raises(QuotaExceeded):
        await rig.calls.open(rig.leg())
    assert await rig.listed() == before
    assert await rig.calls.rooms_without_call(["in_1"]) == ["in_1"]


async def test_a_call_to_a_number_that_nothing_answers_is_refused(rig: Rig) -> None:
    with pytest.raises(NotFound):
        await rig.calls.open(rig.leg(number_id=uuid4()))
    await update_inbound_trunk(
        rig.services, rig.viewer, rig.trunk.id, rig.trunk.revision, {"is_enabled": False}
    )
    with pytest.raises(NotFound):
        await rig.calls.open(rig.leg())
    assert await rig.listed() == []


async def test_keepers_that_start_at_the_same_time_agree_on_the_installation(
    settings: Settings,
) -> None:
    waiting = "select count(*) from pg_locks where not granted and locktype = 'transactionid'"
    db = await asyncpg.connect(settings.database_url)
    async with worker_services(settings) as wired, asyncio.timeout(60):
        async with db.transaction():
            first = await db.fetchval("insert into installation default values returning id")
            second = asyncio.create_task(wired.inbound_routes.installation_id())
            while not await db.fetchval(waiting):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
        assert await second == first
    await db.close()


async def test_the_attestation_of_a_caller_is_a_fact_of_the_call(rig: Rig) -> None:
    headers = {"x_twilio_verstat": "TN-Validation-Passed-B", "x_campaign": "spring"}
    await rig.calls.open(rig.leg(headers=headers))
    [call] = await rig.listed()
    assert call.attestation is Attestation.PARTIAL
    # Agents may read the header of a campaign only.
    assert call.user_context["sip_headers"] == {"x_campaign": "spring"}
    assert initial_context(call).call["attestation"] == "PARTIAL"


async def test_a_number_may_refuse_callers_whose_attestation_failed(rig: Rig) -> None:
    await update_phone_number(
        rig.services,
        rig.viewer,
        rig.number.id,
        rig.number.revision,
        {"refused_attestations": (Attestation.FAILED,)},
    )
    with pytest.raises(CallerRefused):
        await rig.calls.open(rig.leg(headers={"x_twilio_verstat": "TN-Validation-Failed-C"}))
    assert await rig.listed() == []
    assert await rig.calls.open(rig.leg()) is not None


async def test_a_call_whose_caller_has_hung_up_ends_unless_a_worker_has_it(
    rig: Rig, settings: Settings
) -> None:
    first, second = await rig.calls.open(rig.leg()), await rig.calls.open(rig.leg("in_2"))
    assert first is not None
    assert second is not None
    assert [leg.room_name for leg in await rig.calls.unclaimed()] == ["in_1", "in_2"]
    async with worker_services(settings) as wired:
        worker = await wired.queue.register_worker(1)
        [claim] = await wired.queue.claim(worker, 1)
        assert claim.call.id == first
        assert [leg.call_id for leg in await rig.calls.unclaimed()] == [second]
        assert [await rig.calls.end_abandoned(id) for id in (first, second)] == [False, True]
        await wired.queue.deregister_worker(worker)
    states = {call.id: call.end_reason for call in await rig.listed()}
    assert states == {first: None, second: EndReason.NO_ANSWER}
