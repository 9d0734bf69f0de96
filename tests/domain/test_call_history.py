"""What the platform says about the connection is in the transcript, and is no reply of an agent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from domain.calls.events import AgentTurn, CallEvent, HandedOff, HandoffVia, NodeEntered, UserTurn
from domain.calls.state import CallProjection
from domain.workflows.model import ContextPolicy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = UserTurn(turn_id="caller.1.0", text="When do you open?")
ENTERED = NodeEntered(node="reception", agent="reception", first_visit=True)
SORRY = AgentTurn(
    turn_id="1.0",
    node="reception",
    agent="reception",
    text="Sorry.",
    heard_text="Sorry.",
    in_history=False,
)
ANSWERED = replace(SORRY, turn_id="1.1", text="At nine.", heard_text="At nine.", in_history=True)


def replayed(*events: CallEvent) -> CallProjection:
    projection = CallProjection()
    for event in events:
        projection = projection.apply(event, NOW)
    return projection


def test_a_turn_outside_the_history_is_in_the_transcript_only() -> None:
    projection = replayed(ENTERED, ASKED, SORRY)
    assert [turn.text for turn in projection.turns] == ["When do you open?", "Sorry."]
    assert [*projection.items] == [*projection.visible_items] == [ASKED]
    assert projection.reply_pending
    assert projection.turns_since_entry == 1


def test_the_turn_after_one_outside_the_history_is_the_reply() -> None:
    projection = replayed(ENTERED, ASKED, SORRY, ANSWERED)
    assert [*projection.items] == [ASKED, ANSWERED]
    assert not projection.reply_pending


def test_the_turns_of_a_node_are_counted_from_its_entry() -> None:
    handed_off = HandedOff(
        from_node="reception",
        to_node="booking",
        via=HandoffVia.MODEL,
        context_policy=ContextPolicy.FULL,
    )
    booking = replace(ENTERED, node="booking", agent="booking")
    assert replayed(ENTERED, ASKED, ANSWERED).turns_since_entry == 2
    assert replayed(ENTERED, ASKED, ANSWERED, handed_off, booking).turns_since_entry == 0
