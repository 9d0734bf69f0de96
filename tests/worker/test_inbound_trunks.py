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

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services
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
from domain.workflows.model import WorkflowSpec
from persistence.worker_wiring import worker_services
from tests.support.demo_workflow import publish_clinic
from tests.support.sip_service import KEY, SECRET, SipServiceEmulator, running_sip_service
from worker.keeper.inbound_trunks import InboundTrunkReconciler
from worker.keeper.main import Keeper

pytestmark = pytest.mark.anyio

NUMBER = "+12025550123"


@dataclass
class Rig:
    """A tenant with a trunk and a published workflow, a keeper's reconciler, and LiveKit."""

    services: Services
    viewer: Viewer
    settings: Settings
    sip: SipServiceEmulator
    reconciler: InboundTrunkReconciler
    workflow: Any
    trunk: InboundTrunk

    async def add(self, number: str = NUMBER, **changes: Any) -> PhoneNumber:
        spec = PhoneNumberSpec(
            number=number, workflow_id=self.workflow, inbound_trunk_id=self.trunk.id
        )
        return await create_phone_number(self.services, self.viewer, replace(spec, **changes))

    def only_trunk(self) -> api.SIPInboundTrunkInfo:
        [trunk] = self.sip.trunks.values()
        return trunk

    def only_rule(self) -> api.SIPDispatchRuleInfo:
        [rule] = self.sip.rules.values()
        return rule

    async def execute(self, statement: str) -> None:
        db = await asyncpg.connect(self.settings.database_url)
        await db.execute(statement)
        await db.close()


@pytest.fixture
async def rig(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Rig]:
    version = await publish_clinic(services, viewer)
    spec = InboundTrunkSpec(
        name="carrier",
        allowed_addresses=("192.0.2.0/30", "198.51.100.7/32"),
        context_headers=("X-Campaign",),
        username="carrier",
        max_call_seconds=600,
    )
    trunk = await create_inbound_trunk(services, viewer, spec, "a-password-1")
    async with running_sip_service() as (url, sip):
        voiced = replace(settings, livekit_url=url, livekit_api_key=KEY, livekit_api_secret=SECRET)
        async with worker_services(voiced) as wired:
            reconciler = InboundTrunkReconciler.from_settings(wired.inbound_routes, voiced)
            assert reconciler is not None
            yield Rig(services, viewer, voiced, sip, reconciler, version.workflow_id, trunk)


async def test_a_number_gets_a_trunk_and_a_rule_in_their_hardened_form(rig: Rig) -> None:
    number = await rig.add(defaults=NumberDefaults(ringing_seconds=12, max_seconds=300))
    await rig.reconciler.reconcile()
    trunk, rule = rig.only_trunk(), rig.only_rule()
    assert list(trunk.numbers) == [NUMBER]
    assert list(trunk.allowed_addresses) == ["192.0.2.0/30", "198.51.100.7/32"]
    assert (trunk.auth_username, trunk.auth_password) == ("carrier", "a-password-1")
    assert (trunk.ringing_timeout.seconds, trunk.max_call_duration.seconds) == (12, 300)
    assert trunk.ringing_timeout_status == api.SIPStatusCode.SIP_STATUS_SERVICE_UNAVAILABLE
    assert dict(trunk.headers_to_attributes) == {"X-Campaign": "studio.header.x-campaign"}
    assert list(rule.trunk_ids) == [trunk.sip_trunk_id]
    assert rule.rule.dispatch_rule_individual.room_prefix == "in"
    assert rule.attributes["studio.number_id"] == str(number.id)
    assert list(rule.room_config.agents) == []
    assert "a-password-1" not in trunk.metadata
    assert NUMBER not in trunk.name + trunk.metadata + rule.name + rule.metadata


async def test_a_round_without_differences_changes_nothing(rig: Rig) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    made = rig.sip.changes
    for _ in range(3):
        await rig.reconciler.reconcile()
    assert rig.sip.changes == made == ["CreateSIPInboundTrunk", "CreateSIPDispatchRule"]


async def test_trunks_return_after_the_redis_of_livekit_was_emptied(rig: Rig) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    before = rig.only_trunk().SerializeToString(deterministic=True)
    rig.sip.wipe()
    await rig.reconciler.reconcile()
    trunk = rig.only_trunk()
    assert list(rig.only_rule().trunk_ids) == [trunk.sip_trunk_id]
    trunk.sip_trunk_id = "ST_0"
    assert trunk.SerializeToString(deterministic=True) == before


async def test_a_rule_is_repaired_when_only_its_trunk_is_lost(rig: Rig) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    rig.sip.trunks.clear()
    await rig.reconciler.reconcile()
    assert list(rig.only_rule().trunk_ids) == [rig.only_trunk().sip_trunk_id]


@pytest.mark.parametrize("field", ["allowed_addresses", "numbers"])
async def test_a_trunk_that_someone_has_changed_is_repaired(rig: Rig, field: str) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    getattr(rig.only_trunk(), field).append("203.0.113.9")
    await rig.reconciler.reconcile()
    assert list(rig.only_trunk().numbers) == [NUMBER]
    assert list(rig.only_trunk().allowed_addresses) == ["192.0.2.0/30", "198.51.100.7/32"]


async def test_a_new_password_reaches_livekit(rig: Rig) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    await update_inbound_trunk(
        rig.services, rig.viewer, rig.trunk.id, rig.trunk.revision, {"password": "another-2"}
    )
    await rig.reconciler.reconcile()
    assert rig.only_trunk().auth_password == "another-2"


async def test_a_number_that_nothing_may_answer_any_more_is_removed(rig: Rig) -> None:
    number = await rig.add()
    await rig.reconciler.reconcile()
    for changes in ({"workflow_id": None}, {"workflow_id": rig.workflow}):
        number = await update_phone_number(
            rig.services, rig.viewer, number.id, number.revision, changes
        )
        await rig.reconciler.reconcile()
        expected = 0 if changes["workflow_id"] is None else 1
        assert (len(rig.sip.trunks), len(rig.sip.rules)) == (expected, expected)
    trunk = rig.trunk
    for is_enabled in (False, True):
        trunk = await update_inbound_trunk(
            rig.services, rig.viewer, trunk.id, trunk.revision, {"is_enabled": is_enabled}
        )
        await rig.reconciler.reconcile()
        assert (len(rig.sip.trunks), len(rig.sip.rules)) == (int(is_enabled), int(is_enabled))
    await delete_phone_number(rig.services, rig.viewer, number.id)
    await rig.reconciler.reconcile()
    assert (rig.sip.trunks, rig.sip.rules) == ({}, {})


async def test_an_unpublished_workflow_answers_no_calls(rig: Rig) -> None:
    draft = await create_workflow(rig.services, rig.viewer, WorkflowSpec(name="draft"))
    await rig.add(workflow_id=draft.id)
    await rig.reconciler.reconcile()
    assert (rig.sip.trunks, rig.sip.rules) == ({}, {})


async def test_a_number_that_was_deleted_and_created_again_has_one_trunk(rig: Rig) -> None:
    number = await rig.add()
    await rig.reconciler.reconcile()
    await delete_phone_number(rig.services, rig.viewer, number.id)
    again = await rig.add()
    await rig.reconciler.reconcile()
    assert rig.only_rule().attributes["studio.number_id"] == str(again.id)
    assert list(rig.only_rule().trunk_ids) == [rig.only_trunk().sip_trunk_id]


async def test_trunks_of_others_are_left_alone(rig: Rig) -> None:
    await rig.add()
    for id, name in (("ST_a", "by hand"), ("ST_b", "agent-studio/another-installation/1")):
        rig.sip.trunks[id] = api.SIPInboundTrunkInfo(sip_trunk_id=id, name=name, numbers=[id])
        rig.sip.rules[id] = api.SIPDispatchRuleInfo(
            sip_dispatch_rule_id=id, name=name, trunk_ids=[id]
        )
    await rig.reconciler.reconcile()
    await rig.execute("delete from phone_number")
    await rig.reconciler.reconcile()
    assert [*rig.sip.trunks, *rig.sip.rules] == ["ST_a", "ST_b", "ST_a", "ST_b"]


async def test_a_number_that_another_trunk_has_is_reported_once_and_blocks_no_other(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    rig.sip.trunks["ST_x"] = api.SIPInboundTrunkInfo(
        sip_trunk_id="ST_x", name="by hand", numbers=[NUMBER]
    )
    blocked = await rig.add()
    await rig.add("+12025550124")
    for _ in range(4):
        await rig.reconciler.reconcile()
    ours = [trunk for trunk in rig.sip.trunks.values() if trunk.name != "by hand"]
    assert [list(trunk.numbers) for trunk in ours] == [["+12025550124"]]
    refused = [r for r in caplog.records if "refuses the trunk" in r.message]
    assert [vars(r)["phone_number_id"] for r in refused] == [str(blocked.id)]
    assert NUMBER not in caplog.text
    del rig.sip.trunks["ST_x"]
    await rig.reconciler.reconcile()
    assert sorted(n for t in rig.sip.trunks.values() for n in t.numbers) == [
        NUMBER,
        "+12025550124",
    ]


async def test_an_outage_of_livekit_is_reported_once_and_repaired_afterwards(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    rig.sip.outage = True
    await rig.reconciler.reconcile()
    assert caplog.messages == []  # there are no numbers, so nobody misses it
    await rig.add()
    for _ in range(3):
        await rig.reconciler.reconcile()
    assert caplog.messages == ["LiveKit's SIP service is unavailable"]
    rig.sip.outage = False
    await rig.reconciler.reconcile()
    assert list(rig.only_trunk().numbers) == [NUMBER]


async def test_a_trunk_whose_password_cannot_be_decrypted_accepts_no_calls(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.add()
    await rig.reconciler.reconcile()
    await rig.execute("update inbound_trunk set sealed = sealed || '\\x00'")
    for _ in range(2):
        await rig.reconciler.reconcile()
    assert (rig.sip.trunks, rig.sip.rules) == ({}, {})
    assert caplog.messages.count("cannot decrypt the password of an inbound trunk") == 1


async def test_several_keepers_agree(rig: Rig) -> None:
    for last in range(5):
        await rig.add(f"+1202555012{last}")
    async with worker_services(rig.settings) as other:
        second = InboundTrunkReconciler.from_settings(other.inbound_routes, rig.settings)
        assert second is not None
        await asyncio.gather(rig.reconciler.reconcile(), second.reconcile())
        await rig.reconciler.reconcile()
    assert len(rig.sip.trunks) == len(rig.sip.rules) == 5
    assert {id for rule in rig.sip.rules.values() for id in rule.trunk_ids} == set(rig.sip.trunks)


async def test_a_running_keeper_creates_the_trunk_of_a_new_number(rig: Rig) -> None:
    async with worker_services(rig.settings) as wired:
        keeper = Keeper(wired, rig.settings)
        async with background_task(keeper.run_trunk_reconciler()), asyncio.timeout(60):
            await rig.add()
            while not rig.sip.rules:  # noqa: ASYNC110 - the emulator has no event for it
                await asyncio.sleep(0.05)
    assert list(rig.only_rule().trunk_ids) == [rig.only_trunk().sip_trunk_id]
