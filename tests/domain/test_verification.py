"""Verification: invalid workflows have exactly the expected findings, valid ones have none."""

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


BASE, INVALID, VALID = (
    read("base_workflow.yaml"),
    read("invalid_workflows.yaml"),
    read("valid_workflows.yaml"),
)


def findings_of(case: dict[str, Any]) -> tuple[Finding, ...]:
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
    """Set a value; `+` appends to a list, and null removes."""
    *parents, last = path
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if last == "+":
        place.append(value)
    elif isinstance(place, list):
        place[int(last)] = value
    elif value is None:
        place.pop(last, None)
    else:
        place[last] = value


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_workflow_has_exactly_these_findings(name: str) -> None:
    case = INVALID[name]
    found = findings_of(case)
    reported = [f"{f.code.value} {f.severity.value[0]} {'.'.join(f.path)}" for f in found]
    assert reported == case["expect"]
    assert all(len(f.message) > 10 and len(f.fix) > 10 for f in found)


@pytest.mark.parametrize("name", VALID)
def test_a_valid_workflow_has_no_findings(name: str) -> None:
    assert findings_of(VALID[name]) == ()


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert (len(INVALID) >= 60, len(VALID) >= 20) == (True, True)
    changes = [repr(case) for case in INVALID.values()]
    assert len(set(changes)) == len(changes)


# Saved before a rule existed; input rejects them now.
SAVED_EARLIER = {
    "INVALID_WORKFLOW": (("slug",), WorkflowSpec(name="No Slug")),
    "INVALID_AGENT": (("agents", "reception", "defaultLanguage"), {"default_language": "x"}),
    "INVALID_TOOL": (("tools", "book", "actions"), {"actions": ()}),
}


def test_items_saved_before_a_rule_existed_are_found() -> None:

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
        assert [(f.code, f.path) for f in found] == [(code, SAVED_EARLIER[code][0])]


def test_every_code_has_a_case() -> None:
    named = {line.split()[0] for case in INVALID.values() for line in case["expect"]}
    # Whether there is an audio store depends on the installation and is checked at publishing.
    # Workflows that are too complex to be verified, imports, what depends on the tenant's telephone
    # lines, and the digits of tools have tests of their own.
    elsewhere = {"NO_RECORDINGS", "TOO_COMPLEX", "NOT_CONVERTED"}
    elsewhere |= {"NO_TELEPHONE", "NO_PHONE_NUMBER", "TRANSFER_NOT_ALLOWED"}
    elsewhere |= {"UNKNOWN_DIGITS", "MASKED_DIGITS"}
    assert named | SAVED_EARLIER.keys() | elsewhere == {code.value for code in FindingCode}


# ---- properties of any graph ------------------------------------------------------------------

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
connection_lists = st.lists(
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
    WorkflowSpec, name=st.just("w"), nodes=nodes.map(tuple), connections=connection_lists.map(tuple)
)
contexts = st.fixed_dictionaries(
    {
        "flags": st.dictionaries(st.sampled_from("xy"), st.booleans()),
        "user": st.dictionaries(st.sampled_from("nm"), st.integers(0, 3)),
    }
)


def snapshot_of(workflow: WorkflowSpec) -> Snapshot:
    return build_snapshot(workflow, {"reception": RECEPTION}, {})


@steps(max_examples=200, deadline=None)
@given(graphs, contexts)
def test_without_errors_no_conversation_gets_stuck(workflow: WorkflowSpec, context: Any) -> None:
    found = verify(snapshot_of(workflow))
    if any(finding.severity is Severity.ERROR for finding in found):
        return
    here = resolve_node(workflow, workflow.entry.id, lambda _: context).node
    exits = {node.id for node in workflow.nodes if node.is_exit}
    reached, todo = {here}, [here]
    while todo:
        at = todo.pop()
        connection = triggered_connection(workflow, at, context)
        chosen = (
            [connection]
            if connection
            else [w for w in workflow.outgoing(at) if w.condition is None]
        )
        for each in chosen:
            target = resolve_node(workflow, each.target, lambda _: context).node
            if target not in reached:
                reached.add(target)
                todo.append(target)
    assert all(node in exits or workflow.outgoing(node) for node in reached)


@steps(max_examples=200, deadline=None)
@given(graphs, contexts)
def test_findings_about_conditions_are_true(workflow: WorkflowSpec, context: Any) -> None:
    for finding in verify(snapshot_of(workflow)):
        if finding.code is FindingCode.SHADOWED:
            hidden = workflow.connections[int(finding.path[1])]
            assert triggered_connection(workflow, hidden.source, context) is not hidden


# ---- properties of any condition --------------------------------------------------------------

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
condition_texts = st.recursive(
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


@steps(max_examples=500, deadline=None)
@given(condition_texts, condition_texts, st.lists(seen, min_size=8, max_size=8))
def test_proofs_about_conditions_hold(one: str, other: str, contexts: list[Any]) -> None:
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
    for finding in verify(snapshot_of(fork)):
        connection = (
            fork.connections[int(finding.path[1])] if finding.path[:1] == ("connections",) else None
        )
        if connection is None or connection.condition is None:
            continue
        truths = {evaluate_bool(connection.condition, context) for context in contexts}
        if finding.code is FindingCode.NEVER_TRUE:
            assert truths == {False}
        elif finding.code is FindingCode.ALWAYS_TRUE:
            assert truths == {True}
        elif finding.code is FindingCode.SHADOWED:
            assert all(
                triggered_connection(fork, "a", context) is not connection for context in contexts
            )
