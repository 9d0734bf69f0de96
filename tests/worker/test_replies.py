"""Replies that go wrong or do several things at once: real agents, real log, a scripted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.calls.events import (
    AgentTurn,
    ErrorRaised,
    HandedOff,
    NodeEntered,
    ProviderFailedOver,
    ToolFinished,
    ToolOutcome,
)
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tools.actions import ContextSet, Respond
from domain.tools.model import ToolSpec
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import Node, WorkflowSpec
from local.emulators.llm import Reply, ScriptedReply
from tests.worker.test_handoffs import LLM, CallLine, agent, connection, running_call
from tests.worker.test_text_calls import summary_lines
from worker.session.consent import CONSENT_REQUIRED

pytestmark = pytest.mark.anyio

SORRY = "a: I am sorry, I cannot answer right now. Please try again."
FALLBACK = ProviderChoice(provider="openai", model="gpt-4.1")
TEXT = {"type": "string"}


def tool(name: str, *required: str, **more: Any) -> ToolSpec:
    properties = dict.fromkeys((*required, *more.pop("optional", ())), TEXT)
    return ToolSpec(
        name=name,
        description=name,
        parameters={"type": "object", "properties": properties, "required": list(required)},
        actions=(
            ContextSet(path="workflow.done[+]", value="{{params}}"),
            Respond(message="Done."),
        ),
        **more,
    )


NOTE = tool("note", "text")
BOOK = tool("book", "time", optional=("remark",), confirm=True)
WORKFLOW = WorkflowSpec(
    name="service",
    nodes=(
        Node(id="a", agent="a", is_entry=True),
        Node(id="b", agent="b", is_exit=True),
        Node(id="z", agent="z", is_exit=True),
    ),
    connections=(connection("a", "b"), connection("a", "z")),
)
AGENTS = (agent("a", "note", "book"), agent("b"), agent("z"))
CALL_B: tuple[str, dict[str, str]] = ("transfer_to_b", {})


@pytest.fixture
def line(services: Services, settings: Settings, viewer: Viewer) -> Any:
    def on(*says: Reply, agents: Sequence[Any] = AGENTS) -> Any:
        return running_call(
            services, settings, viewer, WORKFLOW, *says, agents=agents, tools=(NOTE, BOOK)
        )

    return on


def used(events: Sequence[Any]) -> list[tuple[Any, ToolOutcome]]:
    return [(e.arguments, e.outcome) for e in events if isinstance(e, ToolFinished)]


# ---- hand-offs in a batch of tool calls -----------------------------------------------------


async def test_after_a_hand_off_next_to_a_tool_call_only_the_next_agent_speaks(line: Any) -> None:
    says = (
        ScriptedReply("moment", (("note", {"text": "n1"}), CALL_B)),
        ScriptedReply("B here"),
        ScriptedReply("A again"),
    )
    async with line(*says) as the:
        events = await the.say("hello")
    spoken = [(e.agent, e.node, e.text) for e in events if isinstance(e, AgentTurn)]
    assert spoken == [("a", "a", "moment"), ("b", "b", "B here")]
    order = [e.kind for e in events if isinstance(e, HandedOff | ToolFinished | NodeEntered)]
    assert order == ["node_entered", "handed_off", "tool_finished", "node_entered"]
    assert len(the.models.requests) == 2


async def test_of_two_hand_offs_the_first_happens_and_its_agent_speaks(line: Any) -> None:
    says = (
        ScriptedReply("", (CALL_B, ("transfer_to_z", {}))),
        ScriptedReply("B here"),
        ScriptedReply("A again"),
    )
    async with line(*says) as the:
        events = await the.say("hello")
    kinds = [e.kind for e in events if e.kind in ("handoff_refused", "handed_off", "agent_turn")]
    assert kinds == ["handoff_refused", "handed_off", "agent_turn"]
    assert summary_lines(events)[-2] == "b: B here"
    assert len(the.models.requests) == 2


# ---- responses without words ------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
async def test_an_empty_response_is_replaced_by_the_next_model(line: Any, reason: str) -> None:
    chain = replace(LLM, fallbacks=(FALLBACK,))
    says = (ScriptedReply("", finish_reason=reason), ScriptedReply("F"))
    async with line(*says, agents=(replace(AGENTS[0], llm=chain), *AGENTS[1:])) as the:
        events = await the.say("hello")
    [failed] = [e for e in events if isinstance(e, ProviderFailedOver)]
    assert (failed.model, failed.available) == (LLM.model, False)
    assert summary_lines(events)[-2] == "a: F"
    assert [request["model"] for request in the.models.requests] == [LLM.model, FALLBACK.model]


@pytest.mark.parametrize("reason", ["stop", "content_filter"])
@pytest.mark.parametrize("text", ["", "   "])
async def test_an_empty_response_without_another_model_is_apologised_for(
    line: Any, reason: str, text: str
) -> None:
    async with line(ScriptedReply(text, finish_reason=reason)) as the:
        events = await the.say("hello")
    message = f"The model's response was empty (finish reason: {reason})"
    assert [e for e in events if isinstance(e, ErrorRaised)] == [
        ErrorRaised(source="llm", message=message, recoverable=True)
    ]
    assert summary_lines(events)[-2] == SORRY
    assert len(the.models.requests) == 1


async def test_a_response_that_is_cut_off_is_said_and_reported(line: Any) -> None:
    async with line(ScriptedReply("So far", finish_reason="length")) as the:
        events = await the.say("hello")
    message = "The model's response was cut off (finish reason: length)"
    assert [e for e in events if isinstance(e, ErrorRaised)] == [
        ErrorRaised(source="llm", message=message, recoverable=True)
    ]
    assert [e.text for e in events if isinstance(e, AgentTurn)] == ["So far"]


async def test_a_model_that_never_stops_using_tools_is_apologised_for(line: Any) -> None:
    async with line(ScriptedReply("", (("note", {"text": "again"}),))) as the:
        events = await the.say("hello")
    assert the.models.requests[-1]["tool_choice"] == "none"
    assert len(used(events)) == len(the.models.requests) - 1
    [error] = [e for e in events if isinstance(e, ErrorRaised)]
    assert (error.source, error.recoverable) == ("llm", True)
    assert summary_lines(events)[-2] == SORRY


# ---- several uses of one tool -----------------------------------------------------------------


@pytest.mark.parametrize("id", [None, "dup", ""])
@pytest.mark.parametrize("texts", [("n1", "n2"), ("pizza", "pizza")])
async def test_two_calls_of_one_tool_in_one_response_both_happen(
    line: Any, id: str | None, texts: tuple[str, str]
) -> None:
    calls = tuple(("note", {"text": text}) for text in texts)
    async with line(ScriptedReply("", calls, tool_call_id=id), ScriptedReply("Noted.")) as the:
        events = await the.say("hello")
    assert used(events) == [({"text": text}, ToolOutcome.SUCCEEDED) for text in texts]
    ids = [e.tool_call_id for e in events if isinstance(e, ToolFinished)]
    assert len(set(ids)) == 2
    results = [m["content"] for m in the.models.requests[-1]["messages"] if m["role"] == "tool"]
    assert results == ["Done.", "Done."]


async def test_malformed_arguments_are_returned_and_logged(line: Any) -> None:
    says = (ScriptedReply("", (("note", '{"text": "n1'),)), ScriptedReply("Sorry."))
    async with line(*says) as the:
        events = await the.say("hello")
    [finished] = [e for e in events if isinstance(e, ToolFinished)]
    assert finished.outcome is ToolOutcome.REFUSED
    assert finished.result.endswith('They were: {"text": "n1')
    history = the.models.requests[-1]["messages"]
    assert [c["function"]["arguments"] for m in history for c in m.get("tool_calls", ())] == ["{}"]


async def test_missing_arguments_are_an_empty_object_in_the_history(line: Any) -> None:
    async with line(ScriptedReply("", (("note", ""),)), ScriptedReply("Sorry.")) as the:
        await the.say("hello")
    history = the.models.requests[-1]["messages"]
    assert [c["function"]["arguments"] for m in history for c in m.get("tool_calls", ())] == ["{}"]


# ---- consent ----------------------------------------------------------------------------------


async def asked(the: CallLine, *arguments: dict[str, str]) -> list[Any]:
    """How tool calls with these arguments end, one after each turn of the caller."""
    texts = ["book", *("yes" for _ in arguments[1:])]
    events = await the.say(*texts)
    return [e.result for e in events if isinstance(e, ToolFinished)]


@pytest.mark.parametrize(
    ("arguments", "results"),
    [
        # Consent to a tool call remains valid when the model tries another one in between.
        (
            [{"time": "10"}, {"time": "10", "remark": "x"}, {"time": "10"}],
            [CONSENT_REQUIRED, CONSENT_REQUIRED, "Done."],
        ),
        # Another wording of a remark asks for nothing else, and so does none.
        (
            [{"time": "10", "remark": "x"}, {"time": "10", "remark": "y"}],
            [CONSENT_REQUIRED, "Done."],
        ),
        ([{"time": "10", "remark": "x"}, {"time": "10"}], [CONSENT_REQUIRED, "Done."]),
        # What the caller was not asked about is not done.
        ([{"time": "10"}, {"time": "11"}], [CONSENT_REQUIRED, CONSENT_REQUIRED]),
        # Consent holds for one run.
        (
            [{"time": "10"}, {"time": "10"}, {"time": "10"}],
            [CONSENT_REQUIRED, "Done.", CONSENT_REQUIRED],
        ),
    ],
)
async def test_consent_is_to_what_the_caller_was_asked(
    line: Any, arguments: list[dict[str, str]], results: list[str]
) -> None:
    says = [
        reply
        for each in arguments
        for reply in (ScriptedReply("", (("book", each),)), ScriptedReply("Shall I?"))
    ]
    async with line(*says) as the:
        assert await asked(the, *arguments) == results
