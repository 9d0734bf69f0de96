"""Calls on every provider, in a real room: the real plugins, and stand-ins at the wire."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from domain.access import Viewer
from domain.actions.calls import CallRequest, end_call, start_call
from domain.actions.credentials import set_credential
from domain.agents import AgentSpec, ProviderChoice, Session, Voice
from domain.calls import Blame, Call, CallKind, EndReason
from domain.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ErrorRaised,
    ProviderFailedOver,
    ToolFinished,
    TurnMeasured,
    UserTurn,
)
from domain.ports import Services
from domain.settings import Settings
from local.livekit import Access
from tests.clinic import BOOKING as SLOW_BOOKING
from tests.clinic import RECEPTION as SLOW_RECEPTION
from tests.clinic import publish_clinic
from tests.conftest import new_tenant
from tests.emulators.faults import Cut, Refused
from tests.emulators.models import KEY, Fails, Models, Says, models
from tests.emulators.speech import Speech
from tests.people import owner_of
from tests.test_text_calls import watch
from tests.voices import VoiceCaller, in_the_room, voice_clinic, voiced
from worker.text import APOLOGY
from worker.troubles import CANNOT_HEAR, GIVING_UP

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


def quick(agent: AgentSpec) -> AgentSpec:
    """Takes synthetic syllables for finished, as it would what people say."""
    return replace(agent, session=Session(min_endpointing=0.2, max_endpointing=0.4))


def thinking(settings: Settings, thinks: Models) -> Settings:
    return replace(
        settings,
        openai_api_key=KEY,
        openai_base_url=f"{thinks.url}/openai",
        google_api_key=KEY,
        google_base_url=f"{thinks.url}/gemini",
    )


RECEPTION, BOOKING = quick(SLOW_RECEPTION), quick(SLOW_BOOKING)


async def started(services: Services, viewer: Viewer) -> Call:
    request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
    return await start_call(services, viewer, request, 3600)


def retold(seen: list[CallEvent]) -> list[str]:
    return [e.text for e in seen if isinstance(e, UserTurn | AgentTurn)]


_asked_for: set[Any] = set()
_listening = [False]


def _note(event: str, args: tuple[Any, ...]) -> None:
    if _listening[0] and event == "socket.getaddrinfo":
        _asked_for.add(args[0])


sys.addaudithook(_note)


@contextmanager
def hosts_asked_for() -> Iterator[set[Any]]:
    """The names that anybody in this process looks up meanwhile."""
    _asked_for.clear()
    _listening[0] = True
    try:
        yield _asked_for
    finally:
        _listening[0] = False


@pytest.mark.parametrize("name", SETS)
async def test_two_agents_book_an_appointment(
    settings: Settings, viewer: Viewer, livekit: Access, name: str
) -> None:
    ears, voice, model, heard_as = SETS[name]
    agents = with_model(RECEPTION, model), with_model(BOOKING, model)
    async with models() as thinks:
        thinks.script = [
            Says("One moment.", (("transfer_to_booking", {}),)),
            Says("", (("book_appointment", {"slot": "tomorrow at ten"}),)),
            Says("You are booked for tomorrow at ten."),
        ]
        own = thinking(settings, thinks)
        with hosts_asked_for() as hosts:
            clinic = voice_clinic(own, viewer, livekit, *agents, ears=ears, voice=voice)
            async with clinic as (services, heard, _):
                heard.words = ["I need an appointment", "tomorrow at ten"]
                call = await started(services, viewer)
                async with in_the_room(services, call) as caller:
                    await watch(services, viewer, call.id, AgentTurn)
                    await caller.speak(0.6)
                    await watch(services, viewer, call.id, AgentTurn, 3)
                    await caller.quiet()
                    await caller.speak(0.6)
                    await watch(services, viewer, call.id, TurnMeasured, 2)
                    await end_call(services, viewer, call.id)
                    seen = await watch(services, viewer, call.id, CallEnded)
    assert retold(seen) == [
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
    assert heard.ears == 1, "ears are kept over a hand-off"
    assert {key for _, key in heard.keys} == {"stand-in"}
    assert set(thinks.keys) == {KEY}
    assert {key for _, key in thinks.looked} <= {KEY}
    assert {host for host in hosts if host not in LOOPBACK} == set()


async def test_two_tenants_at_once_each_use_their_own_keys(
    settings: Settings, viewer: Viewer, livekit: Access
) -> None:
    other = owner_of(await new_tenant(settings, "other"))
    greet = {viewer: "This is the first one.", other: "This is the other one."}
    async with models() as thinks, voice_clinic(settings, viewer, livekit) as (services, heard, _):
        del thinks
        mine = replace(RECEPTION, prompt=replace(RECEPTION.prompt, greeting=greet[other]))
        await publish_clinic(services, other, voiced(mine, BOOKING))
        for each, name in ((viewer, "first"), (other, "other")):
            for provider in ("deepgram", "cartesia"):
                await set_credential(services, each, provider, f"own-key-of-{name}")
        first, second = await started(services, viewer), await started(services, other)
        async with in_the_room(services, first), in_the_room(services, second):
            for each, call in ((viewer, first), (other, second)):
                await end_call(services, each, call.id)
                await watch(services, each, call.id, CallEnded)
    assert sorted(heard.keys) == sorted(
        (provider, f"own-key-of-{name}")
        for provider in ("deepgram", "cartesia")
        for name in ("first", "other")
    )
    assert heard.by_key == {
        "own-key-of-first": ["Sunrise Clinic, hello."],
        "own-key-of-other": [greet[other]],
    }


async def test_providers_that_fail_in_a_sentence_are_replaced_within_it(
    settings: Settings, viewer: Viewer, livekit: Access
) -> None:
    ears, voice = replace(NOVA, fallbacks=(SAARAS,)), replace(SONIC, fallbacks=(BULBUL,))
    clinic = voice_clinic(settings, viewer, livekit, RECEPTION, ears=ears, voice=voice)
    async with clinic as (services, heard, _):
        heard.words = ["I need an appointment"] * 2
        call = await started(services, viewer)
        async with in_the_room(services, call) as caller:
            heard.faults.orders["deepgram"] = [Cut()]
            heard.faults.orders["cartesia"] = [Cut()]
            await caller.speak(0.6)
            await watch(services, viewer, call.id, AgentTurn, 3)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
    assert retold(seen) == [
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


async def test_the_answer_comes_in_the_language_of_the_caller(
    settings: Settings, viewer: Viewer, livekit: Access
) -> None:
    voices = Voice(language="en-IN", voice="her"), Voice(language="hi-IN", voice="him")
    bilingual = replace(
        RECEPTION, languages=("en-IN", "hi-IN"), default_language="en-IN", voices=voices
    )
    async with voice_clinic(settings, viewer, livekit, bilingual) as (services, heard, _):
        heard.words, heard.languages = ["mujhe kuch poochna hai", "okay"], ["hi", "en"]
        call = await started(services, viewer)
        async with in_the_room(services, call) as caller:
            await caller.speak(0.6)
            await watch(services, viewer, call.id, TurnMeasured)
            await caller.quiet()
            await caller.speak(0.6)
            await watch(services, viewer, call.id, TurnMeasured, 2)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
    assert [e.language for e in seen if isinstance(e, UserTurn)] == ["hi", "en"]
    assert heard.asked[0][1]["language"] == "multi"
    # One word does not tell that the caller went back to English.
    assert heard.voices == [("cartesia", "her", "en"), *[("cartesia", "him", "hi")] * 2]


# ---- when nothing is left ----------------------------------------------------------------------


@asynccontextmanager
async def shortly(
    settings: Settings, viewer: Viewer, livekit: Access, reception: AgentSpec
) -> AsyncIterator[tuple[Services, Speech]]:
    """The clinic, which gives up after two seconds."""
    brief = replace(settings, outage_seconds=2.0)
    async with voice_clinic(brief, viewer, livekit, reception) as (services, heard, _):
        yield services, heard


def gave_up(seen: list[CallEvent], source: str) -> bool:
    ended = seen[-1]
    assert isinstance(ended, CallEnded)
    assert (ended.reason, ended.blame) == (EndReason.PROVIDER_FAILED, Blame.PROVIDER)
    raised = [e.source for e in seen if isinstance(e, ErrorRaised)]
    return len(raised) >= 3 and set(raised) == {source}


async def test_without_ears_the_caller_is_told_and_let_go(
    settings: Settings, viewer: Viewer, livekit: Access
) -> None:
    async with shortly(settings, viewer, livekit, RECEPTION) as (services, heard):
        heard.faults.lasting["deepgram"] = Refused(401)
        call = await started(services, viewer)
        async with in_the_room(services, call) as caller:
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.put_out()
    assert gave_up(seen, "stt")
    assert " ".join(heard.said).count(CANNOT_HEAR) == 1
    assert " ".join(heard.said).endswith(GIVING_UP)


async def test_without_a_voice_the_call_does_not_go_on_in_silence(
    settings: Settings, viewer: Viewer, livekit: Access
) -> None:
    async with shortly(settings, viewer, livekit, RECEPTION) as (services, heard):
        heard.faults.lasting["cartesia"] = Refused(503)
        call, caller = await started(services, viewer), VoiceCaller()
        await caller.join(services, call)
        seen = await watch(services, viewer, call.id, CallEnded)
        await caller.put_out()
        await caller.leave()
    assert gave_up(seen, "tts")
    assert heard.said == []
    assert [e.heard_text for e in seen if isinstance(e, AgentTurn)] == []


async def test_without_a_model_the_caller_hears_apologies_and_is_let_go(
    settings: Settings, viewer: Viewer, livekit: Access
) -> None:
    reception = replace(RECEPTION, llm=GPT)
    async with models() as thinks:
        thinks.script = [Fails(500)]
        own = thinking(settings, thinks)
        async with shortly(own, viewer, livekit, reception) as (services, heard):
            call = await started(services, viewer)
            async with in_the_room(services, call) as caller:
                for turn in range(1, 4):
                    await caller.speak(0.6)
                    await watch(services, viewer, call.id, UserTurn, turn)
                    await caller.hears(time.monotonic())
                    await caller.quiet()
                seen = await watch(services, viewer, call.id, CallEnded)
                await caller.put_out()
    assert gave_up(seen, "llm")
    assert " ".join(heard.said).count(APOLOGY) >= 2
    assert " ".join(heard.said).endswith(GIVING_UP)
