"""The state of the current turn and of the hand-off in progress."""

from __future__ import annotations

import asyncio

import pytest

from domain.calls.events import HandoffVia, PartialTranscript, Speaker
from domain.workflows.model import Connection
from domain.workflows.routing import ResolvedNode
from worker.session.handoff_state import HandoffState, PendingHandoff
from worker.session.tool_call_registry import ToolCallRegistry
from worker.session.turn_state import TurnState

BOOKING = Connection(source="reception", target="booking")


def caller(turn_id: str, rev: int, text: str) -> PartialTranscript:
    return PartialTranscript(turn_id=turn_id, rev=rev, speaker=Speaker.CALLER, text=text)


def test_partial_transcripts_of_a_caller_contain_the_whole_turn() -> None:
    turn = TurnState(epoch=3)
    assert not turn.is_caller_mid_turn
    assert turn.caller_transcribed("I ne", False) == caller("caller.3.0", 1, "I ne")
    assert turn.caller_transcribed("I need", True) == caller("caller.3.0", 2, "I need")
    assert turn.caller_transcribed("help", False) == caller("caller.3.0", 3, "I need help")
    assert turn.is_caller_mid_turn
    turn.caller_turn_ended()
    assert not turn.is_caller_mid_turn
    assert turn.caller_transcribed("Now", False) == caller("caller.3.1", 1, "Now")


def test_partial_transcripts_of_an_agent_start_at_one_in_every_turn() -> None:
    turn = TurnState(epoch=3)
    assert turn.agent_turn_id == "3.0"
    assert [turn.agent_transcribed("3.0", text).rev for text in ("One", "One two")] == [1, 2]
    turn.agent_turn_ended()
    assert turn.agent_turn_id == "3.1"
    assert turn.agent_transcribed("3.1", "Three").rev == 1


def test_a_reply_with_a_tool_call_is_complete_once_the_next_one_starts_or_it_fails() -> None:
    turn = TurnState(epoch=1)
    for completed in (turn.reply_started, turn.reply_failed):
        turn.tool_called()
        assert turn.has_pending_tool_call
        completed()
        assert not turn.has_pending_tool_call


def test_text_and_audio_of_a_speech_belong_together_whichever_comes_first() -> None:
    turn = TurnState(epoch=1)
    first = turn.speech(("a", 1))
    assert turn.speech(("a", 1)) is first
    answer_to_tool = turn.speech(("a", 2))
    assert answer_to_tool is not first
    assert turn.speech(("b", 1)) is not answer_to_tool
    assert turn.speech(None) is not turn.speech(None)


def test_the_failure_of_a_preemptive_reply_counts_for_one_turn() -> None:
    turn = TurnState(epoch=1)
    assert not turn.take_preemptive_failure()
    turn.preemptive_reply_failed()
    assert [turn.take_preemptive_failure(), turn.take_preemptive_failure()] == [True, False]


def summarized() -> PendingHandoff:
    """A hand-off whose summary is being generated."""
    return PendingHandoff(
        connection=BOOKING,
        via=HandoffVia.TOOL,
        resolved_node=ResolvedNode("booking"),
        complete=False,
    )


@pytest.mark.anyio
async def test_a_hand_off_blocks_others_until_its_agent_has_entered() -> None:
    handoffs = HandoffState()
    handoffs.request(BOOKING)
    assert handoffs.target_in_progress == "booking"
    assert handoffs.take_request() is BOOKING
    assert handoffs.target_in_progress is None
    begun = summarized()
    handoffs.begin(begun)
    assert (handoffs.target_in_progress, handoffs.to_record) == ("booking", None)
    handoffs.complete(begun, "They want an appointment.")
    assert handoffs.to_record is not None
    assert handoffs.to_record.summary == "They want an appointment."
    handoffs.recorded()
    assert (handoffs.target_in_progress, handoffs.to_record) == ("booking", None)
    waiting = asyncio.create_task(handoffs.wait_until_entered())
    handoffs.agent_entered()
    await waiting
    assert (handoffs.target_in_progress, handoffs.to_record) == (None, None)


@pytest.mark.anyio
async def test_an_abandoned_hand_off_does_not_come_back_with_its_summary() -> None:
    handoffs = HandoffState()
    begun = summarized()
    handoffs.begin(begun)
    handoffs.abandon()
    handoffs.complete(begun, "They want an appointment.")
    assert (handoffs.target_in_progress, handoffs.to_record) == (None, None)
    await handoffs.wait_until_entered()


def test_a_tool_call_that_repeats_an_id_gets_a_new_one() -> None:
    calls = ToolCallRegistry(["a"])
    ids = [calls.register(id) for id in ("a", "b", "b", "")]
    assert ids[1] == "b"
    assert len({"a", *ids}) == 5
    calls.mark_invalid("b", "The arguments are too large.")
    assert calls.take_problem("b") == "The arguments are too large."
    assert calls.take_problem("b") is None
