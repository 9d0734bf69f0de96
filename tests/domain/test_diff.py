"""Differences between snapshots: complete, matched by name, and readable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bundles.diff import ChangeKind, diff, summary_line, to_json
from domain.tools.actions import ContextSet, EndCall, FlagSet, Respond
from domain.tools.model import ToolSpec
from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice, Variable
from domain.workflows.model import Connection, Node, Position, Snapshot, WorkflowSpec
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION

ADDED, REMOVED, CHANGED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED
NOW = Snapshot(
    workflow=CLINIC,
    agents={"booking": BOOKING, "reception": RECEPTION},
    tools={"book_appointment": BOOK},
)


def clinic(**workflow: Any) -> Snapshot:
    return replace(NOW, workflow=replace(CLINIC, **workflow))


def booking(**agent: Any) -> Snapshot:
    return replace(NOW, agents={**NOW.agents, "booking": replace(BOOKING, **agent)})


def book(**tool: Any) -> Snapshot:
    return replace(NOW, tools={"book_appointment": replace(BOOK, **tool)})


def texts(before: Snapshot | None, after: Snapshot) -> list[str]:
    return [change.text for change in diff(before, after)]


def test_nodes_and_connections_are_matched_by_their_names() -> None:
    reception, desk = CLINIC.nodes
    goodbye = Node(id="bye", agent="booking", is_exit=True, position=Position(x=1, y=2))
    way = Connection(source="booking", target="bye", context_passed=("slot",))
    after = clinic(
        nodes=(goodbye, reception, replace(desk, is_exit=False)),
        connections=(way, replace(CLINIC.connections[0], description="asks for a day")),
    )
    found = [(".".join(c.path), c.kind, c.before, c.after) for c in diff(NOW, after)]
    assert found == [
        ("workflow.nodes.booking.isExit", CHANGED, True, False),
        (
            "workflow.nodes.bye",
            ADDED,
            None,
            to_json(goodbye),
        ),
        (
            "workflow.connections.reception->booking.description",
            CHANGED,
            "wants an appointment",
            "asks for a day",
        ),
        (
            "workflow.connections.booking->bye",
            ADDED,
            None,
            to_json(way),
        ),
    ]


def test_values_are_json_with_the_field_names_of_the_api() -> None:
    way = Connection(source="a", target="b", context_passed=("slot",))
    known = {"source": "a", "target": "b", "description": "", "contextPassed": ["slot"]}
    shown = to_json(way)
    assert isinstance(shown, dict)
    assert shown | known == shown


def test_a_changed_order_is_a_change() -> None:
    assert texts(NOW, clinic(nodes=CLINIC.nodes[::-1])) == [
        'workflow.nodes: order ["reception", "booking"] -> ["booking", "reception"]'
    ]


def test_field_names_are_those_of_the_api() -> None:
    assert texts(NOW, clinic(name="praxis", display_name="Clinic")) == [
        'workflow.slug: "clinic" -> "praxis"',
        'workflow.name: null -> "Clinic"',
    ]


def test_json_is_compared_key_by_key() -> None:
    properties = {"slot": {"type": "string", "maxLength": 9}, "name": {"type": "string"}}
    after = book(parameters={**BOOK.parameters, "properties": properties, "required": ["name"]})
    assert texts(NOW, after) == [
        "tools.book_appointment.parameters.properties.slot.maxLength: added 9",
        'tools.book_appointment.parameters.properties.name: added {"type": "string"}',
        'tools.book_appointment.parameters.required.slot: removed "slot"',
        'tools.book_appointment.parameters.required.name: added "name"',
    ]
    assert texts(NOW, book(parameters=dict(reversed(list(BOOK.parameters.items()))))) == []


def test_true_is_not_one() -> None:
    before, after = ({"strict": value} for value in (1, True))
    changes = texts(book(parameters=before), book(parameters=after))
    assert changes == ["tools.book_appointment.parameters.strict: 1 -> true"]


def test_an_inserted_action_is_one_change() -> None:
    first, *others = BOOK.actions
    after = book(actions=(first, FlagSet(flag="asked"), *others))
    assert [(c.path[-1], c.kind) for c in diff(NOW, after)] == [("1", ADDED)]
    assert [(c.path[-1], c.kind) for c in diff(after, NOW)] == [("1", REMOVED)]
    changed = book(actions=(first, FlagSet(flag="asked"), *others[1:]))
    assert texts(NOW, changed) == ['tools.book_appointment.actions.1.flag: "booked" -> "asked"']


def test_long_texts_are_shown_as_unified_diffs() -> None:
    lines = [f"Rule {number}." for number in range(20)]
    before = booking(prompt=Prompt(system="\n".join(lines)))
    after = booking(prompt=Prompt(system="\n".join([*lines[:9], "Be kind.", *lines[10:]])))
    [change] = diff(before, after)
    assert change.text.splitlines() == [
        "--- agents.booking.prompt.system",
        "+++ agents.booking.prompt.system",
        "@@ -7,7 +7,7 @@",
        " Rule 6.",
        " Rule 7.",
        " Rule 8.",
        "-Rule 9.",
        "+Be kind.",
        " Rule 10.",
        " Rule 11.",
        " Rule 12.",
    ]
    assert summary_line(change) == (
        "agents.booking.prompt.system: text changed (1 lines removed, 1 added)"
    )
    [break_] = diff(before, booking(prompt=Prompt(system="\n".join([*lines, ""]))))
    assert break_.text.endswith("\n Rule 19.\n+")


def test_a_hostile_text_is_summarized_instead_of_compared() -> None:
    before, after = ("\n".join(pair * 8_000) for pair in ("xy", "xz"))
    [change] = diff(booking(prompt=Prompt(system=before)), booking(prompt=Prompt(system=after)))
    assert change.text == (
        "agents.booking.prompt.system: text changed (16000 lines -> 16000 lines)"
    )


def test_compared_with_nothing_everything_is_added() -> None:
    assert [(c.path, c.kind) for c in diff(None, NOW)] == [
        (("workflow", "nodes", "reception"), ADDED),
        (("workflow", "nodes", "booking"), ADDED),
        (("workflow", "connections", "reception->booking"), ADDED),
        (("workflow", "sharedContext", "slot"), ADDED),
        (("agents", "booking"), ADDED),
        (("agents", "reception"), ADDED),
        (("tools", "book_appointment"), ADDED),
    ]


# ---- whatever the snapshots are -------------------------------------------------------------

names = st.sampled_from("abcd")
words = st.sampled_from(["", "a", "b\nc", "x" * 200, "€\u2028"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.just(0.5) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(words, values, max_size=3)


def some(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Few values from a small range, so that names collide and repeat."""
    return st.lists(items, max_size=4).map(tuple)


positions = st.builds(Position, x=st.integers(0, 2), y=st.just(0.0))
nodes = st.builds(Node, id=names, agent=names, position=st.none() | positions)
ways = st.builds(
    Connection, source=names, target=names, description=words, context_passed=some(names)
)
workflows = st.builds(
    WorkflowSpec,
    name=names,
    description=st.none() | words,
    nodes=some(nodes),
    connections=some(ways),
    shared_context=some(names),
)
prompts = st.builds(
    Prompt, system=words, variables=some(st.builds(Variable, name=names, default=words))
)
choices = st.builds(ProviderChoice, provider=names, model=names, options=objects)
agents = st.builds(AgentSpec, name=names, prompt=prompts, llm=choices, tools=some(names))
actions = (
    st.builds(ContextSet, path=names, value=values)
    | st.builds(FlagSet, flag=names)
    | st.builds(Respond, message=words)
    | st.builds(EndCall)
)
tools = st.builds(
    ToolSpec, name=names, description=words, parameters=objects, actions=some(actions)
)
snapshots = st.builds(
    Snapshot,
    workflow=workflows,
    agents=st.dictionaries(names, agents, max_size=3),
    tools=st.dictionaries(names, tools, max_size=3),
)
OPPOSITE = {ADDED: REMOVED, REMOVED: ADDED, CHANGED: CHANGED}


@settings(max_examples=150, deadline=None)
@given(snapshots)
def test_equal_snapshots_have_no_changes(snapshot: Snapshot) -> None:
    assert diff(snapshot, snapshot) == ()


@settings(max_examples=150, deadline=None)
@given(snapshots, snapshots)
def test_reversed_diffs_are_opposites(one: Snapshot, other: Snapshot) -> None:
    there, back = diff(one, other), diff(other, one)
    assert bool(there) == (_written(one) != _written(other))
    assert {(c.path, OPPOSITE[c.kind]) for c in there} == {(c.path, c.kind) for c in back}
    assert all(c.text and "\n" not in summary_line(c) for c in there)
    assert diff(one, other) == there


@settings(max_examples=150, deadline=None)
@given(objects, objects)
def test_every_different_leaf_is_reported(before: dict[str, Any], after: dict[str, Any]) -> None:
    root = ("tools", "book_appointment", "parameters")
    changes = diff(book(parameters=before), book(parameters=after))
    paths = [c.path[len(root) :] for c in changes]
    assert {c.path[: len(root)] for c in changes} <= {root}
    old, new = dict(_leaves(before)), dict(_leaves(after))
    differing = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    for leaf in differing:
        assert any(leaf[: len(path)] == path or path[: len(leaf)] == leaf for path in paths), leaf
    for path in paths:
        assert any(leaf[: len(path)] == path or path[: len(leaf)] == leaf for leaf in differing)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The leaves of nested objects by path; lists count as leaves."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    else:
        yield path, _written(value)


def _written(value: Any) -> str:
    return json.dumps(to_json(value), sort_keys=True)
