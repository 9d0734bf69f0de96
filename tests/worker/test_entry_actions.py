"""Nodes that act when they are entered: real agents, real log, a scripted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.bundles.model import Bundle, read_bundle, write_bundle
from domain.calls.events import CallEnded, CallEvent, HandedOff, TurnMeasured
from domain.common.access import Viewer
from domain.common.findings import FindingCode, Severity
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, send_message, start_call
from domain.verification import build_snapshot, verify
from domain.workflows.agents import AgentSpec
from domain.workflows.model import Connection, EntryAction, Node, WorkflowSpec
from local.emulators.llm import ScriptedReply
from persistence.codec import snapshot_from_json, snapshot_to_json
from tests.worker.test_handoffs import NOTE, CallLine, agent, connection, running_call
from tests.worker.test_text_calls import summary_lines, watch

pytestmark = pytest.mark.anyio

END, ROUTE = EntryAction.END_CALL, EntryAction.ROUTE
GREETING_BYE = agent("bye", greeting="Goodbye, {{user.name}}.")
AGENTS = (agent("desk"), agent("router", "note_urgency"), agent("doctor"), agent("bye"))
TO_BYE = ScriptedReply("", (("transfer_to_bye", {}),))
TO_ROUTER = ScriptedReply("", (("transfer_to_router", {}),))


def flow(*connections: Connection, entry: str = "desk", **actions: EntryAction) -> WorkflowSpec:
    ids = ("desk", "router", "doctor", "bye")
    used = {end for c in connections for end in (c.source, c.target)} | {entry}
    return WorkflowSpec(
        name="service",
        nodes=tuple(
            Node(
                id=id,
                agent=id,
                is_entry=id == entry,
                is_exit=id == "doctor",
                on_entry=actions.get(id, EntryAction.CONVERSE),
            )
            for id in ids
            if id in used
        ),
        connections=connections,
    )


@pytest.fixture
def line(services: Services, settings: Settings, viewer: Viewer) -> Any:
    def on(
        workflow: WorkflowSpec, *says: ScriptedReply, agents: Sequence[AgentSpec] = AGENTS
    ) -> Any:
        return running_call(
            services, settings, viewer, workflow, *says, agents=agents, tools=(NOTE,)
        )

    return on


async def whole_call(the: CallLine, *texts: str, **given: Any) -> list[CallEvent]:
    """A call that ends by itself."""
    request = CallRequest(workflow_name="service", **given)
    call = await start_call(the.services, the.viewer, request)
    for text in texts:
        await send_message(the.services, the.viewer, call.id, text, None)
    return await watch(the.services, the.viewer, call.id, CallEnded)


# ---- nodes that say something and hang up -----------------------------------------------------


async def test_a_node_says_its_greeting_and_the_call_ends(line: Any) -> None:
    agents = (*AGENTS[:3], GREETING_BYE)
    workflow = flow(connection("desk", "bye"), bye=END)
    async with line(workflow, TO_BYE, agents=agents) as the:
        events = await whole_call(the, "that is all", user_context={"name": "Ada"})
    assert summary_lines(events)[3:] == [
        "enter desk",
        "caller: that is all",
        "desk -> bye",
        "enter bye",
        "bye: Goodbye, Ada.",
        "ENDING",
        "turn_measured",
        "COMPLETED WORKFLOW_FINISHED AGENT",
    ]


async def test_a_node_says_what_its_model_writes_and_the_call_ends(line: Any) -> None:
    workflow = flow(connection("desk", "bye"), bye=END)
    async with line(workflow, TO_BYE, ScriptedReply("So long.")) as the:
        events = await whole_call(the, "that is all")
    assert summary_lines(events)[-4:] == [
        "bye: So long.",
        "ENDING",
        "turn_measured",
        "COMPLETED WORKFLOW_FINISHED AGENT",
    ]
    assert "tools" not in the.models.requests[-1]


async def test_a_call_may_consist_of_one_sentence(line: Any) -> None:
    agents = (
        *AGENTS[:3],
        replace(GREETING_BYE, prompt=agent("x", greeting="We are closed.").prompt),
    )
    async with line(flow(entry="bye", bye=END), ScriptedReply("-"), agents=agents) as the:
        events = await whole_call(the)
    assert summary_lines(events)[2:] == [
        "ACTIVE",
        "enter bye",
        "bye: We are closed.",
        "ENDING",
        "COMPLETED WORKFLOW_FINISHED AGENT",
    ]
    assert the.models.requests == []


async def test_the_call_ends_even_if_the_last_words_fail(line: Any) -> None:
    workflow = flow(connection("desk", "bye"), bye=END)
    async with line(workflow, TO_BYE, ScriptedReply("")) as the:
        events = await whole_call(the, "that is all")
    lines = summary_lines(events)
    assert lines[-5:-2] == [
        "error llm",
        "bye: I am sorry, I cannot answer right now. Please try again.",
        "ENDING",
    ]
    assert lines[-1] == "COMPLETED WORKFLOW_FINISHED AGENT"


async def test_goodbye_is_said_once(line: Any) -> None:
    ends = ScriptedReply("Bye.", (("end_call", {}),))
    async with line(flow(entry="doctor"), ends, ScriptedReply("Goodbye again.")) as the:
        events = await whole_call(the, "that is all")
    lines = summary_lines(events)
    assert sorted(lines[-4:-2]) == ["ENDING", "doctor: Bye."]
    assert lines[-2:] == ["turn_measured", "COMPLETED WORKFLOW_FINISHED AGENT"]
    assert len(the.models.requests) == 1


async def test_goodbye_is_asked_for_if_the_model_has_not_said_it(line: Any) -> None:
    ends = ScriptedReply("", (("end_call", {}),))
    async with line(flow(entry="doctor"), ends, ScriptedReply("Goodbye.")) as the:
        events = await whole_call(the, "that is all")
    assert summary_lines(events)[-3] == "doctor: Goodbye."


async def test_goodbye_is_asked_for_if_the_model_has_written_only_blanks(line: Any) -> None:
    ends = ScriptedReply("\n", (("end_call", {}),))
    async with line(flow(entry="doctor"), ends, ScriptedReply("Goodbye.")) as the:
        events = await whole_call(the, "that is all")
    assert summary_lines(events)[-3] == "doctor: Goodbye."


async def test_the_call_ends_where_it_ends_although_a_condition_holds(line: Any) -> None:
    workflow = flow(
        connection("desk", "bye"),
        connection("desk", "doctor"),
        connection("bye", "doctor", condition="flags.urgent"),
        bye=END,
    )
    agents = (*AGENTS[:3], agent("bye", "note_urgency"))
    says = (TO_BYE, ScriptedReply("", (("note_urgency", {}),)), ScriptedReply("So long."))
    async with line(workflow, *says, agents=agents) as the:
        events = await whole_call(the, "that is all")
    assert summary_lines(events)[-4:] == [
        "bye: So long.",
        "ENDING",
        "turn_measured",
        "COMPLETED WORKFLOW_FINISHED AGENT",
    ]


# ---- nodes that route at once -----------------------------------------------------------------

BY_MODEL = (
    connection("desk", "router"),
    connection("router", "doctor"),
    connection("router", "bye"),
)


async def test_a_node_routes_by_its_model_without_waiting_for_the_caller(line: Any) -> None:
    says = (TO_ROUTER, ScriptedReply("", (("transfer_to_doctor", {}),)), ScriptedReply("Doctor."))
    async with line(flow(*BY_MODEL, router=ROUTE, bye=END), *says) as the:
        events = await the.say("it hurts")
    assert summary_lines(events)[-7:-1] == [
        "caller: it hurts",
        "desk -> router",
        "enter router",
        "router -> doctor",
        "enter doctor",
        "doctor: Doctor.",
    ]
    assert the.models.requests[1]["tool_choice"] == "required"
    assert "it hurts" in str(the.models.requests[2]["messages"])


async def test_a_node_routes_by_a_condition_and_without_its_model(line: Any) -> None:
    urgent = connection("router", "doctor", condition="user.urgent")
    workflow = flow(
        connection("desk", "router"), urgent, connection("router", "bye"), router=ROUTE, bye=END
    )
    async with line(workflow, TO_ROUTER, ScriptedReply("Doctor.")) as the:
        events = await the.say("it hurts", user_context={"urgent": True})
    assert [e.via for e in events if isinstance(e, HandedOff)] == ["MODEL", "CONDITION"]
    assert summary_lines(events)[-2] == "doctor: Doctor."
    assert len(the.models.requests) == 2


async def test_a_node_routes_by_the_default_when_no_condition_holds(line: Any) -> None:
    workflow = flow(
        connection("desk", "router"),
        connection("router", "doctor", condition="user.urgent"),
        connection("router", "bye", is_default=True),
        router=ROUTE,
        bye=END,
    )
    async with line(workflow, TO_ROUTER, ScriptedReply("So long.")) as the:
        events = await whole_call(the, "it itches")
    assert [e.via for e in events if isinstance(e, HandedOff)] == ["MODEL", "DEFAULT"]
    assert summary_lines(events)[-4] == "bye: So long."
    assert len(the.models.requests) == 2


async def test_a_node_routes_by_the_default_when_its_model_chooses_nothing(line: Any) -> None:
    workflow = flow(
        connection("desk", "router"),
        connection("router", "doctor", is_default=True),
        connection("router", "bye"),
        router=ROUTE,
        bye=END,
    )
    says = (TO_ROUTER, ScriptedReply("Hm."), ScriptedReply("Doctor."))
    async with line(workflow, *says) as the:
        events = await the.say("it itches")
    assert summary_lines(events)[-6:-1] == [
        "enter router",
        "router: Hm.",
        "router -> doctor",
        "enter doctor",
        "doctor: Doctor.",
    ]


async def test_a_node_greets_before_it_routes_and_may_use_tools(line: Any) -> None:
    urgent = connection("router", "doctor", condition="flags.urgent")
    workflow = flow(
        connection("desk", "router"),
        urgent,
        connection("router", "bye"),
        connection("router", "desk", may_repeat=2),
        router=ROUTE,
        bye=END,
    )
    greets = replace(AGENTS[1], prompt=agent("x", greeting="Let me see.").prompt)
    says = (TO_ROUTER, ScriptedReply("", (("note_urgency", {}),)), ScriptedReply("Doctor."))
    agents = (AGENTS[0], greets, *AGENTS[2:])
    async with line(workflow, *says, agents=agents) as the:
        events = await the.say("it hurts")
    assert summary_lines(events)[-9:-1] == [
        "enter router",
        "router: Let me see.",
        "note_urgency?",
        "flags.urgent = True",
        "note_urgency SUCCEEDED: Noted.",
        "router -> doctor",
        "enter doctor",
        "doctor: Doctor.",
    ]


async def test_a_call_starts_behind_a_node_that_routes(line: Any) -> None:
    workflow = flow(
        connection("router", "doctor", condition="user.known"),
        connection("router", "desk", is_default=True),
        connection("desk", "doctor"),
        entry="router",
        router=ROUTE,
    )
    async with line(workflow, ScriptedReply("Doctor."), ScriptedReply("Hello.")) as the:
        known = await the.say("hello", user_context={"known": True})
        unknown = await the.say("hello")
    for events, node in ((known, "doctor"), (unknown, "desk")):
        lines = summary_lines(events)
        assert [each for each in lines if "enter" in each or "->" in each][:3] == [
            "enter router",
            f"router -> {node}",
            f"enter {node}",
        ]
    assert isinstance(known[-1], TurnMeasured)


async def test_a_node_listens_as_before_without_an_entry_action(line: Any) -> None:
    says = (TO_ROUTER, ScriptedReply("What hurts?"))
    async with line(flow(*BY_MODEL, bye=END), *says) as the:
        events = await the.say("it hurts")
    assert summary_lines(events)[-2] == "router: What hurts?"
    offered = [t["function"]["name"] for t in the.models.requests[1]["tools"]]
    assert offered == ["note_urgency"]


# ---- what verification says -------------------------------------------------------------------


def codes(workflow: WorkflowSpec) -> list[tuple[FindingCode, Severity]]:
    agents = {each.name: each for each in AGENTS}
    snapshot = build_snapshot(workflow, agents, {"note_urgency": NOTE})
    return [(each.code, each.severity) for each in verify(snapshot)]


def test_a_node_that_ends_calls_is_an_exit() -> None:
    assert codes(flow(connection("desk", "bye"), bye=END)) == []
    assert codes(flow(connection("desk", "bye"))) == [(FindingCode.NO_EXIT, Severity.ERROR)]


def test_what_follows_the_end_of_the_call_is_found() -> None:
    assert codes(flow(connection("desk", "bye"), connection("bye", "doctor"), bye=END)) == [
        (FindingCode.NEVER_TAKEN, Severity.WARNING),
        (FindingCode.UNREACHABLE_NODE, Severity.ERROR),
    ]


def test_a_node_that_routes_needs_a_connection() -> None:
    nowhere = flow(connection("desk", "router"), connection("desk", "doctor"), router=ROUTE)
    assert (FindingCode.ROUTES_TO_NOWHERE, Severity.ERROR) in codes(nowhere)
    perhaps = flow(
        connection("desk", "router"),
        connection("router", "doctor", condition="user.x"),
        router=ROUTE,
    )
    assert codes(perhaps) == [(FindingCode.ROUTES_TO_NOWHERE, Severity.WARNING)]
    default = connection("router", "doctor", condition="user.x", is_default=True)
    assert codes(flow(connection("desk", "router"), default, router=ROUTE)) == []


# ---- what is stored ---------------------------------------------------------------------------


def test_versions_without_entry_actions_keep_their_checksums() -> None:
    snapshot = build_snapshot(flow(connection("desk", "bye")), {}, {})
    plain, checksum = snapshot_to_json(snapshot)
    assert all("on_entry" not in node for node in plain["workflow"]["nodes"])
    assert snapshot_from_json(plain) == snapshot
    ending = build_snapshot(flow(connection("desk", "bye"), bye=END), {}, {})
    with_it, other = snapshot_to_json(ending)
    assert other != checksum
    assert snapshot_from_json(with_it) == ending


def test_entry_actions_are_part_of_bundles() -> None:
    spec = flow(connection("desk", "bye"), bye=END)
    written = write_bundle(Bundle(workflows=(spec,)))
    assert [node.get("onEntry") for node in written["workflows"][0]["nodes"]] == [None, "END_CALL"]
    assert read_bundle(written).workflows == (spec,)
