"""The mutation `transferCall`: what it refuses, and the command that it stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import asyncpg
import orjson
import pytest

from domain.calls.events import StateChanged
from domain.calls.model import Call, CallState
from domain.common.access import Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from persistence.worker_wiring import worker_services
from resolvers.global_ids import global_id
from tests.support.api_server import Api, running_api
from tests.support.graphql_calls import ERROR_FIELDS, all_rows, mutate
from tests.support.outbound_calls import add_trunk, dialed, speaking_clinic
from tests.worker.test_text_calls import started

pytestmark = pytest.mark.anyio

DESK = "+12025550103"
TRANSFER = f"""mutation ($input: CallTransferInput!) {{ transferCall(input: $input) {{
  __typename ... on TransferCallSuccess {{ transferId call {{ id state }} }} {ERROR_FIELDS}
  ... on DialRefused {{ reason }} }} }}"""


@dataclass(frozen=True, slots=True)
class Rig:
    services: Services
    viewer: Viewer
    api: Api

    async def transfer(self, call: Call, **fields: Any) -> Any:
        id = global_id("Call", call.id)
        return await mutate(self.api, TRANSFER, **{"callId": id, "number": DESK, **fields})


@pytest.fixture
async def rig(settings: Settings, viewer: Viewer) -> AsyncIterator[Rig]:
    async with (
        speaking_clinic(settings, viewer) as (services, _, _),
        running_api(services, settings, viewer, build_schema_with_loaders) as api,
    ):
        yield Rig(services, viewer, api)


async def answered(settings: Settings, rig: Rig) -> Call:
    """A call that is answered, which no worker holds any more."""
    await add_trunk(rig.services, rig.viewer)
    call = await dialed(rig.services, rig.viewer)
    async with worker_services(settings) as worker:
        id = await worker.queue.register_worker(10)
        [claim] = await worker.queue.claim(id, 1)
        writer = worker.event_writer
        writer.open(claim)
        states = (CallState.CONNECTING, CallState.DIALING, CallState.ACTIVE)
        for before, state in pairwise(states):
            writer.emit(claim, StateChanged(before=before, state=state))
        await writer.wait_until_stored(claim)
        await worker.queue.release(claim)
    return call


REFUSED: dict[str, tuple[dict[str, Any], str, list[str], str | None]] = {
    "another region": (
        {"number": "+18765550123"},
        "DIAL_REFUSED",
        ["number"],
        "REGION_NOT_ALLOWED",
    ),
    "no number": ({"number": "desk"}, "DIAL_REFUSED", ["number"], "INVALID_NUMBER"),
    "an emergency number": ({"number": "911"}, "DIAL_REFUSED", ["number"], "EMERGENCY_NUMBER"),
    "no such trunk": ({"trunk": "other"}, "NOT_FOUND", ["trunk"], None),
    "a long ringing time": ({"ringingTimeout": "PT90S"}, "INVALID_INPUT", ["ringingTimeout"], None),
    "a brief for the carrier": (
        {"mode": "COLD", "brief": "Kim calls."},
        "INVALID_INPUT",
        ["brief"],
        None,
    ),
    "no keys": ({"extension": "12-34"}, "INVALID_INPUT", ["extension"], None),
}


async def test_what_cannot_be_transferred_is_refused_and_changes_nothing(
    settings: Settings, rig: Rig
) -> None:
    call = await answered(settings, rig)
    for name, (fields, code, path, reason) in REFUSED.items():
        refused = await rig.transfer(call, **fields)
        found = (refused.get("code"), refused.get("path"), refused.get("reason"))
        assert found == (code, ["input", *path], reason), name
    text = await started(rig.services, rig.viewer)
    ringing = await dialed(rig.services, rig.viewer)
    for other in (text, ringing):
        refused = await rig.transfer(other)
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "callId"])
    [*_, commands] = await all_rows(settings)
    assert commands == []


async def test_without_a_trunk_no_call_is_transferred(settings: Settings, rig: Rig) -> None:
    call = await answered(settings, rig)
    async with rig.services.store.transaction(rig.viewer.tenant_id) as work:
        [trunk] = (await work.outbound_trunks.page(Window(1))).items
        [number] = (await work.phone_numbers.page(Window(1))).items
        await work.phone_numbers.delete(number.id)
        await work.outbound_trunks.delete(trunk.id)
    refused = await rig.transfer(call)
    assert (refused["code"], refused["reason"]) == ("DIAL_REFUSED", "NO_TRUNK")


async def test_the_same_key_is_the_same_transfer(settings: Settings, rig: Rig) -> None:
    call = await answered(settings, rig)
    first = await rig.transfer(call, idempotencyKey="desk", mode="WARM")
    again = await rig.transfer(call, idempotencyKey="desk", mode="WARM")
    assert first == again
    assert first["call"]["state"] == "ACTIVE"
    other = await rig.transfer(call, idempotencyKey="desk", mode="COLD")
    assert other["code"] == "IDEMPOTENCY_CONFLICT"
    db = await asyncpg.connect(settings.database_url)
    commands = await db.fetch("select id, kind, body from call_command")
    await db.close()
    [command] = commands
    assert (str(command["id"]), command["kind"]) == (first["transferId"], "TRANSFER")
    assert orjson.loads(command["body"]) == {"number": DESK, "mode": "WARM"}
