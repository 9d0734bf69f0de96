"""The log has what the caller heard, to a word, whatever cuts an answer off.

The voice says each word as a tone of its own, so what reached the caller is decoded word by word."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from domain.calls.events import (
    AgentTurn,
    CallerPresent,
    CallEvent,
    PartialTranscript,
    Speaker,
    TurnMeasured,
)
from domain.calls.model import Call
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services
from domain.workflows.agents import AgentSpec, ProviderChoice
from local import livekit as livekit_server
from local import livekit_binary
from local.emulators.faults import Disconnect
from local.emulators.speech import SpeechEmulator
from local.emulators.voices import WordTones
from local.livekit import LivekitCredentials, LivekitServers
from tests.support.caller_process import CallerProcess, caller_process
from tests.support.demo_workflow import RECEPTION
from tests.support.heard_audio import HeardAudio, words_of
from tests.support.spoken_texts import CONNECTION_DROPPED
from tests.support.voice_clients import VoiceCaller, joined_caller, voice_clinic
from tests.voice.test_voice_calls import started
from tests.worker.test_text_calls import watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

LONG = (
    "Certainly, we are open from Monday to Friday between eight in the morning and six at night, "
    "on Saturday from nine until noon, but never during Sunday or a public holiday, unless you "
    "call ahead and ask for our doctor."
)
BARGE_IN_SECONDS = 1.0
"""By then an agent that is interrupted has fallen silent, and has not started its next answer."""


def answering(text: str, greeting: str = "Hello there.") -> AgentSpec:
    """An agent that gives the text in answer to everything but "where"."""
    assert RECEPTION.llm is not None
    rules = [{"hears": ["where"], "says": "Opposite the station."}, {"says": text}]
    return replace(
        RECEPTION,
        prompt=replace(RECEPTION.prompt, greeting=greeting),
        llm=replace(RECEPTION.llm, options={"rules": rules}),
    )


def agent_turns(seen: list[CallEvent]) -> list[AgentTurn]:
    return [event for event in seen if isinstance(event, AgentTurn)]


def said_of(text: str, heard: list[str]) -> int:
    """How many words of the text were heard, in order, before something else was said."""
    expected, count = words_of(text), 0
    for word in heard:
        if word not in expected:
            if count:
                break
            continue
        del expected[: expected.index(word) + 1]
        count += 1
    return count


def check_heard(turn: AgentTurn, heard: list[str]) -> None:
    """The turn says what was heard of it, to a word."""
    assert words_of(turn.text)[: len(words_of(turn.heard_text))] == words_of(turn.heard_text)
    log, caller = len(words_of(turn.heard_text)), said_of(turn.text, heard)
    print(f"log {log}, caller {caller} of {len(words_of(turn.text))} words")
    assert abs(log - caller) <= 1, (turn.heard_text, heard)


async def test_ten_barge_ins(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    voice = WordTones()
    offsets = (0.2, 0.5, 0.8, 1.2, 1.6, 2.1, 2.7, 3.4, 4.2, 5.0)
    async with voice_clinic(settings, viewer, livekit, answering(LONG), voice=voice) as (
        services,
        speech,
        _,
    ):
        speech.utterances = [f"what are your hours number {n}" for n in range(len(offsets))]
        speech.utterances.append("where are you")
        call = await started(services, viewer)
        heard = HeardAudio(voice)
        caller = VoiceCaller(heard=heard)
        asked = [time.monotonic()]
        try:
            await caller.join(services, call)
            await watch(services, viewer, call.id, AgentTurn)
            await caller.wait_for_silence()
            for offset in offsets:
                asked.append(time.monotonic())
                await caller.speak()
                await heard_since(heard, asked[-1])
                await asyncio.sleep(offset)
            asked.append(time.monotonic())
            await caller.speak()
            seen = await watch(services, viewer, call.id, TurnMeasured, len(offsets) + 1)
        finally:
            await caller.leave()
    turns = agent_turns(seen)
    assert [turn.text for turn in turns] == ["Hello there.", *[LONG] * len(offsets)] + [
        "Opposite the station."
    ]
    assert [turn.interrupted for turn in turns] == [False, *[True] * len(offsets), False]
    for n, turn in enumerate(turns[1:-1], start=1):
        since, until = asked[n] + BARGE_IN_SECONDS, asked[n + 1] + BARGE_IN_SECONDS
        check_heard(turn, [word.text for word in heard.words(since) if word.at < until])


async def test_a_greeting_that_is_cut_off_at_its_start(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    voice = WordTones()
    agent = answering("Gladly.", greeting=LONG)
    async with voice_clinic(settings, viewer, livekit, agent, voice=voice) as (services, _, _):
        for offset in (0.0, 0.3):
            call = await started(services, viewer)
            heard = HeardAudio(voice)
            caller = VoiceCaller(heard=heard)
            try:
                await caller.join(services, call)
                await heard_since(heard, 0.0)
                await asyncio.sleep(offset)
                await caller.speak(2.0)
                [turn] = agent_turns(await watch(services, viewer, call.id, AgentTurn))
                await caller.wait_for_silence()
            finally:
                await caller.leave()
            assert (turn.text, turn.interrupted) == (LONG, True)
            check_heard(turn, heard.text().split())


async def test_a_voice_that_breaks_off_was_heard_until_then(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    voice = WordTones()
    async with voice_clinic(settings, viewer, livekit, answering(LONG), voice=voice) as (
        services,
        speech,
        _,
    ):
        speech.utterances = ["what are your hours"]
        call = await started(services, viewer)
        heard = HeardAudio(voice)
        async with joined_caller(services, call, VoiceCaller(heard=heard)) as caller:
            speech.faults.scheduled["cartesia"] = [Disconnect(), Disconnect()]
            since = time.monotonic()
            await caller.speak()
            turn = agent_turns(await watch(services, viewer, call.id, AgentTurn, 2))[-1]
            await caller.wait_for_silence()
    assert turn.interrupted
    check_heard(turn, [word.text for word in heard.words(since)])


async def test_a_voice_without_timestamps_was_heard_until_it_was_cut_off(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    voice = WordTones()
    sarvam = ProviderChoice(provider="sarvam", model="bulbul:v3")
    async with voice_clinic(
        settings, viewer, livekit, answering(LONG), tts=sarvam, voice=voice
    ) as (services, speech, _):
        speech.utterances = ["what are your hours", "where are you"]
        call = await started(services, viewer)
        heard = HeardAudio(voice)
        async with joined_caller(services, call, VoiceCaller(heard=heard)) as caller:
            since = time.monotonic()
            await caller.speak()
            await heard_since(heard, since)
            await asyncio.sleep(2.5)
            await caller.speak()
            turns = agent_turns(await watch(services, viewer, call.id, AgentTurn, 3))
    cut = turns[1]
    assert cut.interrupted
    log, words = len(words_of(cut.heard_text)), [word.text for word in heard.words(since)]
    # Without timestamps the time of a word is estimated from its length.
    assert abs(log - said_of(cut.text, words)) <= 3, (cut.heard_text, words)


async def test_what_is_not_spoken_is_not_in_the_log(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    agent = answering("**Bold** words and `code`, see [the map](http://x.y/z) 😀.")
    async with voice_clinic(settings, viewer, livekit, agent) as (services, speech, _):
        speech.utterances = ["what are your hours"]
        call = await started(services, viewer)
        partials: list[str] = []

        async def collect() -> None:
            async for update in services.streams.follow(viewer.tenant_id, call.id, None):
                event = getattr(update, "event", None) or update
                if isinstance(event, PartialTranscript) and event.speaker is Speaker.AGENT:
                    partials.append(event.text)

        async with background_task(collect()), joined_caller(services, call) as caller:
            await caller.speak()
            turn = agent_turns(await watch(services, viewer, call.id, AgentTurn, 2))[-1]
    assert turn.text == turn.heard_text
    assert turn.text.split() == ["Bold", "words", "and", "code,", "see", "the", "map", "."]
    assert partials
    assert not any(mark in text for text in partials for mark in ("*", "`", "http", "😀"))


async def heard_since(heard: HeardAudio, since: float) -> None:
    async with asyncio.timeout(60):
        while not heard.words(since):  # noqa: ASYNC110 - decoded from audio
            await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Line:
    """A caller in a process of their own who has asked, and hears the answer."""

    services: Services
    viewer: Viewer
    call: Call
    speech: SpeechEmulator
    caller: CallerProcess
    asked: float

    async def watch(self, until: type, count: int = 1) -> list[CallEvent]:
        return await watch(self.services, self.viewer, self.call.id, until, count)

    def heard(self, since: float = 0.0) -> list[str]:
        return [word.text for word in self.caller.heard().words(since or self.asked)]


@asynccontextmanager
async def asked(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, folder: Path, words: int
) -> AsyncIterator[Line]:
    """A caller who has heard so many words of the answer."""
    voice = WordTones()
    async with voice_clinic(settings, viewer, livekit, answering(LONG), voice=voice) as (
        services,
        speech,
        _,
    ):
        speech.utterances = ["what are your hours", "where are you"]
        call = await started(services, viewer)
        async with caller_process(services, call, voice, folder) as caller:
            await caller.wait_for_words(2)
            await watch(services, viewer, call.id, AgentTurn)
            line = Line(services, viewer, call, speech, caller, time.monotonic())
            await caller.speak()
            await caller.wait_for_words(words, line.asked)
            yield line


async def returned(line: Line, since: float) -> list[str]:
    """What the caller hears after the return, without having said anything."""
    await line.caller.wait_for_words(len(words_of(CONNECTION_DROPPED)), since)
    return line.heard(since)


@pytest.mark.parametrize("words", [1, 8])
async def test_a_caller_who_leaves_has_heard_no_more(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path, words: int
) -> None:
    async with asked(settings, viewer, livekit, tmp_path, words) as line:
        await line.caller.leave()
        seen = await line.watch(AgentTurn, 2)
        turn = agent_turns(seen)[-1]
        check_heard(turn, line.heard())
        assert turn.interrupted
        async with caller_process(line.services, line.call, line.caller.voice, tmp_path) as back:
            again = replace(line, caller=back)
            assert await returned(again, line.asked) == words_of(CONNECTION_DROPPED)
            last = agent_turns(await line.watch(AgentTurn, 3))[-1]
            assert (last.text, last.heard_text) == (CONNECTION_DROPPED, CONNECTION_DROPPED)
            assert not last.in_history


@pytest.mark.parametrize("seconds", [10, 40])
async def test_a_caller_whose_network_is_gone_has_heard_no_more(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path, seconds: float
) -> None:
    patient = replace(settings, return_seconds=120.0)
    async with asked(patient, viewer, livekit, tmp_path, 8) as line:
        async with line.caller.without_network():
            await asyncio.sleep(seconds)
        thawed = time.monotonic()
        seen = await line.watch(AgentTurn, 2)
        await returned(line, thawed)
        turn = agent_turns(seen)[-1]
        check_heard(turn, line.heard())
        assert turn.interrupted
        seen = await line.watch(CallerPresent, 3)
        assert [e.present for e in seen if isinstance(e, CallerPresent)] == [True, False, True]


@asynccontextmanager
async def own_livekit(folder: Path) -> AsyncIterator[LivekitServers]:
    binary = livekit_binary.find_or_build({}, print)
    async with livekit_server.started(folder, binary) as own:
        yield own


@pytest.mark.parametrize("seconds", [5, 15])
async def test_what_a_frozen_livekit_holds_back_was_not_heard(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path, seconds: float
) -> None:
    async with (
        own_livekit(tmp_path) as own,
        asked(settings, viewer, own.credentials, tmp_path, 8) as line,
    ):
        os.kill(own.server.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(own.server.pid, signal.SIGCONT)
        thawed = time.monotonic()
        seen = await line.watch(AgentTurn, 2)
        await returned(line, thawed)
        turn = agent_turns(seen)[-1]
        check_heard(turn, line.heard())
        assert turn.interrupted


async def test_what_was_said_after_the_death_of_livekit_was_not_heard(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    async with (
        own_livekit(tmp_path) as own,
        asked(settings, viewer, own.credentials, tmp_path, 8) as line,
    ):
        await own.server.kill()
        killed = time.monotonic()
        await asyncio.sleep(2)
        await own.server.start()
        seen = await line.watch(AgentTurn, 2)
        await returned(line, killed)
        turn = agent_turns(seen)[-1]
        check_heard(turn, line.heard())
        assert turn.interrupted
