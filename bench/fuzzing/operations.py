"""Sends generated operations to an API, and reports what no operation may cause.

The values are partly random and partly known, such as the ids and the names of objects of both tenants, so
that operations reach behind the first check of an argument."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import graphql
import httpx
import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

MAX_FINDINGS = 5
"""How many findings end the run of a role."""
OPERATIONS_PER_RUN = 200
TIMEOUT_SECONDS = 60.0
UNAVAILABLE_STATUS = 503
nodes = schemathesis.graphql.nodes


@dataclass(frozen=True, slots=True)
class Target:
    """An API, the credential to use, and what the operations should know."""

    url: str
    key: str
    ids: Sequence[str]
    """Global ids, also of objects of another tenant."""
    words: Sequence[str]
    """Names and other texts that arguments may refer to."""
    foreign_text: str
    """A text that only objects of another tenant contain."""


class _Over(Exception):
    """Ends a run, which would otherwise generate the rest of its operations."""


@dataclass(slots=True)
class Outcome:
    """What became of the operations of one credential."""

    operations: int = 0
    executed: int = 0
    """Operations without an error in `errors`."""
    codes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    slowest_document: str = ""
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)


def fuzz_operations(
    schema_file: Path,
    target: Target,
    operations: int,
    seed: int,
    timeout_seconds: float = float("inf"),
    roots: Sequence[str] = ("Query", "Mutation"),
    max_findings: int = MAX_FINDINGS,
) -> Outcome:
    """Send so many operations, unless the time is over or there are too many findings before."""
    documents, seeds = _documents(schema_file, target, roots), random.Random(seed)
    outcome, started_at = Outcome(), time.monotonic()
    deadline = started_at + timeout_seconds

    def is_over() -> bool:
        return (
            outcome.operations >= operations
            or len(outcome.findings) >= max_findings
            or time.monotonic() > deadline
        )

    with httpx.Client(base_url=target.url, timeout=TIMEOUT_SECONDS) as http:
        http.headers["x-api-key"] = target.key

        # Several short runs, because the memory that a run takes grows with its length.
        while not is_over():

            @hypothesis.seed(seeds.getrandbits(64))
            @hypothesis.settings(
                max_examples=min(OPERATIONS_PER_RUN, operations - outcome.operations),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            )
            @given(documents)
            def send(case: Any) -> None:
                if is_over():
                    raise _Over
                _send(http, case.body, target, outcome)

            with suppress(_Over):
                send()
    outcome.seconds = time.monotonic() - started_at
    return outcome


def _send(http: httpx.Client, document: str, target: Target, outcome: Outcome) -> None:
    outcome.operations += 1
    started_at = time.monotonic()
    try:
        response = http.post("/graphql", json={"query": document})
    except httpx.TransportError as error:
        outcome.findings.append(f"no response, {type(error).__name__}: {document}")
        return
    seconds = time.monotonic() - started_at
    if seconds > outcome.slowest:
        outcome.slowest, outcome.slowest_document = seconds, document
    outcome.statuses[response.status_code] += 1
    if target.foreign_text in response.text:
        outcome.findings.append(f"data of another tenant: {document}\n{response.text:.2000}")
    if response.status_code >= 500 and response.status_code != UNAVAILABLE_STATUS:
        outcome.findings.append(f"status {response.status_code}: {document}")
        return
    try:
        _count_errors(response.json(), document, outcome)
    except (ValueError, LookupError, TypeError, AttributeError):
        outcome.findings.append(f"not a GraphQL response: {document}\n{response.text:.2000}")


def _count_errors(answer: Any, document: str, outcome: Outcome) -> None:
    errors = answer.get("errors", ())
    outcome.executed += not errors
    if not errors and not isinstance(answer["data"], dict):
        raise TypeError
    for error in errors:
        code: str = error["extensions"]["code"]
        outcome.codes[code] += 1
        if code == "INTERNAL":
            outcome.findings.append(f"internal error {error['extensions']['ref']}: {document}")


def _documents(schema_file: Path, target: Target, roots: Sequence[str]) -> st.SearchStrategy[Any]:
    for name, strategy in _scalars(target).items():
        schemathesis.graphql.scalar(name, strategy.map(_to_node))
    schema = schemathesis.graphql.from_path(schema_file)
    operations = [operation for root in roots for operation in schema[root].values()]
    return st.one_of([operation.as_strategy() for operation in operations])


def _scalars(target: Target) -> dict[str, st.SearchStrategy[Any]]:
    """Values for each scalar. Known and random values are equally likely."""
    words = st.text(max_size=20)
    integers = st.integers(-(2**70), 2**70)
    documents = ["null", "{}", "{a: [1, {b: null}]}", "[true]", '{type: "object"}', '{k: "v"}']
    return {
        "ID": st.sampled_from([*target.ids]) | words,
        "String": st.sampled_from([*target.words]) | words,
        "Cursor": words,
        "Duration": st.sampled_from(["PT1S", "PT5M", "P99D", "PT0S", "soon"]),
        "DateTime": st.sampled_from(["2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "today"]),
        "Money": st.sampled_from(["0", "0.0045", "-1", "1e9", "999999999999.999999999"]),
        "JSON": words
        | integers
        | st.sampled_from([graphql.parse_value(text) for text in documents]),
    }


def _to_node(value: Any) -> graphql.ValueNode:
    match value:
        case str():
            return nodes.String(value)
        case int():
            return nodes.Int(value)
        case _:
            node: graphql.ValueNode = value
            return node
