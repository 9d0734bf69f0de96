"""Which transcripts of overlapping speech reach the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.events import AgentStateChangedEvent

from domain.workflows.agents import Session
from domain.workflows.interruptions import Interruption
from tests.support.demo_workflow import RECEPTION
from worker.session.overlap_filter import OverlapFilter

pytestmark = pytest.mark.anyio

INTERIM, FINAL = SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT
START, END = SpeechEventType.START_OF_SPEECH, SpeechEventType.END_OF_SPEECH


@dataclass
class Talk:
    """A session as far as the filter sees it, with a clock that is set by hand."""

    interruption: Interruption = field(default_factory=Interruption)
    now: float = 100.0
    current_speech: SpeechHandle | None = None
    reported: list[str] = field(default_factory=list)
    _activity: None = None
    _listeners: list[Callable[[AgentStateChangedEvent], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.filter = OverlapFilter(lambda: self.now)
        self.filter.listen(cast(Any, self))
        self.filter.agent_entered(
            replace(RECEPTION, session=Session(interruption=self.interruption))
        )

    def on(self, _: str, listener: Callable[[AgentStateChangedEvent], None]) -> None:
        self._listeners.append(listener)

    def state(self, before: Any, after: Any) -> None:
        for listener in self._listeners:
            listener(AgentStateChangedEvent(old_state=before, new_state=after))

    def agent_speaks(self) -> SpeechHandle:
        self.current_speech = SpeechHandle.create()
        self.state("listening", "speaking")
        return self.current_speech

    async def agent_finishes(self) -> None:
        assert self.current_speech is not None
        self.current_speech._mark_done()
        await asyncio.sleep(0)  # callbacks of the handle run in the next round of the loop

    def says(self, text: str, *events: SpeechEventType, seconds: float = 0.3) -> None:
        """The caller says the text; its events arrive after that time."""
        self.hears(START)
        self.now += seconds
        for event in events or (INTERIM, FINAL, END):
            self.hears(event, text)

    def hears(self, event: SpeechEventType, text: str = "") -> None:
        data = (
            [SpeechData(language=cast(Any, "en"), text=text)] if event in (INTERIM, FINAL) else []
        )

        def emit(passed: SpeechEvent) -> None:
            if passed.type in (INTERIM, FINAL):
                self.reported.append(f"{passed.type.value[:5]} {passed.alternatives[0].text}")

        self.filter.pass_on(SpeechEvent(type=event, alternatives=data), emit)


@pytest.fixture
def talk() -> Talk:
    return Talk()


async def test_an_acknowledgement_is_not_reported(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.says("uh", INTERIM)
    talk.says("uh huh", INTERIM, FINAL, END)
    talk.now += 3
    await talk.agent_finishes()
    talk.now += 1
    talk.says("and on Sunday")
    assert talk.reported == ["inter and on Sunday", "final and on Sunday"]


async def test_while_the_agent_is_silent_everything_is_reported(talk: Talk) -> None:
    talk.says("yes", FINAL, END)
    talk.agent_speaks()
    talk.now += 3
    await talk.agent_finishes()
    talk.now += 0.5
    talk.says("mhm", FINAL, END)
    assert talk.reported == ["final yes", "final mhm"]


async def test_a_yes_at_the_end_of_a_question_answers_it(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.says("yes", FINAL, END)
    assert talk.reported == []
    talk.now += 0.5
    await talk.agent_finishes()
    assert talk.reported == ["final yes"]


async def test_a_yes_whose_transcript_comes_late_still_answers(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.says("yes", INTERIM)
    await talk.agent_finishes()
    talk.now += 0.5
    talk.hears(FINAL, "yes")
    assert talk.reported == ["final yes"]


async def test_a_late_transcript_of_mhm_is_no_answer(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.says("mhm", INTERIM)
    talk.now += 1
    await talk.agent_finishes()
    talk.now += 0.2
    talk.hears(FINAL, "mhm")
    talk.hears(END)
    assert talk.reported == []


async def test_an_interruption_is_reported_with_what_led_to_it(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.says("mhm", FINAL, END)
    talk.now += 0.5
    talk.says("what about Sunday", INTERIM, FINAL, END)
    assert talk.reported == ["final mhm", "inter what about Sunday", "final what about Sunday"]


async def test_the_rest_of_an_utterance_that_interrupts_is_reported(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.says("on Sunday", FINAL)
    talk.now += 0.4
    talk.hears(FINAL, "okay")
    assert talk.reported == ["final on Sunday", "final okay"]


async def test_too_few_words_are_no_turn_and_not_added_to_the_next() -> None:
    talk = Talk(Interruption(min_words=3))
    speech = talk.agent_speaks()
    talk.now += 3
    talk.says("on Sunday")
    talk.now += 3
    assert talk.reported == []
    talk.says("what about next week", FINAL)
    assert talk.reported == ["final what about next week"]
    assert not speech.interrupted


async def test_words_in_pieces_are_counted_together() -> None:
    talk = Talk(Interruption(min_words=3))
    talk.agent_speaks()
    talk.now += 3
    talk.says("on Sunday", FINAL, END)
    talk.says("please", FINAL, END)
    assert talk.reported == ["final on Sunday", "final please"]


async def test_a_demand_interrupts_at_once() -> None:
    talk = Talk(Interruption(min_words=5, always=("enough",)))
    speech = talk.agent_speaks()
    talk.now += 3
    talk.says("enough", INTERIM)
    assert speech.interrupted
    assert talk.reported == ["inter enough"]


async def test_a_demand_does_not_interrupt_what_may_not_be_interrupted(talk: Talk) -> None:
    speech = talk.agent_speaks()
    speech.allow_interruptions = False
    talk.now += 3
    talk.says("stop", INTERIM, FINAL, END)
    assert not speech.interrupted
    assert talk.reported == ["inter stop", "final stop"]


async def test_a_pause_for_a_sound_does_not_make_a_turn_of_an_acknowledgement(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.hears(START)
    talk.now += 0.5
    talk.state("speaking", "listening")  # LiveKit pauses the agent
    talk.hears(FINAL, "okay")
    talk.hears(END)
    talk.now += 2
    talk.state("listening", "speaking")
    assert talk.reported == []


async def test_the_end_of_a_sentence_that_the_agent_cut_into_is_reported() -> None:
    talk = Talk(Interruption(min_words=3))
    talk.hears(START)
    talk.now += 1
    talk.agent_speaks()
    talk.now += 0.3
    talk.hears(FINAL, "on Sunday")
    assert talk.reported == ["final on Sunday"]


async def test_during_a_tool_an_acknowledgement_is_a_turn(talk: Talk) -> None:
    talk.agent_speaks()
    talk.now += 3
    talk.state("speaking", "thinking")
    talk.now += 2
    talk.says("okay", FINAL, END)
    assert talk.reported == ["final okay"]


async def test_a_noise_before_the_agent_spoke_does_not_make_a_turn_of_an_acknowledgement(
    talk: Talk,
) -> None:
    talk.hears(START)
    talk.now += 1
    talk.agent_speaks()
    talk.now += 2
    talk.hears(INTERIM, "mhm")
    talk.hears(FINAL, "mhm")
    talk.hears(END)
    assert talk.reported == []
