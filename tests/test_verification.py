"""Each way a workflow can be unsound is found, named and located."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.agents import ProviderChoice
from domain.findings import FindingCode
from domain.verification import used_by, verify
from domain.workflows import Connection, Node, Snapshot, WorkflowSpec
from tests.clinic import BOOK, BOOKING, CLINIC, RECEPTION

AGENTS = {agent.name: agent for agent in (RECEPTION, BOOKING)}
TOOLS = {BOOK.name: BOOK}


def of(workflow: WorkflowSpec) -> Snapshot:
    return used_by(workflow, AGENTS, TOOLS)


def nodes(*given: Node) -> Snapshot:
    return of(replace(CLINIC, nodes=given))


RECEPTION_NODE, BOOKING_NODE = CLINIC.nodes
LINK = CLINIC.connections[0]
OUT = Node(id="out", agent="booking", is_exit=True)

UNSOUND: dict[str, tuple[Snapshot, list[tuple[FindingCode, tuple[str, ...]]]]] = {
    "no entry": (
        nodes(replace(RECEPTION_NODE, is_entry=False), BOOKING_NODE),
        [(FindingCode.NO_ENTRY, ("nodes",))],
    ),
    "two entries": (
        nodes(RECEPTION_NODE, replace(BOOKING_NODE, is_entry=True)),
        [(FindingCode.MANY_ENTRIES, ("nodes",))],
    ),
    "no exit": (
        nodes(RECEPTION_NODE, replace(BOOKING_NODE, is_exit=False)),
        [(FindingCode.NO_EXIT, ("nodes",))],
    ),
    "the same id twice": (
        nodes(RECEPTION_NODE, BOOKING_NODE, BOOKING_NODE),
        [
            (FindingCode.DUPLICATE_NODE, ("nodes", "1", "id")),
            (FindingCode.DUPLICATE_NODE, ("nodes", "2", "id")),
        ],
    ),
    "an agent that is not there": (
        nodes(RECEPTION_NODE, replace(BOOKING_NODE, agent="nobody")),
        [(FindingCode.UNKNOWN_AGENT, ("nodes", "1", "agent"))],
    ),
    "a connection to nowhere": (
        of(replace(CLINIC, connections=(LINK, Connection(source="reception", target="x")))),
        [(FindingCode.UNKNOWN_NODE, ("connections", "1", "target"))],
    ),
    "a connection twice": (
        of(replace(CLINIC, connections=(LINK, LINK))),
        [
            (FindingCode.DUPLICATE_CONNECTION, ("connections", "0")),
            (FindingCode.DUPLICATE_CONNECTION, ("connections", "1")),
        ],
    ),
    "a node nobody reaches": (
        nodes(RECEPTION_NODE, BOOKING_NODE, OUT),
        [(FindingCode.UNREACHABLE_NODE, ("nodes", "2"))],
    ),
    "a node without a way out": (
        of(
            replace(
                CLINIC,
                nodes=(RECEPTION_NODE, replace(BOOKING_NODE, is_exit=False), OUT),
                connections=(LINK, Connection(source="reception", target="out")),
            )
        ),
        [(FindingCode.DEAD_END, ("nodes", "1"))],
    ),
    "a tool that is not there": (
        used_by(CLINIC, AGENTS, {}),
        [(FindingCode.UNKNOWN_TOOL, ("agents", "booking", "tools"))],
    ),
    "a provider that is not there": (
        used_by(
            CLINIC,
            AGENTS | {"reception": replace(RECEPTION, llm=ProviderChoice(provider="x", model="y"))},
            TOOLS,
        ),
        [(FindingCode.UNKNOWN_PROVIDER, ("agents", "reception", "llm", "provider"))],
    ),
    "an agent without a model": (
        used_by(CLINIC, AGENTS | {"reception": replace(RECEPTION, llm=None)}, TOOLS),
        [(FindingCode.NO_MODEL, ("agents", "reception", "llm"))],
    ),
    "a tool with the name of a hand-off": (
        used_by(
            CLINIC,
            AGENTS | {"booking": replace(BOOKING, tools=("end_call",))},
            {"end_call": replace(BOOK, name="end_call")},
        ),
        [(FindingCode.TOOL_NAME_CLASH, ("agents", "booking", "tools"))],
    ),
}


def test_a_sound_workflow_has_no_finding() -> None:
    assert verify(of(CLINIC)) == ()


@pytest.mark.parametrize("case", UNSOUND, ids=lambda case: case.replace(" ", "-"))
def test_what_is_unsound_is_found(case: str) -> None:
    snapshot, expected = UNSOUND[case]
    found = verify(snapshot)
    assert [(f.code, f.path) for f in found] == expected
    assert all(f.message and f.fix for f in found)


def test_every_code_has_a_case() -> None:
    covered = {code for _, expected in UNSOUND.values() for code, _ in expected}
    assert covered == set(FindingCode)
