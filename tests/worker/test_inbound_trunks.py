"""Keepers make LiveKit's inbound trunks and dispatch rules equal to the numbers in the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest
from livekit import api
from livekit.protocol.sip import (
    SIP_STATUS_SERVICE_UNAVAILABLE,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
)

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services
from domain.telephony.inbound_routes import RouteReport
from domain.telephony.trunks import (
    InboundTrunk,
    InboundTrunkSpec,
    NumberDefaults,
    PhoneNumber,
    PhoneNumberSpec,
)
from domain.use_cases.telephony import (
    create_inbound_trunk,
    create_phone_number,
    delete_phone_number,
    update_inbound_trunk,
    update_phone_number,
)
from domain.use_cases.workflows import create_workflow
from domain.workflows.model import WorkflowId, WorkflowSpec
from persistence.worker_wiring import worker_services
from tests.support.demo_workflow import publish_clinic
from tests.support.sip_calls import create_rule, create_trunk
from tests.support.sip_service import SipService, running_sip_service
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.inbound_trunks import InboundTrunkReconciler
from worker.keeper.main import Keeper

pytestmark = pytest.mark.anyio

NUMBER = "+12025550123"
ADDRESSES = ("192.0.2.0/30", "198.51.100.7/32")


@dataclass
class Rig:
    """A tenant with a trunk and a published workflow, a keeper's reconciler, and LiveKit."""

    services: Services
    viewer: Viewer
    settings: Settings
    sip: SipService
    reconciler: InboundTrunkReconciler
    workflow: WorkflowId
    trunk: InboundTrunk

    async def add(self, number: str = NUMBER, **changes: Any) -> PhoneNumber:
        spec = PhoneNumberSpec(
            number=number, workflow_id=self.workflow, inbound_trunk_id=self.trunk.id
        )
        return await create_phone_number(self.services, self.viewer, replace(spec, **changes))

    async def only_trunk(self) -> SIPInboundTrunkInfo:
        [trunk] = await self.sip.trunks()
        return trunk

    async def only_rule(self) -> SIPDispatchRuleInfo:
        [rule] = await self.sip.rules()
        return rule

    async def counts(self) -> tuple[int, int]:
        """How many trunks and rules LiveKit has."""
        return len(await self.sip.trunks()), len(await self.sip.rules())

    async def is_whole(self) -> bool:
        """Whether there is one trunk, and one rule that leads to it."""
        rule = await self.only_rule()
        return list(rule.trunk_ids) == [(await self.only_trunk()).sip_trunk_id]

    async def create_trunk(self, name: str, number: str) -> SIPInboundTrunkInfo:
        """Create a trunk that is not the keeper's, and a rule for it."""
        trunk = await create_trunk(
            self.sip.client, SIPInboundTrunkInfo(name=name, numbers=[number])
        )
        rule = SIPDispatchRuleInfo(name=name, trunk_ids=[trunk.sip_trunk_id])
        await create_rule(self.sip.client, rule)
        return trunk

    async def execute(self, statement: str) -> None:
        db = await asyncpg.connect(self.settings.database_url)
        await db.execute(statement)
        await db.close()


@pytest.fixture
async def rig(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Rig]:
    version = await publish_clinic(services, viewer)
    spec = InboundTrunkSpec(
        name="carrier",
        allowed_addresses=ADDRESSES,
        context_headers=("X-Campaign",),
        username="carrier",
        max_call_seconds=600,
    )
    trunk = await create_inbound_trunk(services, viewer, spec, "a-password-1")
    async with running_sip_service() as sip:
        livekit = sip.credentials
        voiced = replace(
            settings,
            livekit_url=livekit.url,
            livekit_api_key=livekit.key,
            livekit_api_secret=livekit.secret,
        )
        async with worker_services(voiced) as wired:
            rooms = LiveKitRooms(livekit.url, livekit.key, livekit.secret)
            reconciler = InboundTrunkReconciler(rooms, wired.inbound_routes, wired.route_reports)
            yield Rig(services, viewer, voiced, sip, reconciler, version.workflow_id, trunk)


async def test_a_number_gets_a_trunk_and_a_rule_in_their_hardened_form(rig: Rig) -> None:
    number = await rig.add(defaults=NumberDefaults(ringing_seconds=12, max_seconds=300))
    await rig.reconciler.reconcile()
    trunk, rule = await rig.only_trunk(), await rig.only_rule()
    assert list(trunk.numbers) == [NUMBER]
    assert tuple(trunk.allowed_addresses) == ADDRESSES
    assert (trunk.auth_username, trunk.auth_password) == ("carrier", "a-password-1")
    assert (trunk.ringing_timeout.seconds, trunk.max_call_duration.seconds) == (12, 480)
    assert trunk.ringing_timeout_status == SIP_STATUS_SERVICE_UNAVAILABLE
    # The headers of attestations come in addition to those that agents may read.
    headers = {"X-Campaign", "X-Twilio-VerStat", "X-Plivo-Stir-Verification", "P-Asserted-Identity"}
    assert dict(trunk.headers_to_attributes) == {
        header: f"studio.header.{header.lower()}" for header in headers
    }
    assert list(rule.trunk_ids) == [trunk.sip_trunk_id]
    assert rule.rule.dispatch_rule_individual.room_prefix == "in"
    assert rule.attributes["studio.number_id"] == str(number.id)
    assert list(rule.room_config.agents) == []
    assert "a-password-1" not in trunk.metadata
    assert NUMBER not in trunk.name + trunk.metadata + rule.name + rule.metadata


async def test_a_round_without_differences_changes_nothing(rig: Rig) -> None:
    await rig.add()
    for _ in range(3):
        await rig.reconciler.reconcile()
    assert rig.sip.changes == ["CreateSIPInboundTrunk", "CreateSIPDispatchRule"]


async def test_trunks_return_after_the_redis_of_livekit_was_emptied(rig: Rig) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    before = await rig.only_trunk()
    await rig.sip.wipe()
    await rig.reconciler.reconcile()
    assert await rig.is_whole()
    trunk = await rig.only_trunk()
    assert trunk.sip_trunk_id != before.sip_trunk_id
    trunk.sip_trunk_id = before.sip_trunk_id
    assert trunk == before


async def test_a_rule_is_repaired_when_only_its_trunk_is_lost(rig: Rig) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    lost = (await rig.only_trunk()).sip_trunk_id
    await rig.sip.client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=lost))
    await rig.reconciler.reconcile()
    assert await rig.is_whole()


@pytest.mark.parametrize("field", ["allowed_addresses", "numbers", "allowed_numbers"])
async def test_a_trunk_that_someone_has_changed_is_repaired(rig: Rig, field: str) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    before = await rig.only_trunk()
    changed = SIPInboundTrunkInfo()
    changed.CopyFrom(before)
    getattr(changed, field).append("203.0.113.9")
    await rig.sip.client.sip.update_inbound_trunk(before.sip_trunk_id, changed)
    assert await rig.only_trunk() != before
    await rig.reconciler.reconcile()
    assert await rig.only_trunk() == before


async def test_a_rule_for_every_trunk_is_repaired(rig: Rig) -> None:
    """Without its trunk, a rule would answer strangers."""
    await rig.add()
    await rig.reconciler.reconcile()
    before = await rig.only_rule()
    changed = SIPDispatchRuleInfo()
    changed.CopyFrom(before)
    del changed.trunk_ids[:]
    await rig.sip.client.sip.update_dispatch_rule(before.sip_dispatch_rule_id, changed)
    await rig.reconciler.reconcile()
    assert await rig.only_rule() == before


async def test_a_new_password_reaches_livekit(rig: Rig) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    await update_inbound_trunk(
        rig.services, rig.viewer, rig.trunk.id, rig.trunk.revision, {"password": "another-2"}
    )
    await rig.reconciler.reconcile()
    assert (await rig.only_trunk()).auth_password == "another-2"


async def test_a_number_that_nothing_may_answer_any_more_is_removed(rig: Rig) -> None:
    number = await rig.add()
    await rig.reconciler.reconcile()
    for workflow, expected in ((None, (0, 0)), (rig.workflow, (1, 1))):
        number = await update_phone_number(
            rig.services, rig.viewer, number.id, number.revision, {"workflow_id": workflow}
        )
        await rig.reconciler.reconcile()
        assert await rig.counts() == expected
    trunk = rig.trunk
    for is_enabled, expected in ((False, (0, 0)), (True, (1, 1))):
        trunk = await update_inbound_trunk(
            rig.services, rig.viewer, trunk.id, trunk.revision, {"is_enabled": is_enabled}
        )
        await rig.reconciler.reconcile()
        assert await rig.counts() == expected
    await delete_phone_number(rig.services, rig.viewer, number.id)
    await rig.reconciler.reconcile()
    assert await rig.counts() == (0, 0)


async def test_an_unpublished_workflow_answers_no_calls(rig: Rig) -> None:
    draft = await create_workflow(rig.services, rig.viewer, WorkflowSpec(name="draft"))
    await rig.add(workflow_id=draft.id)
    await rig.reconciler.reconcile()
    assert await rig.counts() == (0, 0)


async def test_a_number_that_was_deleted_and_created_again_has_one_trunk(rig: Rig) -> None:
    number = await rig.add()
    await rig.reconciler.reconcile()
    await delete_phone_number(rig.services, rig.viewer, number.id)
    again = await rig.add()
    await rig.reconciler.reconcile()
    assert (await rig.only_rule()).attributes["studio.number_id"] == str(again.id)
    assert await rig.is_whole()


async def test_trunks_of_others_are_left_alone(rig: Rig) -> None:
    await rig.create_trunk("by hand", "+12025550198")
    await rig.create_trunk("agent-studio/another-installation/1", "+12025550199")
    before = (await rig.sip.trunks(), await rig.sip.rules())
    number = await rig.add()
    await rig.reconciler.reconcile()
    assert await rig.counts() == (3, 3)
    await delete_phone_number(rig.services, rig.viewer, number.id)
    await rig.reconciler.reconcile()
    assert (await rig.sip.trunks(), await rig.sip.rules()) == before


async def test_a_number_that_another_trunk_has_is_reported_once_and_blocks_no_other(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    foreign = await rig.create_trunk("by hand", NUMBER)
    blocked = await rig.add()
    await rig.add("+12025550124")
    for _ in range(4):
        await rig.reconciler.reconcile()
    ours = [trunk for trunk in await rig.sip.trunks() if trunk.name != "by hand"]
    assert [list(trunk.numbers) for trunk in ours] == [["+12025550124"]]
    refused = [r for r in caplog.records if "refuses the trunk" in r.message]
    assert [vars(r)["phone_number_id"] for r in refused] == [str(blocked.id)]
    assert NUMBER not in caplog.text
    assert await rig.services.route_reports.last() == RouteReport(
        refused={blocked.id: vars(refused[0])["why"]}
    )
    await rig.sip.client.sip.delete_trunk(
        api.DeleteSIPTrunkRequest(sip_trunk_id=foreign.sip_trunk_id)
    )
    await rig.reconciler.reconcile()
    assert await rig.services.route_reports.last() == RouteReport()
    numbers = sorted(number for trunk in await rig.sip.trunks() for number in trunk.numbers)
    assert numbers == [NUMBER, "+12025550124"]


async def test_an_outage_of_livekit_is_reported_once_and_repaired_afterwards(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    rig.sip.outage = True
    await rig.reconciler.reconcile()
    assert caplog.messages == []  # there are no numbers, so it does not matter
    await rig.add()
    for _ in range(3):
        await rig.reconciler.reconcile()
    assert caplog.messages == ["LiveKit's SIP service is unavailable"]
    report = await rig.services.route_reports.last()
    assert report == RouteReport(unavailable="unknown")
    rig.sip.outage = False
    await rig.reconciler.reconcile()
    assert await rig.is_whole()


async def test_a_trunk_whose_password_cannot_be_decrypted_accepts_no_calls(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    await rig.execute("update inbound_trunk set sealed = sealed || '\\x00'")
    for _ in range(2):
        await rig.reconciler.reconcile()
    assert await rig.counts() == (0, 0)
    assert caplog.messages.count("cannot decrypt the password of an inbound trunk") == 1


async def test_several_keepers_agree(rig: Rig) -> None:
    for last in range(5):
        await rig.add(f"+1202555012{last}")
    async with worker_services(rig.settings) as other:
        livekit = rig.sip.credentials
        rooms = LiveKitRooms(livekit.url, livekit.key, livekit.secret)
        second = InboundTrunkReconciler(rooms, other.inbound_routes, other.route_reports)
        await asyncio.gather(rig.reconciler.reconcile(), second.reconcile())
        await rig.reconciler.reconcile()
    assert await rig.counts() == (5, 5)
    leads_to = {id for rule in await rig.sip.rules() for id in rule.trunk_ids}
    assert leads_to == {trunk.sip_trunk_id for trunk in await rig.sip.trunks()}


async def test_a_running_keeper_creates_the_trunk_of_a_new_number(rig: Rig) -> None:
    async with worker_services(rig.settings) as wired:
        keeper = Keeper(wired, rig.settings)
        await rig.add()
        async with background_task(keeper.run_trunk_reconciler()), asyncio.timeout(60):
            while await rig.counts() != (1, 1):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.05)
    assert await rig.is_whole()
