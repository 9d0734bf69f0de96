"""Automatic hand-offs, and the history that the next agent receives: real agents, real log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.calls.events import CallEvent, HandedOff, HandoffRefused, NodeEntered, TurnMeasured
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tools.actions import FlagSet, Respond
from domain.tools.model import ToolSpec
from domain.use_cases.agents import create_agent
from domain.use_cases.calls import CallRequest, send_message, start_call
from domain.use_cases.tools import create_tool
from domain.use_cases.workflows import create_workflow, publish_workflow
from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice
from domain.workflows.model import Connection, ContextPolicy, Node, WorkflowSpec
from domain.workflows.routing import ResolvedNode, resolve_node, triggered_connection
from local.emulators.llm import KEY, LlmEmulator, ScriptedReply, run_llm_emulator
from tests.support.demo_workflow import BOOK
from tests.worker.test_text_calls import running_worker, summary_lines, watch

pytestmark = pytest.mark.anyio


def node(id: str, **more: Any) -> Node:
    return Node(id=id, agent="any", **more)


def connection(source: str, target: str, **more: Any) -> Connection:
    return Connection(source=source, target=target, **more)


# ---- the routing rules ------------------------------------------------------------------------------


def test_the_highest_priority_wins_among_true_conditions_then_the_first() -> None:
    workflow = WorkflowSpec(
        name="w",
        nodes=(node("a", is_entry=True), node("b"), node("c"), node("d"), node("e")),
        connections=(
            connection("a", "b", condition="flags.x"),
            connection("a", "c", condition="flags.x", priority=2),
            connection("a", "d", condition="flags.y", priority=2),
            connection("a", "e"),
        ),
    )

    def triggered(**flags: bool) -> str | None:
        found = triggered_connection(workflow, "a", {"flags": flags})
        return found.target if found else None

    assert triggered() is None
    assert triggered(x=True) == "c"
    assert triggered(y=True) == "d"
    assert triggered(x=True, y=True) == "c"


def test_skipped_nodes_are_left_by_condition_default_or_only_connection() -> None:
    skip = {"skip_condition": "flags.known"}
    workflow = WorkflowSpec(
        name="w",
        nodes=(
            node("a", is_entry=True, **skip),
            node("b", **skip),
            node("c", **skip),
            node("d"),
            node("vip"),
        ),
        connections=(
            connection("a", "vip", condition="flags.vip"),
            connection("a", "b"),
            connection("b", "d"),
            connection("b", "c", is_default=True),
            connection("c", "d"),
        ),
    )

    def resolve(**flags: bool) -> ResolvedNode:
        return resolve_node(workflow, "a", lambda _: {"flags": flags})

    assert resolve() == ResolvedNode("a")
    assert resolve(known=True) == ResolvedNode("d", ("a", "b", "c"))
    assert resolve(known=True, vip=True) == ResolvedNode("vip", ("a",))


def test_skipped_nodes_in_a_cycle_or_dead_end_are_entered_after_all() -> None:
    ring = WorkflowSpec(
        name="w",
        nodes=(node("a", is_entry=True, skip_condition="true"), node("b", skip_condition="true")),
        connections=(connection("a", "b"), connection("b", "a")),
    )
    assert resolve_node(ring, "a", lambda _: {}) == ResolvedNode("b", ("a",))
    end = WorkflowSpec(name="w", nodes=(node("a", is_entry=True, skip_condition="true"),))
    assert resolve_node(end, "a", lambda _: {}) == ResolvedNode("a")


# ---- in calls -------------------------------------------------------------------------------

LLM = ProviderChoice(provider="openai", model="gpt-4.1-mini")
NOTE = ToolSpec(
    name="note_urgency",
    description="Notes that it is urgent.",
    actions=(FlagSet(flag="urgent"), Respond(message="Noted.")),
)


def agent(name: str, *tools: str, greeting: str | None = None) -> AgentSpec:
    prompt = Prompt(system=f"You are {name}.", greeting=greeting)
    return AgentSpec(name=name, prompt=prompt, llm=LLM, tools=tools)


AGENTS = (
    agent("desk", "note_urgency", "book_appointment", greeting="Desk."),
    agent("forms"),
    agent("doctor"),
)


def service(*connections: Connection, **skip: str) -> WorkflowSpec:
    return WorkflowSpec(
        name="service",
        nodes=(
            Node(id="desk", agent="desk", is_entry=True, skip_condition=skip.get("desk")),
            Node(id="forms", agent="forms", skip_condition=skip.get("forms")),
            Node(id="doctor", agent="doctor", is_exit=True),
        ),
        connections=connections,
        shared_context=("slot",),
    )


@dataclass(frozen=True, slots=True)
class CallLine:
    services: Services
    settings: Settings
    viewer: Viewer
    models: LlmEmulator

    async def say(self, *texts: str, **given: Any) -> list[CallEvent]:
        call = await start_call(
            self.services, self.viewer, CallRequest(workflow_name="service", **given)
        )
        events = await watch(self.services, self.viewer, call.id, NodeEntered)
        for n, text in enumerate(texts, start=1):
            await send_message(self.services, self.viewer, call.id, text, None)
            events = await watch(self.services, self.viewer, call.id, TurnMeasured, n)
        return events


@asynccontextmanager
async def running_call(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    workflow: WorkflowSpec,
    *says: ScriptedReply,
) -> AsyncIterator[CallLine]:
    for tool in (NOTE, BOOK):
        await create_tool(services, viewer, tool)
    for each in AGENTS:
        await create_agent(services, viewer, each)
    made = await create_workflow(services, viewer, workflow)
    await publish_workflow(services, viewer, made.id, made.revision, None)
    async with run_llm_emulator() as emulator:
        emulator.script = list(says)
        own = replace(settings, openai_api_key=KEY, openai_base_url=f"{emulator.url}/openai")
        async with running_worker(own):
            yield CallLine(services, own, viewer, emulator)


URGENT = connection("desk", "doctor", condition="flags.urgent", context_passed=("slot",))
BY_FORMS = (connection("desk", "forms", description="wants a form"), connection("forms", "doctor"))


async def test_a_condition_hands_off_as_soon_as_a_tool_makes_it_true(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    says = (ScriptedReply("One moment.", (("note_urgency", {}),)), ScriptedReply("Doctor here."))
    async with running_call(services, settings, viewer, service(URGENT, *BY_FORMS), *says) as line:
        events = await line.say("it hurts")
    assert summary_lines(events)[5:-1] == [
        "caller: it hurts",
        "desk: One moment.",
        "note_urgency?",
        "flags.urgent = True",
        "note_urgency SUCCEEDED: Noted.",
        "desk -> doctor",
        "enter doctor",
        "doctor: Doctor here.",
    ]
    [moved] = [e for e in events if isinstance(e, HandedOff)]
    assert (moved.via, moved.context_passed) == ("CONDITION", ("slot",))
    offered = [t["function"]["name"] for t in line.models.requests[0]["tools"]]
    assert offered == ["transfer_to_forms", "note_urgency", "book_appointment"]


async def test_a_condition_that_is_already_true_hands_off_before_the_model_is_asked(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    vip = connection("desk", "doctor", condition="user.vip")
    says = (ScriptedReply("Doctor here."),)
    async with running_call(services, settings, viewer, service(vip, *BY_FORMS), *says) as line:
        events = await line.say("hello", user_context={"vip": True})
    reported = summary_lines(events)[4:-1]
    assert reported == [
        "desk: Desk.",
        "caller: hello",
        "desk -> doctor",
        "enter doctor",
        "doctor: Doctor here.",
    ]
    [asked] = line.models.requests
    assert "You are doctor." in str(asked)
    assert "hello" in str(asked)


async def test_skipped_nodes_are_recorded(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    workflow = service(*BY_FORMS, desk="user.known", forms="user.known")
    async with running_call(
        services, settings, viewer, workflow, ScriptedReply("Doctor here.")
    ) as line:
        [*_, entered] = await line.say(user_context={"known": True})
    assert entered == NodeEntered(
        node="doctor", agent="doctor", first_visit=True, skipped=("desk", "forms")
    )


async def test_a_hand_off_that_skips_back_to_its_own_node_is_recorded_once(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    workflow = service(
        connection("desk", "forms", description="wants a form"),
        connection("forms", "desk", may_repeat=2),
        connection("desk", "doctor"),
        forms="user.known",
    )
    says = (
        ScriptedReply("One moment.", (("transfer_to_forms", {}),)),
        ScriptedReply("Desk again."),
    )
    async with running_call(services, settings, viewer, workflow, *says) as line:
        events = await line.say("a form, please", user_context={"known": True})
    [moved] = [e for e in events if isinstance(e, HandedOff)]
    assert (moved.from_node, moved.to_node, moved.skipped) == ("desk", "desk", ("forms",))
    assert summary_lines(events)[-2] == "desk: Desk again."


@pytest.mark.parametrize(
    ("policy", "shown", "hidden"),
    [
        (ContextPolicy.FULL, ["first words", "an answer", "second words"], ["What is known"]),
        (ContextPolicy.LAST_N, ["an answer", "second words", "slot = ten"], ["first words"]),
        (ContextPolicy.SUMMARY, ["in short: IN SHORT", "second words"], ["first words"]),
        (ContextPolicy.VARIABLES_ONLY, ["slot = ten", "second words"], ["an answer"]),
    ],
)
async def test_the_next_agent_receives_the_history_that_the_policy_allows(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    policy: ContextPolicy,
    shown: list[str],
    hidden: list[str],
) -> None:
    to_forms = connection(
        "desk", "forms", context_policy=policy, last_n=2, context_passed=("slot",)
    )
    summary = (ScriptedReply("IN SHORT"),) if policy is ContextPolicy.SUMMARY else ()
    says = (
        ScriptedReply("", (("book_appointment", {"slot": "ten"}),)),
        ScriptedReply("an answer"),
        ScriptedReply("", (("transfer_to_forms", {}),)),
        *summary,
        ScriptedReply("Forms here."),
        ScriptedReply("And more."),
    )
    workflow = service(to_forms, connection("forms", "doctor"))
    async with running_call(services, settings, viewer, workflow, *says) as line:
        events = await line.say("first words", "second words", "third words")
    [moved] = [e for e in events if isinstance(e, HandedOff)]
    assert moved.context_policy is policy
    assert moved.summary == ("IN SHORT" if summary else None)
    entering, later = (str(asked["messages"]) for asked in line.models.requests[-2:])
    for words in shown:
        assert words in entering, words
        assert words in later, words
    for words in hidden:
        assert words not in entering, words
    assert "third words" in later
    assert summary_lines(events)[-2] == "forms: And more."


async def test_the_next_worker_rebuilds_the_history_of_an_agent(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    to_forms = connection(
        "desk", "forms", context_policy=ContextPolicy.VARIABLES_ONLY, context_passed=("slot",)
    )
    says = (
        ScriptedReply("", (("book_appointment", {"slot": "ten"}),)),
        ScriptedReply("an answer"),
        ScriptedReply("", (("transfer_to_forms", {}),)),
        ScriptedReply("Forms here."),
    )
    workflow = service(to_forms, connection("forms", "doctor"))
    async with running_call(services, settings, viewer, workflow, *says) as line:
        call = await start_call(services, viewer, CallRequest(workflow_name="service"))
        for n, text in enumerate(("first words", "second words"), start=1):
            await send_message(services, viewer, call.id, text, None)
            await watch(services, viewer, call.id, TurnMeasured, n)
    await send_message(services, viewer, call.id, "third words", None)
    line.models.script = [ScriptedReply("Back again.")]
    async with run_llm_emulator() as again:
        again.script = [ScriptedReply("Back again.")]
        own = replace(line.settings, openai_base_url=f"{again.url}/openai")
        async with running_worker(own):
            events = await watch(services, viewer, call.id, TurnMeasured, 3)
    assert summary_lines(events)[-2] == "forms: Back again."
    [asked] = again.requests
    reported = str(asked["messages"])
    assert "slot = ten" in reported
    assert "Forms here." in reported
    assert "first words" not in reported


async def test_a_connection_is_taken_at_most_may_repeat_times(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    there = connection("desk", "forms", may_repeat=2)
    back = connection("forms", "desk", may_repeat=9)
    go, come = (
        ScriptedReply("", (("transfer_to_forms", {}),)),
        ScriptedReply("", (("transfer_to_desk", {}),)),
    )
    says = (
        go,
        ScriptedReply("f1"),
        come,
        ScriptedReply("d1"),
        go,
        ScriptedReply("f2"),
        come,
        ScriptedReply("d2"),
        go,
        ScriptedReply("d3"),
    )
    workflow = service(there, back, connection("forms", "doctor"))
    async with running_call(services, settings, viewer, workflow, *says) as line:
        events = await line.say("1", "2", "3", "4", "5")
    moves = [(e.from_node, e.to_node) for e in events if isinstance(e, HandedOff)]
    assert moves == [("desk", "forms"), ("forms", "desk")] * 2
    [refused] = [e for e in events if isinstance(e, HandoffRefused)]
    assert refused.message == "This connection may be taken 2 time(s) in a call, and has been."
    assert summary_lines(events)[-2] == "desk: d3"
