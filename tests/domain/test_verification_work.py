"""The time of a verification is bounded for any workflow; large workflows are verified completely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import pytest

from bench.workflows import HARD_WORKFLOWS, forked_workflow
from domain.common.errors import InvalidInput
from domain.common.findings import Finding, FindingCode, Severity
from domain.templating import expressions
from domain.verification import DRAFT, PUBLISH, Effort, build_snapshot, verify
from domain.workflows.model import (
    MAX_KEYS,
    Connection,
    Node,
    Snapshot,
    WorkflowSpec,
    check_workflow,
)
from tests.support.cpu import MAX_GROWTH, cpu_growth, cpu_seconds
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION

CHAPTERS = 10


def reported(found: Sequence[Finding]) -> dict[str, int]:
    return dict(Counter(finding.code.value for finding in found))


def valid_workflow(condition: Callable[[int, int], str]) -> Snapshot:
    """Ten by ten nodes; from each, ways with a condition lead to all of the next ten: 900 of them,
    and one without leads on. No two nodes are joined twice and no condition is hidden."""
    ids = [[f"n{row}_{place}" for place in range(CHAPTERS)] for row in range(CHAPTERS)]
    nodes = tuple(
        Node(
            id=id, agent="reception", is_entry=row == 0 and place == 0, is_exit=row == CHAPTERS - 1
        )
        for row, each in enumerate(ids)
        for place, id in enumerate(each)
    )
    ways = tuple(
        Connection(source=ids[row][a], target=ids[row + 1][b], condition=condition(row * 10 + a, b))
        for row, a, b in product(range(CHAPTERS - 1), range(CHAPTERS), range(CHAPTERS))
    )
    start = tuple(
        Connection(source=a, target=b, may_repeat=2)
        for a, b in zip(ids[0], ids[0][1:], strict=False)
    )
    spec = WorkflowSpec(name="large", nodes=nodes, connections=(*start, *ways))
    return build_snapshot(spec, {"reception": RECEPTION}, {})


VALID: dict[str, Callable[[int, int], str]] = {
    "equality": lambda node, way: f'user.answer{node} == "{way}"',
    "lists": lambda node, way: f"user.n in [{', '.join(str(way * 20 + n) for n in range(20))}]",
    "two values": lambda node, way: f'user.vip and user.city == "c{way}"',
    "order": lambda node, way: f"user.n > {100 - way} and user.n <= {101 - way}",
    "steps": lambda node, way: f"user.n > {100 - way}",
    "not equal": lambda node, way: f"user.a{way} != 1 and user.b{node} is not empty",
}


@pytest.mark.parametrize("name", VALID)
def test_a_large_valid_workflow_is_verified_completely(name: str) -> None:
    snapshot = valid_workflow(VALID[name])
    assert len(snapshot.workflow.connections) == 909
    assert verify(snapshot, effort=DRAFT) == ()


def test_a_thousand_equality_conditions_of_one_node_are_verified() -> None:
    conditions = [f"user.y == {n}" for n in range(1_000)]
    hidden = [*conditions[:-1], "user.y == 500"]
    assert reported(verify(forked_workflow(conditions))) == {"DUPLICATE_CONNECTION": 1_000}
    found = verify(forked_workflow(hidden))
    assert reported(found) == {"DUPLICATE_CONNECTION": 1_000, "SHADOWED": 1}
    [shadowed] = [each for each in found if each.code is FindingCode.SHADOWED]
    assert shadowed.path == ("connections", "999", "condition")


@pytest.mark.parametrize("name", HARD_WORKFLOWS)
def test_verification_of_any_workflow_is_bounded(name: str) -> None:
    """Measured: at most 0.1 s, and 1 s for publishing. Unbounded work would take minutes."""
    snapshot = HARD_WORKFLOWS[name]()
    assert cpu_seconds(lambda: verify_uncached(snapshot, DRAFT), 1) < 1.5
    assert cpu_seconds(lambda: verify_uncached(snapshot, PUBLISH), 1) < 12


def test_verification_time_is_linear_in_the_conditions() -> None:
    quarter, whole = [
        forked_workflow([f"user.y == {n}" for n in range(count)]) for count in (250, 1_000)
    ]
    grown = cpu_growth(
        lambda: verify_uncached(quarter, PUBLISH), lambda: verify_uncached(whole, PUBLISH)
    )
    assert grown < MAX_GROWTH


def test_the_values_that_parameters_declare_count_as_work() -> None:
    kinds = [*[{"type": "string"}] * 300, {"type": "integer"}]
    slot = {"enum": list(range(1_000)), "anyOf": kinds}
    tool = replace(BOOK, parameters={"type": "object", "properties": {"slot": slot}})
    agents = {agent.name: agent for agent in (RECEPTION, BOOKING)}
    snapshot = build_snapshot(CLINIC, agents, {BOOK.name: tool})
    assert "TOO_COMPLEX" in reported(verify(snapshot, effort=DRAFT))
    assert "TOO_COMPLEX" not in reported(verify(snapshot, effort=PUBLISH))


def verify_uncached(snapshot: Snapshot, effort: Effort) -> None:
    expressions.parse.cache_clear()
    verify(snapshot, effort=effort)


def test_a_workflow_that_is_too_complex_is_reported_and_not_published() -> None:
    # No two nodes are connected twice, so there are no other findings: each pair is compared.
    snapshot = valid_workflow(
        lambda node, way: f"user.a{way % 7} > {way} or user.b{node % 3} != {way}"
    )
    spec = snapshot.workflow
    ways = tuple(
        Connection(source=way.source, target=way.target, condition=way.condition)
        for way in spec.connections[9:]
    )
    some = Effort(2_000, Severity.WARNING)
    for effort in (some, Effort(2_000, Severity.ERROR)):
        [last] = verify(used_by_ways(spec, ways, snapshot), effort=effort)[-1:]
        assert (last.code, last.severity) == (FindingCode.TOO_COMPLEX, effort.severity)
    assert PUBLISH.severity is Severity.ERROR
    assert PUBLISH.max_work >= 10 * DRAFT.max_work


def used_by_ways(spec: WorkflowSpec, ways: tuple[Connection, ...], snapshot: Snapshot) -> Snapshot:
    changed = WorkflowSpec(name=spec.name, nodes=spec.nodes, connections=ways)
    return build_snapshot(changed, snapshot.agents, {})


def test_messages_do_not_repeat_long_conditions() -> None:
    long = " or ".join(f"user.n == {n}" for n in range(60))
    found = verify(forked_workflow([long, "user.n == 3"]))
    [shadowed] = [each for each in found if each.code is FindingCode.SHADOWED]
    assert len(shadowed.message) < 400


def test_conditions_are_bounded_together() -> None:
    conditions = [" or ".join(f"user.v{n}" for n in range(150))] * 100
    with pytest.raises(
        InvalidInput, match="may have at most 131072 characters in total"
    ) as refused:
        check_workflow(forked_workflow(conditions).workflow)
    assert refused.value.path == ("connections",)


@pytest.mark.parametrize("field", ["sharedContext", "contextPassed"])
def test_lists_of_keys_are_bounded(field: str) -> None:
    keys = tuple(f"k{n}" for n in range(MAX_KEYS + 1))
    way = Connection(source="a", target="b", context_passed=keys)
    spec = (
        WorkflowSpec(name="w", shared_context=keys)
        if field == "sharedContext"
        else WorkflowSpec(name="w", connections=(way,))
    )
    with pytest.raises(
        InvalidInput, match=f"{field} may have at most {MAX_KEYS} keys, not 101"
    ) as refused:
        check_workflow(spec)
    assert (refused.value.path or ())[-1:] == (field,)
