"""What a caller says while no agent can be interrupted is heard and gets a reply: during a hand-off, in a
greeting that must be heard, and while a worker hands its calls over."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import repeat

import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    TurnMeasured,
    UserTurn,
    WorkerLeft,
)
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.use_cases.calls import end_call
from local.emulators.speech import run_speech_emulator
from local.emulators.voices import WordTones
from local.livekit import LivekitCredentials
from persistence.wiring import api_services
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.support.heard_audio import HeardAudio, words_of
from tests.support.spoken_texts import CONNECTION_DROPPED
from tests.support.voice_clients import (
    VoiceCaller,
    joined_caller,
    voice_clinic,
    with_speech,
    with_voice_providers,
)
from tests.voice.test_heard_text import LONG, answering, heard_since
from tests.voice.test_voice_calls import started
from tests.worker.test_text_calls import running_worker, watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

HANDING_OFF = "One moment please, I am putting you through right now"
NAME = "my name is Bob Miller"
assert RECEPTION.llm is not None
assert BOOKING.llm is not None
PUTTING_THROUGH = replace(
    RECEPTION,
    llm=replace(
        RECEPTION.llm,
        options={"rules": [{"says": HANDING_OFF, "calls": {"tool": "transfer_to_booking"}}]},
    ),
)
WELCOMING = replace(
    BOOKING,
    llm=replace(
        BOOKING.llm,
        options={"rules": [{"hears": ["Bob"], "says": "Hello Bob."}, {"says": "Who is it?"}]},
    ),
)


def turns(seen: list[CallEvent]) -> list[str]:
    return [e.text for e in seen if isinstance(e, UserTurn | AgentTurn)]


@pytest.mark.parametrize("offset", [0.3, 1.2, 1.8, 2.4])
async def test_what_is_said_during_a_hand_off_reaches_the_next_agent(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, offset: float
) -> None:
    voice = WordTones()
    async with voice_clinic(settings, viewer, livekit, PUTTING_THROUGH, WELCOMING, voice=voice) as (
        services,
        speech,
        _,
    ):
        speech.utterances = ["I need an appointment", NAME]
        # Audio that arrives late on a busy machine makes two utterances of one.
        speech.default_utterances = repeat("")
        call = await started(services, viewer)
        heard = HeardAudio(voice)
        async with joined_caller(services, call, VoiceCaller(heard=heard)) as caller:
            asked = time.monotonic()
            await caller.speak()
            await heard_since(heard, asked)
            await asyncio.sleep(offset)
            await caller.speak(1.5)
            seen = await watch(services, viewer, call.id, AgentTurn, 4)
            await caller.wait_for_silence()
    assert turns(seen) == [
        "Sunrise Clinic, hello.",
        "I need an appointment",
        HANDING_OFF,
        "Booking here. When suits you?",
        NAME,
        "Hello Bob.",
    ]
    assert not any(e.interrupted for e in seen if isinstance(e, AgentTurn))
    assert words_of("Booking here. When suits you? Hello Bob.") == heard.text().split()[-7:]


@pytest.mark.parametrize("offset", [1.2, 4.0])
async def test_what_is_said_in_a_greeting_that_cannot_be_interrupted_gets_a_reply(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, offset: float
) -> None:
    voice = WordTones()
    greeting = "Welcome to the clinic, this call is recorded, how may I help you today?"
    agent = answering("Gladly.", greeting)
    agent = replace(agent, prompt=replace(agent.prompt, interruptible_greeting=False))
    async with voice_clinic(settings, viewer, livekit, agent, voice=voice) as (services, speech, _):
        speech.utterances = ["I need an appointment"]
        call = await started(services, viewer)
        heard = HeardAudio(voice)
        caller = VoiceCaller(heard=heard)
        try:
            await caller.join(services, call)
            await heard_since(heard, 0.0)
            await asyncio.sleep(offset)
            await caller.speak(1.5)
            seen = await watch(services, viewer, call.id, AgentTurn, 2)
            await caller.wait_for_silence()
        finally:
            await caller.leave()
    assert turns(seen) == [greeting, "I need an appointment", "Gladly."]
    assert words_of(f"{greeting} Gladly.") == heard.text().split()


async def test_a_caller_who_speaks_when_a_worker_stops_is_answered_first(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with AsyncExitStack() as stack:
        speech = await stack.enter_async_context(run_speech_emulator())
        voiced = with_voice_providers(settings, livekit, speech)
        services = await stack.enter_async_context(api_services(voiced))
        await publish_clinic(services, viewer, with_speech(answering(LONG), BOOKING))
        speech.utterances = ["what are your hours", "where are you"]
        async with running_worker(voiced):
            call = await started(services, viewer)
            caller = await stack.enter_async_context(joined_caller(services, call))
            await watch(services, viewer, call.id, AgentTurn)
            await stack.enter_async_context(running_worker(voiced))
            speaking = asyncio.create_task(caller.speak(2.0))
            await asyncio.sleep(1.0)
        await speaking
        await watch(services, viewer, call.id, WorkerLeft)
        await caller.wait_for_silence()
        await caller.speak()
        await watch(services, viewer, call.id, TurnMeasured, 2)
        await end_call(services, viewer, call.id)
        seen = await watch(services, viewer, call.id, CallEnded)
    told = [type(e) for e in seen if isinstance(e, UserTurn | AgentTurn | WorkerLeft)]
    assert told == [AgentTurn, UserTurn, AgentTurn, WorkerLeft, UserTurn, AgentTurn]
    assert turns(seen)[1:] == [
        "what are your hours",
        LONG,
        "where are you",
        "Opposite the station.",
    ]
    assert CONNECTION_DROPPED not in speech.spoken_texts
