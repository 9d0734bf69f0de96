"""Starting a call that dials a phone: what it needs, what is refused, and what it then is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.calls.model import Call, CallKind, Direction
from domain.common.access import Viewer
from domain.common.errors import IdempotencyConflict, InvalidInput
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.trunks import DialLimits, NumberDefaults, PhoneNumberSpec
from domain.use_cases.calls import start_call
from domain.use_cases.outbound_calls import MAX_SCHEDULED_CALLS
from domain.use_cases.telephony import create_phone_number, update_outbound_trunk
from domain.workflows.answering import (
    AnsweringOverride,
    AnsweringSettings,
    VoicemailAction,
    answering_of,
)
from graph.app import build_schema_with_loaders
from persistence.worker_wiring import worker_services
from resolvers.global_ids import global_id
from tests.api.test_telephony import rows as telephony_rows
from tests.support.api_server import Api, running_api
from tests.support.graphql_calls import ERROR_FIELDS, all_rows, mutate
from tests.support.outbound_calls import (
    CALLEE_NUMBER,
    CALLER_NUMBER,
    COPY_CALL,
    add_trunk,
    dial_request,
    speaking_clinic,
)

pytestmark = pytest.mark.anyio

START = f"""mutation ($input: StartCallInput!) {{ startCall(input: $input) {{ __typename
  ... on StartCallSuccess {{
    join {{ url }}
    call {{
      id kind direction state phoneNumber fromNumber toNumber trunkId scheduledFor ringingTimeout
      sipStatus answeredBy userContext
    }}
  }} {ERROR_FIELDS} ... on DialRefused {{ reason }} }} }}"""
CLINIC = {"workflow": {"slug": "clinic"}, "kind": "SIP"}
NIGHT = {"start": "03:00", "end": "03:01", "timeZone": "America/New_York"}


@pytest.fixture
async def services(settings: Settings, viewer: Viewer) -> AsyncIterator[Services]:
    async with speaking_clinic(settings, viewer) as (voiced, _, _):
        yield voiced


@pytest.fixture
async def phone_api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    await add_trunk(services, viewer)
    async with running_api(services, settings, viewer, build_schema_with_loaders) as running:
        yield running


def tomorrow() -> datetime:
    return (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)


async def test_a_call_to_a_phone_shows_its_numbers_and_its_trunk(
    phone_api: Api, services: Services, viewer: Viewer
) -> None:
    at = tomorrow()
    started = await mutate(
        phone_api,
        START,
        **CLINIC,
        phoneNumber=CALLEE_NUMBER,
        scheduledFor=at.isoformat(),
        userContext={"name": "Ada"},
    )
    call = started["call"]
    async with services.store.transaction(viewer.tenant_id) as work:
        [trunk] = (await work.outbound_trunks.page(Window(10))).items
    assert started == {
        "__typename": "StartCallSuccess",
        "join": None,
        "call": {
            "id": call["id"],
            "kind": "SIP",
            "direction": "OUTBOUND",
            "state": "PENDING",
            "phoneNumber": CALLEE_NUMBER,
            "fromNumber": CALLER_NUMBER,
            "toNumber": CALLEE_NUMBER,
            "trunkId": global_id("OutboundTrunk", trunk.id),
            "scheduledFor": at.isoformat(),
            "ringingTimeout": "PT30S",
            "sipStatus": None,
            "answeredBy": None,
            "userContext": {"name": "Ada"},
        },
    }


REFUSED: dict[str, tuple[dict[str, Any], str, list[str], str | None]] = {
    "no number": ({}, "INVALID_INPUT", ["phoneNumber"], None),
    "letters": (
        {"phoneNumber": "+1-800-FLOWERS"},
        "DIAL_REFUSED",
        ["phoneNumber"],
        "INVALID_NUMBER",
    ),
    "no plus": ({"phoneNumber": "12025550102"}, "DIAL_REFUSED", ["phoneNumber"], "INVALID_NUMBER"),
    "other digits": (
        {"phoneNumber": "+١٢٠٢٥٥٥٠١٠٢"},
        "DIAL_REFUSED",
        ["phoneNumber"],
        "INVALID_NUMBER",
    ),
    "an extension": (
        {"phoneNumber": "tel:+12025550102;ext=5"},
        "DIAL_REFUSED",
        ["phoneNumber"],
        "INVALID_NUMBER",
    ),
    "two plus signs": (
        {"phoneNumber": "++12025550102"},
        "DIAL_REFUSED",
        ["phoneNumber"],
        "INVALID_NUMBER",
    ),
    "an emergency number": (
        {"phoneNumber": "911"},
        "DIAL_REFUSED",
        ["phoneNumber"],
        "EMERGENCY_NUMBER",
    ),
    "a premium number": (
        {"phoneNumber": "+19002345678"},
        "DIAL_REFUSED",
        ["phoneNumber"],
        "PREMIUM_NUMBER",
    ),
    "another country": (
        {"phoneNumber": "+18765550123"},
        "DIAL_REFUSED",
        ["phoneNumber"],
        "REGION_NOT_ALLOWED",
    ),
    "a strange caller id": (
        {"phoneNumber": CALLEE_NUMBER, "callerNumber": "+12025550199"},
        "DIAL_REFUSED",
        ["callerNumber"],
        "CALLER_ID_NOT_OWNED",
    ),
    "a short ringing timeout": (
        {"phoneNumber": CALLEE_NUMBER, "ringingTimeout": "PT4S"},
        "INVALID_INPUT",
        ["ringingTimeout"],
        None,
    ),
    "a long ringing timeout": (
        {"phoneNumber": CALLEE_NUMBER, "ringingTimeout": "PT76S"},
        "INVALID_INPUT",
        ["ringingTimeout"],
        None,
    ),
    "a start in the past": (
        {"phoneNumber": CALLEE_NUMBER, "scheduledFor": "2026-01-01T00:00:00Z"},
        "INVALID_INPUT",
        ["scheduledFor"],
        None,
    ),
    "a start in a year": (
        {"phoneNumber": CALLEE_NUMBER, "scheduledFor": "2999-01-01T00:00:00Z"},
        "INVALID_INPUT",
        ["scheduledFor"],
        None,
    ),
    "a start without a time zone": (
        {"phoneNumber": CALLEE_NUMBER, "scheduledFor": "2999-01-01T00:00:00"},
        "INVALID_INPUT",
        ["scheduledFor"],
        None,
    ),
    "no time of the day": (
        {"phoneNumber": CALLEE_NUMBER, "allowedHours": {"start": "8", "end": "21:00"}},
        "INVALID_INPUT",
        ["allowedHours", "start"],
        None,
    ),
    "hours without length": (
        {"phoneNumber": CALLEE_NUMBER, "allowedHours": {"start": "08:00", "end": "08:00"}},
        "INVALID_INPUT",
        ["allowedHours", "end"],
        None,
    ),
    "no time zone": (
        {
            "phoneNumber": CALLEE_NUMBER,
            "allowedHours": {"start": "08:00", "end": "21:00", "timeZone": "Berlin"},
        },
        "INVALID_INPUT",
        ["allowedHours", "timeZone"],
        None,
    ),
    "a scheduled start outside of the hours": (
        {
            "phoneNumber": CALLEE_NUMBER,
            "scheduledFor": tomorrow().replace(hour=15).isoformat(),
            "allowedHours": NIGHT,
        },
        "DIAL_REFUSED",
        ["scheduledFor"],
        "OUTSIDE_ALLOWED_HOURS",
    ),
    "a longer call than the trunk allows": (
        {"phoneNumber": CALLEE_NUMBER, "maxDuration": "PT31M"},
        "INVALID_INPUT",
        ["maxDuration"],
        None,
    ),
    "a number for a text call": (
        {"kind": "TEXT", "phoneNumber": CALLEE_NUMBER},
        "INVALID_INPUT",
        ["phoneNumber"],
        None,
    ),
    "a schedule for a browser call": (
        {"kind": "VOIP", "scheduledFor": tomorrow().isoformat()},
        "INVALID_INPUT",
        ["scheduledFor"],
        None,
    ),
}


async def test_what_must_not_be_dialled_is_refused_and_changes_nothing(
    phone_api: Api, settings: Settings
) -> None:
    before = (await all_rows(settings), await telephony_rows(settings))
    for case, (fields, code, path, reason) in REFUSED.items():
        refused = await mutate(phone_api, START, **{**CLINIC, **fields})
        found = (refused["code"], refused["path"], refused.get("reason"))
        assert found == (code, ["input", *path], reason), case
        assert refused["message"].endswith("."), case
    assert (await all_rows(settings), await telephony_rows(settings)) == before


async def test_the_hours_of_the_tenant_apply_to_calls_without_their_own(
    phone_api: Api, settings: Settings
) -> None:
    update = f"""mutation ($input: UpdateSettingsInput!) {{ updateSettings(input: $input) {{
      __typename ... on UpdateSettingsSuccess {{
        settings {{ allowedHours {{ start end timeZone }} }} }} {ERROR_FIELDS} }} }}"""
    changed = await mutate(phone_api, update, expectedRevision=0, allowedHours=NIGHT)
    assert changed["settings"]["allowedHours"] == NIGHT
    scheduled = {
        **CLINIC,
        "phoneNumber": CALLEE_NUMBER,
        "scheduledFor": tomorrow().replace(hour=15).isoformat(),
    }
    refused = await mutate(phone_api, START, **scheduled)
    assert (refused["reason"], refused["path"]) == (
        "OUTSIDE_ALLOWED_HOURS",
        ["input", "scheduledFor"],
    )
    day = {"start": "00:00", "end": "23:59"}
    started = await mutate(phone_api, START, **scheduled, allowedHours=day)
    assert started["__typename"] == "StartCallSuccess"
    always = await mutate(phone_api, update, expectedRevision=1, allowedHours=None)
    assert always["settings"]["allowedHours"] is None
    started = await mutate(phone_api, START, **scheduled)
    assert started["__typename"] == "StartCallSuccess"


async def test_hours_of_a_number_in_many_time_zones_need_a_time_zone(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await add_trunk(services, viewer, allowed_prefixes=("+1800",))
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        hours = {"start": "00:00", "end": "23:59"}
        fields = {**CLINIC, "phoneNumber": "+18005550123", "allowedHours": hours}
        refused = await mutate(api, START, **fields)
        assert (refused["reason"], refused["path"]) == (
            "OUTSIDE_ALLOWED_HOURS",
            ["input", "allowedHours"],
        )
        assert "allowedHours.timeZone" in refused["message"]


async def test_without_a_trunk_no_phone_is_dialled(services: Services, viewer: Viewer) -> None:
    with pytest.raises(InvalidInput, match="createOutboundTrunk") as refused:
        await start_call(services, viewer, dial_request())
    assert refused.value.path == ("trunk",)


async def test_without_livekit_no_phone_is_dialled(
    settings: Settings, viewer: Viewer, services: Services
) -> None:
    silent = replace(services, room_access_issuer=None)
    with pytest.raises(InvalidInput, match="LIVEKIT_URL") as refused:
        await start_call(silent, viewer, dial_request())
    assert refused.value.path == ("kind",)


async def test_the_trunk_is_that_of_the_caller_number(services: Services, viewer: Viewer) -> None:
    trunks = [
        await add_trunk(services, viewer, name=name, number=number)
        for name, number in (("first", "+12025550111"), ("second", "+12025550112"))
    ]
    with pytest.raises(InvalidInput, match="There are 2 outbound trunks") as refused:
        await start_call(services, viewer, dial_request())
    assert refused.value.path == ("trunk",)
    call = await start_call(services, viewer, dial_request(caller_number="+12025550112"))
    assert (call.trunk_id, call.from_number) == (trunks[1].id, "+12025550112")
    call = await start_call(services, viewer, dial_request(trunk_id=trunks[0].id))
    assert (call.trunk_id, call.from_number) == (trunks[0].id, "+12025550111")


async def test_the_defaults_of_the_caller_number_apply(services: Services, viewer: Viewer) -> None:
    trunk = await add_trunk(services, viewer)
    defaults = NumberDefaults(
        user_context={"desk": "north", "tier": 1}, ringing_seconds=12, max_seconds=90
    )
    number = PhoneNumberSpec(number="+12025550113", outbound_trunk_id=trunk.id, defaults=defaults)
    await create_phone_number(services, viewer, number)
    request = replace(dial_request(caller_number="+12025550113"), user_context={"tier": 2})
    call = await start_call(services, viewer, request)
    assert (call.user_context, call.ringing_seconds, call.max_seconds) == (
        {"desk": "north", "tier": 2},
        12,
        90,
    )
    call = await start_call(services, viewer, dial_request(caller_number=CALLER_NUMBER))
    assert (call.user_context, call.ringing_seconds, call.max_seconds) == ({}, 30, 1_800)


async def test_a_started_call_is_read_back_as_it_was_started(
    services: Services, viewer: Viewer
) -> None:
    await add_trunk(services, viewer)
    request = dial_request(scheduled_for=tomorrow())
    call = await start_call(services, viewer, request)
    assert (call.kind, call.direction) == (CallKind.SIP, Direction.OUTBOUND)
    async with services.store.transaction(viewer.tenant_id) as work:
        stored: Call | None = await work.calls.get(call.id)
    assert stored == call


async def test_the_same_key_dials_once(services: Services, viewer: Viewer) -> None:
    await add_trunk(services, viewer)
    request = replace(dial_request(), idempotency_key="k1")
    calls = await asyncio.gather(*(start_call(services, viewer, request) for _ in range(10)))
    assert len({call.id for call in calls}) == 1
    other = replace(dial_request("+12025550104"), idempotency_key="k1")
    with pytest.raises(IdempotencyConflict):
        await start_call(services, viewer, other)


async def test_a_repetition_returns_its_call_although_it_would_be_refused_by_now(
    services: Services, viewer: Viewer
) -> None:
    trunk = await add_trunk(services, viewer)
    request = replace(dial_request(scheduled_for=tomorrow()), idempotency_key="k1")
    call = await start_call(services, viewer, request)
    await update_outbound_trunk(services, viewer, trunk.id, trunk.revision, {"is_enabled": False})
    later = replace(services, clock=lambda: tomorrow() + timedelta(days=1))
    assert await start_call(later, viewer, request) == call
    other = replace(request, idempotency_key="k2")
    with pytest.raises(InvalidInput, match="none is enabled"):
        await start_call(services, viewer, other)
    with pytest.raises(InvalidInput, match="must be in the future"):
        await start_call(later, viewer, other)


async def test_a_trunk_that_has_dialled_enough_today_refuses_more_at_once(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await add_trunk(services, viewer, limits=DialLimits(calls_per_day=5))
    await start_call(services, viewer, dial_request())
    db = await asyncpg.connect(settings.database_url)
    await db.execute("update trunk_usage set calls = 5")
    await db.close()
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        refused = await mutate(api, START, **CLINIC, phoneNumber=CALLEE_NUMBER)
        assert refused["reason"] == "TOO_MANY_CALLS_PER_DAY"
        later = await mutate(
            api, START, **CLINIC, phoneNumber=CALLEE_NUMBER, scheduledFor=tomorrow().isoformat()
        )
        assert later["__typename"] == "StartCallSuccess"


async def test_a_tenant_cannot_schedule_any_number_of_calls(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await add_trunk(services, viewer)
    scheduled = await start_call(services, viewer, dial_request(scheduled_for=tomorrow()))
    db = await asyncpg.connect(settings.database_url)
    await db.execute(COPY_CALL, scheduled.id, MAX_SCHEDULED_CALLS - 1)
    with pytest.raises(InvalidInput, match="at most 10,000 scheduled calls"):
        await start_call(services, viewer, dial_request(scheduled_for=tomorrow()))
    await start_call(services, viewer, dial_request())
    await db.execute("update call_log set due_at = now() where call_id = $1", scheduled.id)
    await start_call(services, viewer, dial_request(scheduled_for=tomorrow()))
    await db.close()


async def test_calls_that_are_scheduled_at_the_same_time_are_all_counted(
    services: Services, viewer: Viewer, settings: Settings
) -> None:
    await add_trunk(services, viewer)
    scheduled = await start_call(services, viewer, dial_request(scheduled_for=tomorrow()))
    db = await asyncpg.connect(settings.database_url)
    await db.execute(COPY_CALL, scheduled.id, MAX_SCHEDULED_CALLS - 3)
    await db.close()
    results = await asyncio.gather(
        *(start_call(services, viewer, dial_request(scheduled_for=tomorrow())) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, InvalidInput) for result in results) == 2
    assert sum(isinstance(result, Call) for result in results) == 2


async def test_a_call_may_treat_machines_otherwise_than_its_workflow(
    phone_api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    started = await mutate(
        phone_api,
        START,
        **CLINIC,
        phoneNumber=CALLEE_NUMBER,
        answering={"voicemail": "LEAVE_MESSAGE", "message": "Call back.", "silenceTimeout": "PT4S"},
    )
    assert started["__typename"] == "StartCallSuccess"
    override = AnsweringOverride(
        voicemail=VoicemailAction.LEAVE_MESSAGE, message="Call back.", silent_seconds=4.0
    )
    async with services.store.transaction(viewer.tenant_id) as work:
        [call] = (await work.calls.page(Window(10))).items
    assert call.answering == override
    async with worker_services(settings) as wired:
        worker = await wired.queue.register_worker(1)
        [claim] = await wired.queue.claim(worker, 1)
        assert claim.call.answering == override
    asks = AnsweringSettings(ask_model=False, tone_seconds=10)
    assert answering_of(asks, override) == replace(
        asks, voicemail=VoicemailAction.LEAVE_MESSAGE, message="Call back.", silent_seconds=4.0
    )
    assert answering_of(None, None) == AnsweringSettings()


@pytest.mark.parametrize(
    ("answering", "field"),
    [
        ({"voicemail": "LEAVE_MESSAGE"}, "message"),
        ({"ivr": "NAVIGATE"}, "goal"),
        ({"message": "{{agent.name}}"}, "message"),
        ({"introduction": "x" * 1_001}, "introduction"),
        ({"silenceTimeout": "PT60S"}, "silenceTimeout"),
    ],
)
async def test_what_a_call_cannot_do_about_machines_is_refused(
    phone_api: Api, settings: Settings, answering: dict[str, Any], field: str
) -> None:
    before = await all_rows(settings)
    refused = await mutate(
        phone_api, START, **CLINIC, phoneNumber=CALLEE_NUMBER, answering=answering
    )
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "answering", field])
    text = await mutate(phone_api, START, workflow=CLINIC["workflow"], answering={"enabled": False})
    assert (text["code"], text["path"]) == ("INVALID_INPUT", ["input", "answering"])
    assert await all_rows(settings) == before
