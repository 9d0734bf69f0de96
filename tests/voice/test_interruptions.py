"""What interrupts an agent in a real room: acknowledgements, noises, demands and sentences of a caller,
under every interruption setting. Each word of the agent is a tone of its own, so that what reached the
caller is known word by word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from domain.calls.events import AgentTurn, CallEnded, CallEvent, TurnMeasured, UserTurn
from domain.calls.model import Call, CallKind
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.workflows.agents import ProviderChoice, Session
from domain.workflows.interruptions import InterruptedBy, Interruption
from local.emulators.llm import LlmEmulator, ScriptedReply, run_llm_emulator
from local.emulators.speech import SpeechEmulator
from local.emulators.voices import WordTones
from local.livekit import LivekitCredentials
from tests.support.demo_workflow import RECEPTION
from tests.support.heard_audio import AudibleWord, HeardAudio, words_of
from tests.support.voice_clients import VoiceCaller, joined_caller, voice_clinic
from tests.voice.test_voice_providers import FLUX, GPT, NOVA, SAARAS, thinking
from tests.worker.test_text_calls import watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

LONG = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar "
    "papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu red green blue yellow "
    "orange purple black white grey brown"
)
BACK_ON = "understood"
HOLE_SECONDS = 1.0
"""A pause between two words that is longer is a hole in what the agent says; words follow each other
within 0.1 s."""


@dataclass
class LongAnswer:
    """A call in which the agent says `LONG`."""

    services: Services
    viewer: Viewer
    call: Call
    caller: VoiceCaller
    heard: HeardAudio
    speech: SpeechEmulator
    model: LlmEmulator

    async def watch(self, until: type, count: int = 1) -> list[CallEvent]:
        return await watch(self.services, self.viewer, self.call.id, until, count)

    async def wait_for_word(self, word: str) -> AudibleWord:
        async with asyncio.timeout(60):
            while True:
                for audible in self.heard.words():
                    if audible.text == word:
                        return audible
                await asyncio.sleep(0.05)

    def longest_hole(self) -> float:
        words = [w for w in self.heard.words() if w.text in words_of(LONG)]
        return max(after.at - before.until for before, after in pairwise(words))

    @property
    def long_words(self) -> list[str]:
        """The words of `LONG` that the caller heard."""
        return [w.text for w in self.heard.words() if w.text in words_of(LONG)]


@asynccontextmanager
async def long_answer(
    settings: Settings,
    viewer: Viewer,
    livekit: LivekitCredentials,
    interruption: Interruption,
    *utterances: str,
    stt: ProviderChoice = NOVA,
) -> AsyncIterator[LongAnswer]:
    """A call in which the caller has asked, and the third word of the answer is audible. The caller
    will be understood as saying the utterances."""
    voice = WordTones()
    reception = replace(RECEPTION, llm=GPT, session=Session(interruption=interruption))
    async with run_llm_emulator() as model:
        model.script = [ScriptedReply(text=LONG), ScriptedReply(text=BACK_ON)]
        async with voice_clinic(
            thinking(settings, model), viewer, livekit, reception, stt=stt, voice=voice
        ) as (services, speech, _):
            speech.utterances = ["what do you have", *utterances]
            call = await start_call(
                services, viewer, CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
            )
            heard = HeardAudio(voice)
            async with joined_caller(services, call, VoiceCaller(heard=heard)) as caller:
                talk = LongAnswer(services, viewer, call, caller, heard, speech, model)
                await caller.speak()
                await talk.wait_for_word("charlie")
                yield talk


async def finished(talk: LongAnswer, turns: int) -> list[CallEvent]:
    """All events of the call, which ends after that many answered turns."""
    await talk.watch(TurnMeasured, turns)
    await end_call(talk.services, talk.viewer, talk.call.id)
    return await talk.watch(CallEnded)


def caller_turns(seen: list[CallEvent]) -> list[str]:
    return [e.text for e in seen if isinstance(e, UserTurn)]


def long_turn(seen: list[CallEvent]) -> AgentTurn:
    [turn] = [e for e in seen if isinstance(e, AgentTurn) and e.text == LONG]
    return turn


@pytest.mark.parametrize("stt", [NOVA, FLUX], ids=["nova-3", "flux"])
async def test_acknowledgements_and_noises_leave_no_gap_and_are_no_turn(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, stt: ProviderChoice
) -> None:
    sounds = {"mhm": 0.3, "okay": 0.45, "uh huh": 0.6, "right yes": 0.7, "": 0.8}
    async with long_answer(settings, viewer, livekit, Interruption(), *sounds, stt=stt) as talk:
        for seconds in sounds.values():
            await talk.caller.speak(seconds)
        seen = await finished(talk, 1)
    assert talk.speech.utterances == []
    assert talk.long_words == words_of(LONG)
    assert talk.longest_hole() < HOLE_SECONDS
    assert caller_turns(seen) == ["what do you have"]
    assert (long_turn(seen).interrupted, long_turn(seen).heard_text) == (False, LONG)
    assert len(talk.model.requests) == 1


@pytest.mark.parametrize("stt", [NOVA, FLUX], ids=["nova-3", "flux"])
async def test_a_demand_stops_the_agent(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, stt: ProviderChoice
) -> None:
    patient = Interruption(min_words=5)
    async with long_answer(settings, viewer, livekit, patient, "stop", stt=stt) as talk:
        asked_at = time.monotonic()
        await talk.caller.speak(0.4)
        seen = await finished(talk, 2)
    last = [w for w in talk.heard.words() if w.text in words_of(LONG)][-1]
    print(f"silent {last.until - asked_at:.2f} s after the caller began to say stop")
    assert len(talk.long_words) < len(words_of(LONG)) / 3
    assert caller_turns(seen) == ["what do you have", "stop"]
    assert long_turn(seen).interrupted
    assert [e.text for e in seen if isinstance(e, AgentTurn)][-1] == BACK_ON


async def test_fewer_words_than_required_do_not_interrupt_and_are_not_added_to_the_next_turn(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    two = Interruption(min_words=2)
    async with long_answer(settings, viewer, livekit, two, "tomorrow", "on Sunday") as talk:
        await talk.caller.speak(0.5)
        await talk.wait_for_word("mike")
        await talk.caller.speak(1.0)
        seen = await finished(talk, 2)
    assert caller_turns(seen) == ["what do you have", "on Sunday"]
    assert long_turn(seen).interrupted
    assert "mike" in talk.long_words
    assert len(talk.long_words) < len(words_of(LONG))


async def test_an_acknowledgement_before_a_question_does_not_hide_the_question(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    said = "okay but when"
    async with long_answer(settings, viewer, livekit, Interruption(), said) as talk:
        await talk.caller.speak(1.2)
        seen = await finished(talk, 2)
    assert caller_turns(seen) == ["what do you have", said]
    assert long_turn(seen).interrupted


async def test_an_agent_that_nothing_interrupts_finishes(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    nothing = Interruption(by=InterruptedBy.NOTHING)
    async with long_answer(settings, viewer, livekit, nothing, "stop at once please") as talk:
        await talk.caller.speak(3.0)
        await talk.wait_for_word("brown")
        seen = await finished(talk, 2)
    assert caller_turns(seen) == ["what do you have", "stop at once please"]
    assert [e.text for e in seen if isinstance(e, AgentTurn)][-1] == BACK_ON
    assert talk.long_words == words_of(LONG)
    assert talk.longest_hole() < HOLE_SECONDS
    assert (long_turn(seen).interrupted, long_turn(seen).heard_text) == (False, LONG)


@pytest.mark.parametrize("stt", [NOVA, SAARAS], ids=["nova-3", "saaras"])
async def test_an_agent_that_pauses_for_sounds_continues_after_a_noise(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, stt: ProviderChoice
) -> None:
    by = InterruptedBy.SOUND if stt is NOVA else InterruptedBy.WORDS
    shortly = Interruption(by=by, resume_after=0.5, min_seconds=0.2)
    async with long_answer(settings, viewer, livekit, shortly, "", stt=stt) as talk:
        await talk.caller.speak(0.8)
        seen = await finished(talk, 1)
    print(f"a hole of {talk.longest_hole():.2f} s")
    # The word in which the agent paused may be in two parts that are too short to be recognised.
    assert [w for w in words_of(LONG) if w in talk.long_words] == talk.long_words
    assert len(talk.long_words) >= len(words_of(LONG)) - 1
    assert talk.longest_hole() > 0.5
    assert caller_turns(seen) == ["what do you have"]
    assert not long_turn(seen).interrupted


async def test_without_resuming_a_noise_ends_what_the_agent_says(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    final = Interruption(by=InterruptedBy.SOUND, resume_after=None)
    async with long_answer(settings, viewer, livekit, final, "") as talk:
        await talk.caller.speak(1.0)
        seen = await talk.watch(AgentTurn, 2)
    assert long_turn(seen).interrupted
    assert len(talk.long_words) < len(words_of(LONG))


async def test_own_phrases_replace_the_built_in_ones(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    own = Interruption(ignore=("carry on",))
    async with long_answer(settings, viewer, livekit, own, "Carry on!", "mhm") as talk:
        await talk.caller.speak(0.6)
        await talk.wait_for_word("mike")
        await talk.caller.speak(0.6)
        seen = await finished(talk, 2)
    assert caller_turns(seen) == ["what do you have", "mhm"]
    assert "mike" in words_of(long_turn(seen).heard_text)


async def test_a_yes_is_a_turn_while_the_agent_is_silent(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with long_answer(settings, viewer, livekit, Interruption(), "yes") as talk:
        await talk.watch(TurnMeasured)
        await talk.caller.speak(0.6)
        seen = await finished(talk, 2)
    assert caller_turns(seen) == ["what do you have", "yes"]
    assert talk.long_words == words_of(LONG)


async def test_a_yes_over_the_last_words_is_a_turn(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with long_answer(settings, viewer, livekit, Interruption(), "yes") as talk:
        await talk.wait_for_word("white")
        await talk.caller.speak(0.4)
        seen = await finished(talk, 2)
    assert caller_turns(seen) == ["what do you have", "yes"]
    assert (long_turn(seen).interrupted, long_turn(seen).heard_text) == (False, LONG)
    assert [e.text for e in seen if isinstance(e, AgentTurn)][-1] == BACK_ON


async def test_each_agent_has_settings_of_its_own(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    """The first agent is not interrupted by anything, and the second by any words."""
    voice = WordTones()
    reception = replace(
        RECEPTION, session=Session(interruption=Interruption(by=InterruptedBy.NOTHING))
    )
    booking = replace(
        RECEPTION,
        name="booking",
        prompt=replace(RECEPTION.prompt, greeting=LONG),
        session=Session(interruption=Interruption()),
    )
    async with voice_clinic(settings, viewer, livekit, reception, booking, voice=voice) as (
        services,
        speech,
        _,
    ):
        speech.utterances = ["I need an appointment", "mhm", "not so fast"]
        call = await start_call(
            services, viewer, CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
        )
        heard = HeardAudio(voice)
        async with joined_caller(services, call, VoiceCaller(heard=heard)) as caller:
            talk = LongAnswer(services, viewer, call, caller, heard, speech, LlmEmulator())
            await caller.speak()
            await talk.wait_for_word("charlie")
            await caller.speak(0.4)
            await talk.wait_for_word("kilo")
            await caller.speak(1.0)
            seen = await talk.watch(UserTurn, 2)
    assert caller_turns(seen) == ["I need an appointment", "not so fast"]
    assert long_turn(seen).interrupted
    assert "kilo" in words_of(long_turn(seen).heard_text)
