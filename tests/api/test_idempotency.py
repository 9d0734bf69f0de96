"""Idempotency keys of tool calls: equal for a repetition, different for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

from domain.calls.events import CallEvent, ToolFinished, ToolOutcome, ToolStarted, UserTurn
from domain.calls.idempotency import idempotency_key
from domain.calls.model import CallId
from domain.calls.state import CallProjection

CALL = CallId(UUID(int=1))
PIZZA = {"item": "pizza", "size": 2}
PASTA = {"item": "pasta", "size": 2}


def turn(id: str) -> UserTurn:
    return UserTurn(turn_id=id, text="hello", message_id=id)


def used(
    id: str,
    arguments: Mapping[str, Any] = PIZZA,
    outcome: ToolOutcome = ToolOutcome.SUCCEEDED,
) -> tuple[CallEvent, CallEvent]:
    started = running(id, arguments)
    finished = ToolFinished(
        tool_call_id=id,
        node="n",
        tool="add",
        arguments=arguments,
        outcome=outcome,
        result="",
        duration_ms=1.0,
    )
    return started, finished


def running(id: str, arguments: Mapping[str, Any] = PIZZA) -> ToolStarted:
    return ToolStarted(tool_call_id=id, node="n", tool="add", arguments=arguments)


def key(*events: CallEvent, tool: str = "add", arguments: Mapping[str, Any] = PIZZA) -> str:
    now = datetime.now(UTC)
    story: CallProjection = reduce(
        lambda story, event: story.apply(event, now), events, CallProjection()
    )
    return idempotency_key(CALL, story.tool_calls, tool, arguments)


FIRST = key(turn("t1"))


def test_repeating_a_turn_yields_the_same_keys() -> None:
    assert key(turn("t1"), arguments=dict(reversed(PIZZA.items()))) == FIRST
    assert FIRST.startswith(f"{CALL}.")
    assert len(FIRST) < 100
    # Even if the repetition first does something else.
    assert key(turn("t1"), *used("a", PASTA)) == FIRST


def test_any_difference_yields_another_key() -> None:
    others = [
        FIRST,
        key(turn("t2")),
        key(turn("t1"), tool="remove"),
        key(turn("t1"), arguments=PASTA),
        key(turn("t1"), arguments={**PIZZA, "size": "2"}),
        key(turn("t1"), *used("a")),
        key(turn("t1"), *used("a"), *used("b")),
        key(turn("t0"), *used("a"), turn("t2"), *used("b")),
    ]
    assert len(set(others)) == len(others)
    assert key(turn("t0"), *used("a"), turn("t1")) == FIRST


def test_two_equal_tool_calls_of_one_turn_have_two_keys() -> None:
    twin = key(turn("t1"), running("a"))
    assert twin == key(turn("t1"), *used("a"))
    assert twin != FIRST


def test_a_tool_call_after_a_failed_one_has_a_new_key() -> None:
    assert key(turn("t1"), *used("a", outcome=ToolOutcome.FAILED)) != FIRST


def test_a_refused_tool_call_uses_no_key() -> None:
    assert key(turn("t1"), *used("a", outcome=ToolOutcome.REFUSED)) == FIRST


def test_a_tool_call_with_unknown_outcome_is_repeated_under_its_key() -> None:
    unknown = (turn("t1"), *used("a", outcome=ToolOutcome.UNKNOWN))
    assert key(*unknown) == FIRST
    assert key(*unknown, turn("t2")) == FIRST, "the caller was asked first"
    assert key(*unknown, turn("t2"), arguments=PASTA) == key(turn("t2"), arguments=PASTA)
    assert key(*unknown, turn("t2"), *used("b", outcome=ToolOutcome.UNKNOWN)) == FIRST
    # Once the outcome is known, the next tool call has a new key.
    assert key(*unknown, turn("t2"), *used("b")) == key(turn("t2"))


def test_two_tool_calls_with_unknown_outcome_keep_their_keys() -> None:
    lost = [used(id, outcome=ToolOutcome.UNKNOWN)[1] for id in ("a", "b")]
    unknown = (turn("t1"), running("a"), running("b"), *lost)
    again = key(*unknown, turn("t2"))
    twin = key(*unknown, turn("t2"), running("c"))
    third = key(*unknown, turn("t2"), running("c"), running("d"))
    assert third == key(turn("t2"))
    assert (again, twin) == (FIRST, key(turn("t1"), running("a")))


def test_a_tool_call_belongs_to_the_turn_in_which_it_started() -> None:
    """The caller speaks while the tool runs."""
    began, unknown = used("a", outcome=ToolOutcome.UNKNOWN)
    _, done = used("a")
    assert key(turn("t1"), began, turn("t2"), unknown) == FIRST
    assert key(turn("t1"), began, turn("t2"), done) == key(turn("t2"))
    assert key(turn("t1"), began, turn("t2")) == key(turn("t2"))
    # A repetition of it has the same key again.
    again = (running("b"), turn("t3"), used("b", outcome=ToolOutcome.UNKNOWN)[1])
    assert key(turn("t1"), began, turn("t2"), unknown, *again, turn("t4")) == FIRST
