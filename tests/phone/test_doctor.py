"""The doctor examines an installation with a telephone: the real API, LiveKit, livekit-sip and a carrier."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from livekit import api
from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.trunks import InboundTrunkSpec, PhoneNumberSpec
from domain.use_cases.telephony import create_inbound_trunk, create_phone_number
from graph.app import build_schema_with_loaders
from local.doctor import service_checks
from local.doctor.findings import Finding
from local.doctor.installation import Installation
from local.doctor.trunk_checks import check_numbers, check_outbound_trunks, read_telephony
from local.livekit import LivekitCredentials
from local.phone.phone import open_phone
from persistence.wiring import api_services
from persistence.worker_wiring import worker_services
from tests.phone.conftest import SipContract
from tests.support.api_server import running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.outbound_calls import CALLEE_NUMBER, add_trunk
from tests.support.paths import ROOT
from tests.support.processes import running_process
from tests.support.sip_calls import LOOPBACK, create_rule, create_trunk, rooms_with_prefix
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.inbound_trunks import InboundTrunkReconciler

pytestmark = pytest.mark.anyio

NUMBER, OTHER_NUMBER = "+12025550103", "+12025550104"
NOWHERE = "ws://127.0.0.1:9"


@dataclass(frozen=True)
class Examined:
    installation: Installation
    services: Services
    settings: Settings
    viewer: Viewer

    def with_livekit(self, url: str = "", secret: str = "") -> Installation:
        livekit = self.installation.livekit
        assert livekit is not None
        other = LivekitCredentials(url or livekit.url, livekit.key, secret or livekit.secret)
        return replace(self.installation, livekit=other)


@pytest.fixture
async def examined(sip: SipContract, settings: Settings, viewer: Viewer) -> AsyncIterator[Examined]:
    livekit = sip.livekit
    settings = replace(
        settings,
        livekit_url=livekit.url,
        livekit_api_key=livekit.key,
        livekit_api_secret=livekit.secret,
    )
    async with (
        api_services(settings) as services,
        running_api(services, settings, viewer, build_schema_with_loaders) as running,
    ):
        installation = Installation(
            api_url=running.url,
            token=running.token,
            livekit=livekit,
            redis_url=settings.redis_url,
            sip_address=sip.address,
        )
        yield Examined(installation, services, settings, viewer)


def statuses(findings: Sequence[Finding]) -> list[str]:
    return [each.status.value for each in findings]


async def test_services_that_find_each_other_are_sound(
    sip: SipContract, examined: Examined, tmp_path: Path
) -> None:
    """The command runs as in a container: its environment names everything."""
    place = examined.installation
    assert place.livekit is not None
    (tmp_path / "token").write_text(f"{place.token}\n")
    host, port = place.sip_address
    environ = {
        "STUDIO_STATE": str(tmp_path / "none"),
        "STUDIO_URL": place.api_url,
        "STUDIO_TOKEN_FILE": str(tmp_path / "token"),
        "REDIS_URL": place.redis_url,
        "SIP_ADDRESS": f"{host}:{port}",
        **place.livekit.environment,
    }
    command = (sys.executable, "-m", "local.doctor", "--json", "--stun", "none")
    async with running_process(
        *command, env={**os.environ, **environ}, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    ) as process:
        output, _ = await process.communicate()
    found = {each["check"]: each for each in json.loads(output)["findings"]}
    sound = ("api", "livekit", "redis", "sip", "dispatch")
    assert {name: found[name]["status"] for name in sound} == dict.fromkeys(sound, "ok")
    # LiveKit of the tests sends no webhooks, and the API accepts those that are signed.
    webhook = found["webhook"]
    assert (webhook["status"], "LiveKit sends no webhooks" in webhook["message"]) == (
        "warning",
        True,
    )
    # The tenant has no trunks yet.
    assert {found[name]["status"] for name in ("trunk", "numbers")} == {"skipped"}
    assert await rooms_with_prefix(sip.client, "in_doctor") == []
    assert await rooms_with_prefix(sip.client, "doctor-") == []
    assert statuses(await service_checks.check_clock(place, lambda: True)) == ["ok"]
    assert statuses(await service_checks.check_clock(place, lambda: False)) == ["warning"]


async def test_services_that_do_not_respond_or_reject_the_key_are_named(
    examined: Examined,
) -> None:
    wrong, gone = examined.with_livekit(secret="another-secret" * 4), examined.with_livekit(NOWHERE)
    for check, at_wrong, at_gone in (
        (service_checks.check_livekit, "fault", "fault"),
        (service_checks.check_redis, "skipped", "skipped"),
        (service_checks.check_dispatch, "skipped", "skipped"),
        (service_checks.check_webhooks, "fault", "skipped"),
    ):
        assert statuses(await check(wrong)) == [at_wrong], check
        assert statuses(await check(gone)) == [at_gone], check
    [rejected] = await service_checks.check_livekit(wrong)
    assert "rejects LIVEKIT_API_KEY" in rejected.message
    nowhere = replace(examined.installation, api_url="http://127.0.0.1:9")
    assert statuses(await service_checks.check_api(nowhere)) == ["fault"]
    stranger = replace(examined.installation, token="not-a-token")
    assert "The API does not show the trunks" in (await read_telephony(stranger)).problem


async def test_rules_that_accept_calls_of_strangers_are_found(
    sip: SipContract, examined: Examined
) -> None:
    await create_trunk(
        sip.client,
        SIPInboundTrunkInfo(
            name="bare", numbers=[OTHER_NUMBER], allowed_addresses=["192.0.2.1", LOOPBACK]
        ),
    )
    await create_rule(sip.client, SIPDispatchRuleInfo(name="open"))
    rule, trunk = await service_checks.check_dispatch(examined.installation)
    assert (rule.status, "The dispatch rule open names no trunk" in rule.message) == ("fault", True)
    assert (trunk.status, trunk.fix) == ("fault", "Write 192.0.2.1/32.")


async def test_the_trunks_and_numbers_of_a_tenant_are_examined(
    sip: SipContract, examined: Examined
) -> None:
    services, viewer, place = examined.services, examined.viewer, examined.installation
    assert (await read_telephony(place)).is_unused
    async with open_phone(CALLEE_NUMBER) as carrier:
        await add_trunk(services, viewer, carrier.host_and_port)
        version = await publish_clinic(services, viewer)
        inbound = await create_inbound_trunk(
            services,
            viewer,
            InboundTrunkSpec(name="inbound", allowed_addresses=(LOOPBACK,)),
            None,
        )
        number = PhoneNumberSpec(
            number=NUMBER, workflow_id=version.workflow_id, inbound_trunk_id=inbound.id
        )
        await create_phone_number(services, viewer, number)
        telephony = await read_telephony(place)
        assert (telephony.is_unused, telephony.concurrent_calls) == (False, 100)
        [outbound] = await check_outbound_trunks(telephony)
        assert (outbound.status, outbound.subject) == ("ok", "carrier")
    # No keeper has written the number into LiveKit yet.
    [missing] = await check_numbers(place, telephony)
    assert (missing.status, NUMBER in missing.message) == ("fault", True)
    async with worker_services(examined.settings) as wired:
        rooms = LiveKitRooms(sip.livekit.url, sip.livekit.key, sip.livekit.secret)
        await InboundTrunkReconciler(rooms, wired.inbound_routes, wired.route_reports).reconcile()
        assert statuses(await check_numbers(place, telephony)) == ["ok"]
        listed = await sip.client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        assert [list(trunk.numbers) for trunk in listed.items] == [[NUMBER]]
