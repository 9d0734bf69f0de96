"""Workflows that are unsound, each found out exactly; and sound ones, of which nothing is said."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as steps
from hypothesis import strategies as st

from domain.bundles.model import read_bundle
from domain.bundles.yaml_json import parse_document
from domain.common.findings import Finding, FindingCode, Severity
from domain.templating.expressions import evaluate_bool
from domain.tenants.settings import NO_SETTINGS
from domain.verification import build_snapshot, verify
from domain.workflows.model import Connection, Node, Snapshot, WorkflowSpec
from domain.workflows.routing import resolve_node, triggered_connection
from tests.support.demo_workflow import BOOK, RECEPTION
from tests.support.paths import CORPUS


def read(name: str) -> Any:
    return parse_document((CORPUS / name).read_text()).value


BASE, UNSOUND, SOUND = read("base.yaml"), read("unsound.yaml"), read("sound.yaml")


def found_in(case: dict[str, Any]) -> tuple[Finding, ...]:
    plain = copy.deepcopy(BASE)
    for path, value in case.get("set", {}).items():
        put_at(plain, path.split("."), value)
    bundle = read_bundle(plain)
    snapshot = bundle.snapshot("surgery")
    assert snapshot is not None
    keys = frozenset(case["keys"]) if "keys" in case else None
    settings = None if case.get("settings") == "none" else bundle.settings or NO_SETTINGS
    return verify(snapshot, settings, keys)


def put_at(place: Any, path: list[str], value: Any) -> None:
    """`+` adds to a list; null removes."""
    *way, last = path
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if last == "+":
        place.append(value)
    elif isinstance(place, list):
        place[int(last)] = value
    elif value is None:
        place.pop(last, None)
    else:
        place[last] = value


@pytest.mark.parametrize("name", UNSOUND)
def test_what_is_unsound_is_found_exactly(name: str) -> None:
    case = UNSOUND[name]
    found = found_in(case)
    told = [f"{f.code.value} {f.severity.value[0]} {'.'.join(f.path)}" for f in found]
    assert told == case["expect"]
    assert all(len(f.message) > 10 and len(f.fix) > 10 for f in found)


@pytest.mark.parametrize("name", SOUND)
def test_of_what_is_sound_nothing_is_said(name: str) -> None:
    assert found_in(SOUND[name]) == ()


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert (len(UNSOUND) >= 60, len(SOUND) >= 20) == (True, True)
    changes = [repr(case) for case in UNSOUND.values()]
    assert len(set(changes)) == len(changes)


# Saved before there was a rule; input refuses them now.
OLD = {
    "INVALID_WORKFLOW": (("slug",), WorkflowSpec(name="No Slug")),
    "INVALID_AGENT": (("agents", "reception", "defaultLanguage"), {"default_language": "x"}),
    "INVALID_TOOL": (("tools", "book", "actions"), {"actions": ()}),
}


def test_parts_that_are_older_than_a_rule_are_found() -> None:

    node = Node(id="a", agent="reception", is_entry=True, is_exit=True)
    spec = WorkflowSpec(name="w", nodes=(node,))
    agent = replace(RECEPTION, tools=("book",))
    tool = replace(BOOK, name="book")
    for code, change in (
        ("INVALID_WORKFLOW", (replace(spec, name="No Slug"), agent, tool)),
        ("INVALID_AGENT", (spec, replace(agent, default_language="x"), tool)),
        ("INVALID_TOOL", (spec, agent, replace(tool, actions=()))),
    ):
        flow, who, what = change
        found = verify(build_snapshot(flow, {"reception": who}, {"book": what}))
        assert [(f.code, f.path) for f in found] == [(code, OLD[code][0])]


def test_every_code_has_a_case() -> None:
    named = {line.split()[0] for case in UNSOUND.values() for line in case["expect"]}
    # Whether there is a place for recordings is a matter of the installation: told at publishing.
    # Of workflows that are too complex to be verified, and of imports, there are tests of their own.
    elsewhere = {"NO_RECORDINGS", "TOO_COMPLEX", "NOT_CONVERTED"}
    assert named | OLD.keys() | elsewhere == {code.value for code in FindingCode}


# ---- whatever the graph is ------------------------------------------------------------------

ids = st.sampled_from("abcd")
conditions = st.none() | st.sampled_from(
    ["flags.x", "not flags.x", "user.n > 1", "user.n > 2 or flags.y", "true", "user.n < user.m"]
)
nodes = st.lists(
    st.builds(
        Node,
        id=ids,
        agent=st.just("reception"),
        is_entry=st.booleans(),
        is_exit=st.booleans(),
        skip_condition=conditions,
    ),
    max_size=4,
    unique_by=lambda node: node.id,
)
ways = st.lists(
    st.builds(
        Connection,
        source=ids,
        target=ids,
        condition=conditions,
        priority=st.integers(0, 1),
        is_default=st.booleans(),
        may_repeat=st.integers(1, 3),
    ),
    max_size=8,
)
graphs = st.builds(
    WorkflowSpec, name=st.just("w"), nodes=nodes.map(tuple), connections=ways.map(tuple)
)
contexts = st.fixed_dictionaries(
    {
        "flags": st.dictionaries(st.sampled_from("xy"), st.booleans()),
        "user": st.dictionaries(st.sampled_from("nm"), st.integers(0, 3)),
    }
)


def of(workflow: WorkflowSpec) -> Snapshot:
    return build_snapshot(workflow, {"reception": RECEPTION}, {})


@steps(max_examples=400, deadline=None)
@given(graphs, contexts)
def test_where_no_error_is_found_no_conversation_is_stranded(
    workflow: WorkflowSpec, context: Any
) -> None:
    found = verify(of(workflow))
    if any(finding.severity is Severity.ERROR for finding in found):
        return
    here = resolve_node(workflow, workflow.entry.id, lambda _: context).node
    exits = {node.id for node in workflow.nodes if node.is_exit}
    reached, todo = {here}, [here]
    while todo:
        at = todo.pop()
        way = triggered_connection(workflow, at, context)
        chosen = [way] if way else [w for w in workflow.outgoing(at) if w.condition is None]
        for each in chosen:
            landed = resolve_node(workflow, each.target, lambda _: context).node
            if landed not in reached:
                reached.add(landed)
                todo.append(landed)
    assert all(node in exits or workflow.outgoing(node) for node in reached)


@steps(max_examples=400, deadline=None)
@given(graphs, contexts)
def test_what_is_said_of_conditions_is_true(workflow: WorkflowSpec, context: Any) -> None:
    for finding in verify(of(workflow)):
        if finding.code is FindingCode.SHADOWED:
            hidden = workflow.connections[int(finding.path[1])]
            assert triggered_connection(workflow, hidden.source, context) is not hidden


# ---- whatever a condition says --------------------------------------------------------------

paths = st.sampled_from(["user.a", "user.b", "flags.x", "workflow.list"])
literals = st.sampled_from(["0", "1", "1.5", "-1", '"a"', '"b"', '""', "true", "false", "null"])
tests = st.one_of(
    paths,
    st.tuples(paths, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), literals).map(" ".join),
    st.tuples(literals, st.just("in"), paths).map(" ".join),
    st.tuples(paths, literals, literals).map(lambda t: f"{t[0]} in [{t[1]}, {t[2]}]"),
    paths.map(lambda path: f"{path} is empty"),
    st.tuples(paths, st.just("<"), paths).map(" ".join),
)
written = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=6,
)
kinds = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2),
    st.sampled_from(["", "a", "ab", "b", "c", "ba"]),
    st.lists(st.sampled_from([0, 1, "a", "b", None, True]), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.just(1), max_size=2),
)
seen = st.fixed_dictionaries(
    {
        "user": st.fixed_dictionaries({}, optional={"a": kinds, "b": kinds}),
        "flags": st.fixed_dictionaries({}, optional={"x": st.booleans()}),
        "workflow": st.fixed_dictionaries({}, optional={"list": kinds}),
    }
)


@steps(max_examples=1_500, deadline=None)
@given(written, written, st.lists(seen, min_size=8, max_size=8))
def test_what_is_proven_of_conditions_holds(one: str, other: str, contexts: list[Any]) -> None:
    fork = WorkflowSpec(
        name="w",
        nodes=(
            Node(id="a", agent="reception", is_entry=True),
            Node(id="b", agent="reception", is_exit=True),
            Node(id="c", agent="reception", is_exit=True),
        ),
        connections=(
            Connection(source="a", target="b", condition=one),
            Connection(source="a", target="c", condition=other),
        ),
    )
    for finding in verify(of(fork)):
        way = (
            fork.connections[int(finding.path[1])] if finding.path[:1] == ("connections",) else None
        )
        if way is None or way.condition is None:
            continue
        truths = {evaluate_bool(way.condition, context) for context in contexts}
        if finding.code is FindingCode.NEVER_TRUE:
            assert truths == {False}
        elif finding.code is FindingCode.ALWAYS_TRUE:
            assert truths == {True}
        elif finding.code is FindingCode.SHADOWED:
            assert all(triggered_connection(fork, "a", context) is not way for context in contexts)
