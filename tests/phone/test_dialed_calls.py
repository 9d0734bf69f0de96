"""Calls that dial a softphone over SIP and RTP: what its owner hears, and how each call ends."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from domain.calls.events import (
    AgentTurn,
    AnsweredBy,
    CallEnded,
    CallEvent,
    DialFailed,
    DialStarted,
    NodeEntered,
    StateChanged,
    UsageMeasured,
    UserTurn,
)
from domain.calls.model import Call, CallState, EndReason
from domain.common.access import Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.providers.model import ProviderKind
from domain.providers.prices import Price
from domain.use_cases.calls import end_call
from domain.use_cases.settings import update_settings
from domain.workflows.agents import AgentSpec
from domain.workflows.answering import AnsweringSettings
from graph.app import build_schema_with_loaders
from local.client import StudioClient
from local.emulators.audio import synthetic_speech
from local.emulators.voices import WordTones
from local.livekit import LivekitCredentials
from local.phone.answer import (
    ANSWERS,
    BUSY,
    DECLINES,
    NO_RESPONSE,
    RINGS_FOREVER,
    Answer,
    refuses,
)
from local.phone.digest import Credentials
from local.phone.g711 import RATE, Samples
from local.phone.phone import Phone, open_phone
from local.phone.sip_call import Side
from local.talk import PhoneTalkSession, iterate_lines
from local.terminal_output import TerminalOutput
from tests.phone.conftest import SipContract
from tests.support.api_server import running_api
from tests.support.demo_workflow import CLINIC, RECEPTION
from tests.support.heard_audio import words_of
from tests.support.outbound_calls import (
    CALLEE_NUMBER,
    CALLER_NUMBER,
    Line,
    add_trunk,
    dials,
    invites,
    speaking_clinic,
)
from tests.support.sip_servers import running_sip_emulator
from tests.support.waiting import until
from tests.worker.test_text_calls import running_worker, watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

S, R = CallState, EndReason
GREETING = "Good morning this is the clinic and we call about your appointment"
GREETER = replace(RECEPTION, prompt=replace(RECEPTION.prompt, greeting=GREETING))
GREETS_AT_ONCE = replace(CLINIC, answering=AnsweringSettings(enabled=False))


@asynccontextmanager
async def line(
    settings: Settings,
    viewer: Viewer,
    livekit: LivekitCredentials,
    answer: Answer = ANSWERS,
    *,
    reception: AgentSpec = RECEPTION,
    voice: WordTones | None = None,
    has_worker: bool = True,
    **trunk: Any,
) -> AsyncIterator[Line]:
    """A worker, and a trunk that leads to a phone."""
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(open_phone(CALLEE_NUMBER, answer))
        services, voiced, _ = await stack.enter_async_context(
            speaking_clinic(
                settings,
                viewer,
                livekit,
                reception=reception,
                voice=voice,
                workflow=GREETS_AT_ONCE,
            )
        )
        if has_worker:
            await stack.enter_async_context(running_worker(voiced))
        await add_trunk(services, viewer, phone.host_and_port, **trunk)
        yield Line(services, viewer, voiced, phone)


async def seen(line: Line, call: Call, until: type = CallEnded, count: int = 1) -> list[CallEvent]:
    return await watch(line.services, line.viewer, call.id, until, count)


def states(events: list[CallEvent]) -> list[CallState]:
    return [event.state for event in events if isinstance(event, StateChanged)]


async def stored(line: Line, call: Call) -> Call:
    async with line.services.store.transaction(line.viewer.tenant_id) as work:
        found = await work.calls.get(call.id)
    assert found is not None
    return found


def heard_words(phone: Phone, voice: WordTones) -> list[str]:
    [call] = phone.calls
    return [word.text for word in voice.decode(call.media.heard.since(0), RATE)]


async def test_a_person_hears_every_word_of_the_greeting_and_is_answered(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    voice = WordTones()
    async with line(
        settings, viewer, sip.livekit, RINGS_FOREVER, reception=GREETER, voice=voice
    ) as rig:
        call = await rig.dial()
        phone_call = await rig.phone.next_call()
        assert phone_call.number == CALLER_NUMBER
        # LiveKit reports only the last status of a moment.
        await seen(rig, call, StateChanged, 4)
        phone_call.pick_up()
        await seen(rig, call, AgentTurn)
        await until(lambda: len(heard_words(rig.phone, voice)) >= len(words_of(GREETING)))
        assert heard_words(rig.phone, voice) == words_of(GREETING)
        phone_call.media.play(speech(1.0))
        await phone_call.media.until_played()
        await seen(rig, call, AgentTurn, 2)
        await phone_call.hang_up()
        events = await seen(rig, call)
    assert states(events) == [S.PENDING, S.CONNECTING, S.DIALING, S.RINGING, S.ACTIVE]
    assert sum(isinstance(event, UserTurn) for event in events) == 1
    assert not any(isinstance(event, AnsweredBy) for event in events)
    assert isinstance(events[-1], CallEnded)
    assert (events[-1].state, events[-1].reason) == (S.COMPLETED, R.HUNG_UP_BY_USER)
    assert (dials(events), invites(rig.phone)) == (1, 1)


def speech(seconds: float) -> Samples:
    return np.frombuffer(synthetic_speech(seconds, RATE), np.int16)


async def test_nothing_is_said_while_the_phone_rings(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    voice = WordTones()
    async with line(
        settings, viewer, sip.livekit, RINGS_FOREVER, reception=GREETER, voice=voice
    ) as rig:
        call = await rig.dial()
        phone_call = await rig.phone.next_call()
        ringing = await seen(rig, call, StateChanged, 4)
        assert states(ringing)[-1] is S.RINGING
        assert not any(isinstance(event, NodeEntered | AgentTurn) for event in ringing)
        phone_call.pick_up()
        events = await seen(rig, call, AgentTurn)
        await until(lambda: len(heard_words(rig.phone, voice)) >= len(words_of(GREETING)))
        assert heard_words(rig.phone, voice) == words_of(GREETING)
        kinds = [type(event) for event in events if not isinstance(event, UsageMeasured)]
        assert kinds.index(NodeEntered) > kinds.index(DialStarted)
        await end_call(rig.services, viewer, call.id)
        assert (await phone_call.until_ended()).by is Side.REMOTE


SWITCHED_OFF = replace(refuses(480), provisional=())
REFUSALS = [
    (BUSY, S.BUSY, R.BUSY),
    (DECLINES, S.BUSY, R.DECLINED),
    (SWITCHED_OFF, S.NO_ANSWER, R.UNREACHABLE),
    (refuses(403), S.FAILED, R.CARRIER_REFUSED),
    (refuses(404), S.FAILED, R.INVALID_NUMBER),
    (refuses(503), S.FAILED, R.TRUNK_FAILED),
]


async def test_a_refused_call_ends_with_its_reason_and_its_status(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with line(settings, viewer, sip.livekit) as rig:
        for answer, state, reason in REFUSALS:
            rig.phone.answer = answer
            before = invites(rig.phone)
            call = await rig.dial()
            events = await seen(rig, call)
            ended = await stored(rig, call)
            facts = (ended.state, ended.end_reason, ended.sip_status)
            assert facts == (state, reason, answer.status)
            assert not any(isinstance(event, NodeEntered | AgentTurn) for event in events)
            assert (dials(events), invites(rig.phone) - before) == (1, 1)


async def ended_call(rig: Line, **dial: Any) -> Call:
    call = await rig.dial(**dial)
    await seen(rig, call)
    return await stored(rig, call)


async def test_a_phone_rings_until_the_limit_and_no_longer(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with line(settings, viewer, sip.livekit, RINGS_FOREVER) as rig:
        call = await rig.dial(ringing_seconds=5)
        phone_call = await rig.phone.next_call()
        events = await seen(rig, call)
        assert (await phone_call.until_ended()).by is Side.REMOTE
        ended = await stored(rig, call)
    assert (ended.state, ended.end_reason, ended.sip_status) == (S.NO_ANSWER, R.NO_ANSWER, None)
    assert states(events) == [S.PENDING, S.CONNECTING, S.DIALING, S.RINGING]
    [failed] = [event for event in events if isinstance(event, DialFailed)]
    assert failed.after_ms is not None
    assert failed.after_ms >= 5_000


async def test_a_carrier_that_does_not_respond_makes_the_callee_unreachable(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with line(settings, viewer, sip.livekit, NO_RESPONSE) as rig:
        ended = await ended_call(rig, ringing_seconds=5)
    assert (ended.state, ended.end_reason) == (S.NO_ANSWER, R.UNREACHABLE)


@pytest.mark.parametrize(
    ("trunk", "reason"),
    [
        ({"username": "carrier", "password": "correct"}, None),
        ({"username": "carrier", "password": "wrong"}, R.TRUNK_UNAUTHORIZED),
    ],
    ids=["right", "wrong"],
)
async def test_the_carrier_checks_the_credentials_of_the_trunk(
    settings: Settings,
    viewer: Viewer,
    sip: SipContract,
    trunk: dict[str, Any],
    reason: EndReason | None,
) -> None:
    guarded = replace(ANSWERS, credentials=Credentials("carrier", "correct"))
    async with line(settings, viewer, sip.livekit, guarded, **trunk) as rig:
        call = await rig.dial()
        events = await seen(rig, call, AgentTurn if reason is None else CallEnded)
        if reason is None:
            await end_call(rig.services, viewer, call.id)
            events = await seen(rig, call)
        assert isinstance(events[-1], CallEnded)
        assert events[-1].reason is (reason or R.ENDED_BY_API)


async def test_a_call_that_is_ended_while_it_rings_is_canceled_at_once(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with line(settings, viewer, sip.livekit, RINGS_FOREVER) as rig:
        call = await rig.dial()
        phone_call = await rig.phone.next_call()
        await seen(rig, call, StateChanged, 4)
        await end_call(rig.services, viewer, call.id)
        assert (await phone_call.until_ended()).by is Side.REMOTE
        await seen(rig, call)
        ended = await stored(rig, call)
    assert (ended.state, ended.end_reason, ended.blame) == (S.CANCELED, R.CANCELED, "API")
    assert any("CANCEL" in str(message) for message in rig.phone.trace)


async def test_a_number_without_a_usable_trunk_is_not_dialled(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with line(settings, viewer, sip.livekit, has_worker=False) as rig:
        call = await rig.dial()
        async with rig.services.store.transaction(viewer.tenant_id) as work:
            [trunk] = (await work.outbound_trunks.page(Window(1))).items
            disabled = replace(trunk.spec, is_enabled=False)
            await work.outbound_trunks.save(trunk.id, disabled, trunk.revision)
        async with running_worker(rig.settings):
            events = await seen(rig, call)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].reason is R.DIAL_NOT_ALLOWED
    assert (dials(events), invites(rig.phone)) == (0, 0)


async def test_without_livekit_sip_the_outage_is_ours(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with running_sip_emulator(livekit) as emulator:
        await emulator.kill()
        async with line(settings, viewer, emulator.server.livekit) as rig:
            ended = await ended_call(rig)
    assert (ended.state, ended.end_reason, ended.blame) == (
        S.FAILED,
        R.TELEPHONY_UNAVAILABLE,
        "PLATFORM",
    )


async def test_a_call_ends_once_when_livekit_sip_is_killed_in_it(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with (
        running_sip_emulator(livekit) as emulator,
        line(settings, viewer, emulator.server.livekit) as rig,
    ):
        call = await rig.dial()
        await seen(rig, call, AgentTurn)
        await emulator.kill()
        events = await seen(rig, call)
    ended = [event for event in events if isinstance(event, CallEnded)]
    assert [event.reason for event in ended] in ([R.LINE_LOST], [R.TELEPHONY_UNAVAILABLE])
    assert dials(events) == 1


async def test_a_call_ends_once_when_livekit_sip_is_killed_while_the_phone_rings(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with (
        running_sip_emulator(livekit) as emulator,
        line(settings, viewer, emulator.server.livekit, RINGS_FOREVER) as rig,
    ):
        call = await rig.dial()
        await rig.phone.next_call()
        await seen(rig, call, StateChanged, 4)
        await emulator.kill()
        events = await seen(rig, call)
    ended = [event for event in events if isinstance(event, CallEnded)]
    assert [event.reason for event in ended] == [R.TELEPHONY_UNAVAILABLE]
    assert (dials(events), invites(rig.phone)) == (1, 1)


async def test_a_dead_phone_is_noticed(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with line(settings, viewer, sip.livekit) as rig:
        call = await rig.dial()
        await seen(rig, call, AgentTurn)
        rig.phone.die()
        events = await seen(rig, call)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].reason is R.LINE_LOST


async def test_the_time_on_the_telephone_costs_what_the_trunk_costs(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    price = Price(kind=ProviderKind.TRUNK, provider="carrier", model="US", minute=60_000_000)
    async with line(settings, viewer, sip.livekit) as rig:
        await update_settings(rig.services, viewer, 0, {"prices": (price,)})
        call = await rig.dial()
        await seen(rig, call, AgentTurn)
        await end_call(rig.services, viewer, call.id)
        events = await seen(rig, call)
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    used = [
        usage
        for event in events
        if isinstance(event, UsageMeasured)
        for usage in event.usage
        if usage.kind is ProviderKind.TRUNK
    ]
    total_ms = sum(usage.audio_ms for usage in used)
    assert {(usage.provider, usage.model) for usage in used} == {("carrier", "US")}
    assert 0 < total_ms <= ended.duration_ms + 1_000
    assert sum(usage.cost or 0 for usage in used) == total_ms * 1_000


async def test_the_terminal_shows_a_call_to_a_phone(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with (
        line(settings, viewer, sip.livekit) as rig,
        running_api(rig.services, settings, viewer, build_schema_with_loaders) as api,
    ):
        shown = io.StringIO()
        session = PhoneTalkSession(
            StudioClient(api.url, api.key), TerminalOutput(shown, voice=True), CALLEE_NUMBER
        )
        talk = asyncio.create_task(session.run("clinic", iterate_lines([])))
        phone_call = await rig.phone.next_call()
        await until(lambda: "Sunrise Clinic" in shown.getvalue())
        await phone_call.hang_up()
        async with asyncio.timeout(60):
            ended = await talk
        assert (ended["state"], ended["reason"]) == ("COMPLETED", "HUNG_UP_BY_USER")
        rig.phone.answer = BUSY
        busy = io.StringIO()
        session = PhoneTalkSession(
            StudioClient(api.url, api.key), TerminalOutput(busy, voice=True), CALLEE_NUMBER
        )
        async with asyncio.timeout(60):
            ended = await session.run("clinic", iterate_lines([]))
    assert ended["reason"] == "BUSY"
    assert f"dialling {CALLEE_NUMBER} over carrier" in busy.getvalue()
    assert "not reached: busy (SIP 486)" in busy.getvalue()


# ---- several workers -----------------------------------------------------------------------


async def test_another_worker_takes_a_ringing_call_over_without_dialling_again(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    voice = WordTones()
    async with line(
        settings,
        viewer,
        sip.livekit,
        RINGS_FOREVER,
        reception=GREETER,
        voice=voice,
        has_worker=False,
    ) as rig:
        call = await rig.dial()
        async with running_worker(rig.settings):
            phone_call = await rig.phone.next_call()
            await seen(rig, call, StateChanged, 4)
        async with running_worker(rig.settings):
            phone_call.pick_up()
            await seen(rig, call, AgentTurn)
            await until(lambda: len(heard_words(rig.phone, voice)) >= len(words_of(GREETING)))
            await end_call(rig.services, viewer, call.id)
            events = await seen(rig, call)
    assert (dials(events), invites(rig.phone)) == (1, 1)
    assert heard_words(rig.phone, voice) == words_of(GREETING)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].reason is R.ENDED_BY_API
