"""Voice calls on every provider in a real room: the real plugins against emulators."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ErrorRaised,
    ProviderFailedOver,
    ToolFinished,
    TurnMeasured,
    UserTurn,
)
from domain.calls.model import Blame, Call, CallKind, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.use_cases.credentials import set_credential
from domain.workflows.agents import AgentSpec, ProviderChoice, Session, Voice
from local.emulators.faults import Disconnect, RejectedConnection
from local.emulators.llm import KEY, FailedReply, LlmEmulator, ScriptedReply, run_llm_emulator
from local.emulators.speech import SpeechEmulator
from local.livekit import LivekitCredentials
from tests.conftest import new_tenant
from tests.support.demo_workflow import BOOKING as SLOW_BOOKING
from tests.support.demo_workflow import RECEPTION as SLOW_RECEPTION
from tests.support.demo_workflow import publish_clinic
from tests.support.spoken_texts import CANNOT_ANSWER, CANNOT_HEAR, TECHNICAL_PROBLEM
from tests.support.viewers import owner_of
from tests.support.voice_clients import VoiceCaller, joined_caller, voice_clinic, with_speech
from tests.worker.test_text_calls import watch

pytestmark = pytest.mark.anyio

NOVA = ProviderChoice(provider="deepgram", model="nova-3")
FLUX = ProviderChoice(provider="deepgram", model="flux-general-en")
SAARAS = ProviderChoice(provider="sarvam", model="saaras:v4")
SONIC = ProviderChoice(provider="cartesia", model="sonic-3")
BULBUL = ProviderChoice(provider="sarvam", model="bulbul:v3")
GPT = ProviderChoice(provider="openai", model="gpt-4.1-mini")
GEMINI = ProviderChoice(provider="google", model="gemini-2.5-flash")
LOOPBACK = ("127.0.0.1", "::1", "localhost", None, "")
SETS = {
    "deepgram, cartesia, openai": (NOVA, SONIC, GPT, ("en-IN", 0.98)),
    "flux, sarvam, google": (FLUX, BULBUL, GEMINI, ("en", 0.9)),
    "sarvam, cartesia, openai": (SAARAS, SONIC, GPT, ("en-IN", 0.97)),
}


def with_model(agent: AgentSpec, model: ProviderChoice) -> AgentSpec:
    return replace(agent, llm=model, default_language="en-IN")


def with_short_endpointing(agent: AgentSpec) -> AgentSpec:
    """An agent that treats synthetic speech as finished, as it would human speech."""
    return replace(agent, session=Session(min_endpointing=0.2, max_endpointing=0.4))


def thinking(settings: Settings, thinks: LlmEmulator) -> Settings:
    return replace(
        settings,
        openai_api_key=KEY,
        openai_base_url=f"{thinks.url}/openai",
        google_api_key=KEY,
        google_base_url=f"{thinks.url}/gemini",
    )


RECEPTION, BOOKING = with_short_endpointing(SLOW_RECEPTION), with_short_endpointing(SLOW_BOOKING)


async def started(services: Services, viewer: Viewer) -> Call:
    request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
    return await start_call(services, viewer, request)


def summary_lines(seen: list[CallEvent]) -> list[str]:
    return [e.text for e in seen if isinstance(e, UserTurn | AgentTurn)]


_asked_for: set[Any] = set()
_listening = [False]


def _note(event: str, args: tuple[Any, ...]) -> None:
    if _listening[0] and event == "socket.getaddrinfo":
        _asked_for.add(args[0])


sys.addaudithook(_note)


@contextmanager
def hosts_asked_for() -> Iterator[set[Any]]:
    """The host names that this process resolves meanwhile."""
    _asked_for.clear()
    _listening[0] = True
    try:
        yield _asked_for
    finally:
        _listening[0] = False


@pytest.mark.parametrize("name", SETS)
async def test_two_agents_book_an_appointment(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, name: str
) -> None:
    stt, voice, model, heard_as = SETS[name]
    agents = with_model(RECEPTION, model), with_model(BOOKING, model)
    async with run_llm_emulator() as thinks:
        thinks.script = [
            ScriptedReply("One moment.", (("transfer_to_booking", {}),)),
            ScriptedReply("", (("book_appointment", {"slot": "tomorrow at ten"}),)),
            ScriptedReply("You are booked for tomorrow at ten."),
        ]
        own = thinking(settings, thinks)
        with hosts_asked_for() as hosts:
            clinic = voice_clinic(own, viewer, livekit, *agents, stt=stt, tts=voice)
            async with clinic as (services, heard, _):
                heard.utterances = ["I need an appointment", "tomorrow at ten"]
                call = await started(services, viewer)
                async with joined_caller(services, call) as caller:
                    await watch(services, viewer, call.id, AgentTurn)
                    await caller.speak(0.6)
                    await watch(services, viewer, call.id, AgentTurn, 3)
                    await caller.wait_for_silence()
                    await caller.speak(0.6)
                    await watch(services, viewer, call.id, TurnMeasured, 2)
                    await end_call(services, viewer, call.id)
                    seen = await watch(services, viewer, call.id, CallEnded)
    assert summary_lines(seen) == [
        "Sunrise Clinic, hello.",
        "I need an appointment",
        "One moment.",
        "Booking here. When suits you?",
        "tomorrow at ten",
        "You are booked for tomorrow at ten.",
    ]
    [used] = [e for e in seen if isinstance(e, ToolFinished)]
    assert used.result == "Booked for tomorrow at ten."
    turns = [e for e in seen if isinstance(e, UserTurn)]
    assert [(e.language, round(e.confidence or 0, 2)) for e in turns] == [heard_as] * 2
    assert heard.stt_connections == 1, "the STT connection survives a hand-off"
    assert {key for _, key in heard.keys} == {"emulator"}
    assert set(thinks.keys) == {KEY}
    assert {key for _, key in thinks.model_list_requests} <= {KEY}
    assert {host for host in hosts if host not in LOOPBACK} == set()


async def test_two_tenants_at_once_each_use_their_own_keys(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    other = owner_of(await new_tenant(settings, "other"))
    greet = {viewer: "This is the first one.", other: "This is the other one."}
    async with (
        run_llm_emulator() as thinks,
        voice_clinic(settings, viewer, livekit) as (services, heard, _),
    ):
        del thinks
        mine = replace(RECEPTION, prompt=replace(RECEPTION.prompt, greeting=greet[other]))
        await publish_clinic(services, other, with_speech(mine, BOOKING))
        for each, name in ((viewer, "first"), (other, "other")):
            for provider in ("deepgram", "cartesia"):
                await set_credential(services, each, provider, f"own-key-of-{name}")
        first, second = await started(services, viewer), await started(services, other)
        async with joined_caller(services, first), joined_caller(services, second):
            for each, call in ((viewer, first), (other, second)):
                await end_call(services, each, call.id)
                await watch(services, each, call.id, CallEnded)
    assert sorted(heard.keys) == sorted(
        (provider, f"own-key-of-{name}")
        for provider in ("deepgram", "cartesia")
        for name in ("first", "other")
    )
    assert heard.spoken_by_key == {
        "own-key-of-first": ["Sunrise Clinic, hello."],
        "own-key-of-other": [greet[other]],
    }


async def test_providers_that_fail_within_a_sentence_are_replaced_within_it(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    stt, voice = replace(NOVA, fallbacks=(SAARAS,)), replace(SONIC, fallbacks=(BULBUL,))
    clinic = voice_clinic(settings, viewer, livekit, RECEPTION, stt=stt, tts=voice)
    async with clinic as (services, heard, _):
        heard.utterances = ["I need an appointment"] * 2
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            heard.faults.scheduled["deepgram"] = [Disconnect()]
            heard.faults.scheduled["cartesia"] = [Disconnect()]
            await caller.speak(0.6)
            await watch(services, viewer, call.id, AgentTurn, 3)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
    assert summary_lines(seen) == [
        "Sunrise Clinic, hello.",
        "I need an appointment",
        "One moment.",
        "Booking here. When suits you?",
    ]
    changes = [e for e in seen if isinstance(e, ProviderFailedOver)]
    assert [(e.provider_kind.value, e.provider, e.available) for e in changes] == [
        ("STT", "deepgram", False),
        ("TTS", "cartesia", False),
    ]
    assert not [e for e in seen if isinstance(e, ErrorRaised)]


async def test_replies_follow_the_language_of_the_caller(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    voices = Voice(language="en-IN", voice="her"), Voice(language="hi-IN", voice="him")
    bilingual = replace(
        RECEPTION, languages=("en-IN", "hi-IN"), default_language="en-IN", voices=voices
    )
    async with voice_clinic(settings, viewer, livekit, bilingual) as (services, heard, _):
        heard.utterances, heard.languages = ["mujhe kuch poochna hai", "okay"], ["hi", "en"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await caller.speak(0.6)
            await watch(services, viewer, call.id, TurnMeasured)
            await caller.wait_for_silence()
            await caller.speak(0.6)
            await watch(services, viewer, call.id, TurnMeasured, 2)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
    assert [e.language for e in seen if isinstance(e, UserTurn)] == ["hi", "en"]
    assert heard.connection_options[0][1]["language"] == "multi"
    # One word does not mean that the caller has switched back to English.
    assert heard.used_voices == [("cartesia", "her", "en"), *[("cartesia", "him", "hi")] * 2]


# ---- without working providers -----------------------------------------------------------------------


@asynccontextmanager
async def clinic_with_short_outage(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, reception: AgentSpec
) -> AsyncIterator[tuple[Services, SpeechEmulator]]:
    """The clinic, whose calls end after two seconds of failures."""
    brief = replace(settings, outage_seconds=2.0)
    async with voice_clinic(brief, viewer, livekit, reception) as (services, heard, _):
        yield services, heard


def gave_up(seen: list[CallEvent], source: str) -> bool:
    ended = seen[-1]
    assert isinstance(ended, CallEnded)
    assert (ended.reason, ended.blame) == (EndReason.PROVIDER_FAILED, Blame.PROVIDER)
    raised = [e.source for e in seen if isinstance(e, ErrorRaised)]
    return len(raised) >= 3 and set(raised) == {source}


async def test_without_stt_the_caller_is_informed_and_the_call_ends(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with clinic_with_short_outage(settings, viewer, livekit, RECEPTION) as (services, heard):
        heard.faults.persistent["deepgram"] = RejectedConnection(401)
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
    assert gave_up(seen, "stt")
    assert " ".join(heard.spoken_texts).count(CANNOT_HEAR) == 1
    assert " ".join(heard.spoken_texts).endswith(TECHNICAL_PROBLEM)


async def test_without_tts_the_call_does_not_continue_in_silence(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with clinic_with_short_outage(settings, viewer, livekit, RECEPTION) as (services, heard):
        heard.faults.persistent["cartesia"] = RejectedConnection(503)
        call, caller = await started(services, viewer), VoiceCaller()
        await caller.join(services, call)
        seen = await watch(services, viewer, call.id, CallEnded)
        await caller.wait_disconnected()
        await caller.leave()
    assert gave_up(seen, "tts")
    assert heard.spoken_texts == []
    assert [e.heard_text for e in seen if isinstance(e, AgentTurn)] == []


async def test_without_a_model_the_agent_apologises_and_the_call_ends(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    reception = replace(RECEPTION, llm=GPT)
    async with run_llm_emulator() as thinks:
        thinks.script = [FailedReply(500)]
        own = thinking(settings, thinks)
        async with clinic_with_short_outage(own, viewer, livekit, reception) as (services, heard):
            call = await started(services, viewer)
            async with joined_caller(services, call) as caller:
                for turn in range(1, 4):
                    await caller.speak(0.6)
                    await watch(services, viewer, call.id, UserTurn, turn)
                    await caller.wait_for_audio(time.monotonic())
                    await caller.wait_for_silence()
                seen = await watch(services, viewer, call.id, CallEnded)
                await caller.wait_disconnected()
    assert gave_up(seen, "llm")
    assert " ".join(heard.spoken_texts).count(CANNOT_ANSWER) >= 2
    assert " ".join(heard.spoken_texts).endswith(TECHNICAL_PROBLEM)
