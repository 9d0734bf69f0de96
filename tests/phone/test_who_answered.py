"""Outbound calls to a softphone, over SIP and RTP: a person, a mailbox, a screener or a voice menu
answers. The words come from the emulated STT; the tones are in the audio."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np
import pytest

from bench.answering import HANGS_UP, PARTS
from bench.harness.answering.corpus import read_greetings
from bench.harness.answering.sounds import to_pcm
from bench.harness.answering.voices import espeak, hear_greeting
from domain.calls.events import (
    AgentTurn,
    AnsweredBy,
    CallAnswered,
    CallEnded,
    CallEvent,
    DtmfSent,
    MessageLeft,
    NodeEntered,
    ScreenerAnswered,
    UserTurn,
)
from domain.calls.model import Call, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import end_call, start_call
from domain.workflows.agents import AgentSpec
from domain.workflows.answering import (
    AnswerEvidence,
    AnsweringOverride,
    AnsweringParty,
    AnsweringSettings,
    IvrAction,
    ScreenerAction,
    VoicemailAction,
)
from local.emulators.audio import synthetic_speech
from local.emulators.speech import SpeechEmulator
from local.phone.g711 import RATE, Samples
from local.phone.media import Media
from local.phone.phone import open_phone
from local.phone.phone_call import PhoneCall
from local.phone.tones import sine
from tests.phone.conftest import SipContract
from tests.support.demo_workflow import CLINIC, RECEPTION
from tests.support.outbound_calls import CALLEE_NUMBER, add_trunk, dial_request, speaking_clinic
from tests.worker.test_text_calls import running_worker, watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

MAILBOX_WORDS = "you have reached the voicemail of Kim please leave a message after the tone"
SCREENER_WORDS = "please say your name and why you are calling"
MENU_WORDS = "for sales press one for billing press two"
NO_WORDS = ""
"""The transcript of a tone."""
MESSAGE = "This is the clinic for {{user.name}}. Please call us back."
SPOKEN_MESSAGE = "This is the clinic for Kim. Please call us back."
INTRODUCTION = "This is Ada from the clinic about an appointment."
LEAVES_MESSAGES = AnsweringSettings(voicemail=VoicemailAction.LEAVE_MESSAGE, message=MESSAGE)
NAVIGATES = AnsweringSettings(ivr=IvrAction.NAVIGATE, goal="billing")
assert RECEPTION.llm is not None
OPERATES_MENUS = replace(
    RECEPTION,
    llm=replace(
        RECEPTION.llm,
        options={"rules": [{"hears": ["goal"], "says": '{"press": "2"}'}, {"says": "Go on."}]},
    ),
)


def speech(seconds: float) -> Samples:
    return np.frombuffer(synthetic_speech(seconds, RATE), np.int16)


def pause(seconds: float) -> Samples:
    return np.zeros(round(RATE * seconds), np.int16)


@dataclass(frozen=True)
class Answered:
    """A call that the softphone has answered."""

    services: Services
    viewer: Viewer
    call: Call
    phone: PhoneCall
    stt: SpeechEmulator

    @property
    def media(self) -> Media:
        return self.phone.media

    def say(self, words: str, *audio: Samples) -> None:
        """Play the audio, of which the speech is transcribed as these words."""
        self.stt.utterances.append(words)
        self.media.queue(np.concatenate((*audio, pause(0))))

    async def watch(self, until: type, count: int = 1) -> list[CallEvent]:
        return await watch(self.services, self.viewer, self.call.id, until, count)

    async def end(self) -> None:
        await end_call(self.services, self.viewer, self.call.id)


@asynccontextmanager
async def answered(
    settings: Settings,
    viewer: Viewer,
    sip: SipContract,
    answering: AnsweringSettings,
    reception: AgentSpec = RECEPTION,
    override: AnsweringOverride | None = None,
) -> AsyncIterator[Answered]:
    workflow = replace(CLINIC, answering=answering)
    async with (
        open_phone(CALLEE_NUMBER) as phone,
        speaking_clinic(settings, viewer, sip.livekit, reception=reception, workflow=workflow) as (
            services,
            voiced,
            stt,
        ),
        running_worker(voiced),
    ):
        await add_trunk(services, viewer, phone.host_and_port)
        request = replace(dial_request(answering=override), user_context={"name": "Kim"})
        call = await start_call(services, viewer, request)
        yield Answered(services, viewer, call, await phone.next_call(), stt)


def said(events: list[CallEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, AgentTurn)]


def verdicts(events: list[CallEvent]) -> list[AnsweringParty]:
    return [event.by for event in events if isinstance(event, AnsweredBy)]


async def test_a_person_who_says_hello_is_greeted(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with answered(settings, viewer, sip, LEAVES_MESSAGES) as call:
        await call.watch(CallAnswered)
        call.say("Hello?", speech(0.6), pause(1))
        seen = await call.watch(AgentTurn)
        assert verdicts(seen) == [AnsweringParty.PERSON]
        assert [event.text for event in seen if isinstance(event, UserTurn)] == ["Hello?"]
        assert said(seen) == [RECEPTION.prompt.greeting]
        kinds = [type(event) for event in seen]
        order = [CallAnswered, AnsweredBy, UserTurn, NodeEntered, AgentTurn]
        assert [kind for kind in kinds if kind in order] == order
        await call.end()


async def test_silence_is_greeted(settings: Settings, viewer: Viewer, sip: SipContract) -> None:
    async with answered(settings, viewer, sip, LEAVES_MESSAGES) as call:
        seen = await call.watch(AgentTurn)
        [verdict] = [event for event in seen if isinstance(event, AnsweredBy)]
        assert (verdict.by, verdict.evidence) == (AnsweringParty.UNSURE, (AnswerEvidence.SILENCE,))
        assert said(seen) == [RECEPTION.prompt.greeting]
        await call.end()


async def test_a_mailbox_gets_the_message_after_its_tone(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with answered(settings, viewer, sip, LEAVES_MESSAGES) as call:
        await call.watch(CallAnswered)
        call.say(MAILBOX_WORDS, speech(3), pause(0.8))
        call.say(NO_WORDS, sine(1_000, 0.4), pause(1))
        seen = await call.watch(CallEnded)
        await call.phone.until_ended()
        assert " ".join(call.stt.spoken_texts) == SPOKEN_MESSAGE
    assert set(verdicts(seen)) == {AnsweringParty.VOICEMAIL}
    [left] = [event for event in seen if isinstance(event, MessageLeft)]
    assert (left.text, left.tone_heard) == (SPOKEN_MESSAGE, True)
    ended = seen[-1]
    assert isinstance(ended, CallEnded)
    assert ended.reason is EndReason.MESSAGE_LEFT
    assert [event for event in seen if isinstance(event, UserTurn | NodeEntered)] == []


async def test_a_mailbox_is_hung_up_on_after_its_tone(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    # The workflow would talk to it; this call does otherwise.
    hangs_up = AnsweringOverride(voicemail=VoicemailAction.HANG_UP)
    async with answered(settings, viewer, sip, AnsweringSettings(), override=hangs_up) as call:
        await call.watch(CallAnswered)
        call.say(MAILBOX_WORDS, speech(3), pause(0.8))
        call.say(NO_WORDS, sine(1_000, 0.4), pause(1))
        seen = await call.watch(CallEnded)
        async with call.services.store.transaction(viewer.tenant_id) as work:
            stored = await work.calls.get(call.call.id)
        assert call.stt.spoken_texts == []
    ended = seen[-1]
    assert isinstance(ended, CallEnded)
    assert ended.reason is EndReason.VOICEMAIL
    assert stored is not None
    assert stored.answered_by is AnsweringParty.VOICEMAIL
    [*_, proof] = [event for event in seen if isinstance(event, AnsweredBy)]
    assert proof.evidence == (AnswerEvidence.WORDS, AnswerEvidence.TONE)


async def test_a_screener_is_answered_and_the_person_is_greeted(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    answers = AnsweringSettings(screener=ScreenerAction.ANSWER, introduction=INTRODUCTION)
    async with answered(settings, viewer, sip, answers) as call:
        await call.watch(CallAnswered)
        call.say(SCREENER_WORDS, speech(2), pause(1))
        seen = await call.watch(ScreenerAnswered)
        assert verdicts(seen) == [AnsweringParty.SCREENER]
        call.say("Hello?", speech(0.6), pause(1))
        seen = await call.watch(AgentTurn, 2)
        assert said(seen) == [INTRODUCTION, RECEPTION.prompt.greeting]
        assert verdicts(seen) == [AnsweringParty.SCREENER, AnsweringParty.PERSON]
        assert [event.text for event in seen if isinstance(event, UserTurn)] == ["Hello?"]
        await call.end()


async def test_a_voice_menu_is_operated_until_a_person_answers(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with answered(settings, viewer, sip, NAVIGATES, OPERATES_MENUS) as call:
        await call.watch(CallAnswered)
        call.say(MENU_WORDS, speech(2), pause(1))
        seen = await call.watch(DtmfSent)
        assert verdicts(seen) == [AnsweringParty.IVR]
        assert await call.media.until_digits(1) == "2"
        call.say("billing, how can I help you", speech(1.5), pause(1))
        seen = await call.watch(AgentTurn)
        assert verdicts(seen) == [AnsweringParty.IVR, AnsweringParty.PERSON]
        assert said(seen) == [RECEPTION.prompt.greeting]
        await call.end()


# ---- greetings of the corpus, spoken by espeak-ng ------------------------------------------


CORPUS = {greeting.id: greeting for part in PARTS for greeting in read_greetings(part)}
GREETINGS = ("hi-h-person-2", "de-h-mailbox-2", "en-unreachable-2", "en-fax-1")
"""One of each sound. The whole corpus runs in simulated time: tests/domain/test_answering.py."""


@pytest.mark.parametrize("id", GREETINGS)
async def test_machines_of_the_corpus_are_hung_up_on_and_persons_are_greeted(
    settings: Settings, viewer: Viewer, sip: SipContract, id: str
) -> None:
    program = espeak()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("espeak-ng is needed in CI")
        pytest.skip("GREETINGS ARE NOT PLAYED OVER THE PHONE: apt-get install espeak-ng")
    heard = hear_greeting(CORPUS[id], program)
    assert heard.samples is not None
    async with answered(settings, viewer, sip, HANGS_UP) as call:
        await call.watch(CallAnswered)
        # The emulated STT takes a tone for an utterance, and each part of a text for one.
        call.stt.default_utterances = repeat(NO_WORDS)
        call.say(" ".join(spoken.text for spoken in heard.spoken))
        call.media.queue(np.frombuffer(to_pcm(heard.samples), np.int16))
        if heard.greeting.who is AnsweringParty.PERSON:
            seen = await call.watch(AgentTurn)
            assert said(seen) == [RECEPTION.prompt.greeting]
            await call.end()
        else:
            seen = await call.watch(CallEnded)
            assert verdicts(seen)[-1] is heard.greeting.who
