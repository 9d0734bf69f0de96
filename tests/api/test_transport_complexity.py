"""Limits on documents: hostile ones are refused quickly, ordinary ones pass."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from graphql import GraphQLError, get_introspection_query

from graph.requests.cost import MAX_COST
from graph.requests.document_cache import DocumentCache, GraphQLDocument
from tests.support.cpu import cpu_seconds
from tests.support.toy_schema import toy_schema

SCHEMA = toy_schema([])._schema


def doubling(levels: int) -> str:
    parts = [f"fragment f{n} on Item{{name ...f{n + 1} ...f{n + 1}}}" for n in range(levels)]
    return "{items{edges{node{...f0}}}}" + "".join(parts) + f"fragment f{levels} on Item{{name}}"


def nested(levels: int) -> str:
    return "{items{edges{node{" + "items{" * levels + "name" + "}" * levels + "}}}}"


REFUSED = {
    "tokens": "{" + "hello " * 30_000,
    "length": "{hello " + " " * 33_000 + "}",
    "depth": nested(9),
    "fragment depth": "{items{edges{node{...a}}}}"
    + "".join(f"fragment {a} on Item{{items{{...{b}}}}}" for a, b in pairwise("abcdefghi"))
    + "fragment i on Item{name}",
    "doubling": doubling(20),
    "doubling to nowhere": doubling(48).replace("f48 on", "g on"),
    "cycle": "{...a} fragment a on Query{...b} fragment b on Query{...a}",
    "self": "{...a} fragment a on Query{hello ...a}",
    "aliases": "{items{edges{" + " ".join(f"a{n}:__typename" for n in range(16)) + "}}}",
    "fragment aliases": "{items{edges{...a ...a ...a ...a}}} fragment a on Edge{"
    + " ".join(f"a{n}:__typename" for n in range(4))
    + "}",
    "root fields": "{" + "hello " * 11 + "}",
    "directives": "{hello " + "@include(if:true) " * 51 + "}",
    "fragments": "{hello}" + "".join(f"fragment f{n} on Query{{hello}}" for n in range(51)),
    "pairs": "{items{edges{" + "__typename " * 100 + "}}}",
    "deep pairs": "{items{" + "edges{node{name name name}}" * 60 + "}}",
    "cost": "{items(first:100){edges{node{items(first:100){items(first:100){name}}}}}}",
    "introspection": "{" + "".join(f"a{n}:__schema{{types{{name}}}}" for n in range(6)) + "}",
    "nesting": "{hello" * 400 + "}" * 400,
    "values": "{hello(name:" + "[" * 400 + "]" * 400 + ")}",
    "unknown fields": "{items{" + " ".join(f"edgez{n}" for n in range(900)) + "}}",
    "escapes": '{hello(name:"' + "\\n" * 16_000 + '" nope:1)}',
    "block": '{hello(name:"""' + " x\n" * 10_000 + '""" nope:1)}',
}


def checked_cost(text: str, variables: dict[str, Any] | None = None) -> int:
    """The cost, after all checks that precede execution."""
    document = DocumentCache().get_or_parse(text)
    operation = document.operation(None)
    findings = document.validate(SCHEMA, suggestions=True)
    if findings:
        raise findings[0]
    return document.cost(SCHEMA, operation, variables)


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_documents_are_refused(name: str) -> None:
    with pytest.raises(GraphQLError) as refused:
        checked_cost(REFUSED[name])
    code = (refused.value.extensions or {})["code"]
    known = "GRAPHQL_VALIDATION_FAILED"
    fits = name in ("unknown fields", "escapes", "block", "introspection depth")
    assert code == (known if fits else "QUERY_TOO_COMPLEX")
    assert len(refused.value.message) < 300


def test_hostile_documents_are_refused_quickly() -> None:
    # 0.02 measured; a rule that is not linear would take seconds.
    slow = {name: took for name, text in REFUSED.items() if (took := cost(text)) > 0.3}
    assert slow == {}


def cost(text: str) -> float:
    return cpu_seconds(lambda: checked_cost(text), refusal=(GraphQLError,))


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{hello}", 0),
        ("{items{edges{node{name}}}}", 1 + 20 * 2),
        ("{items(first:3){edges{node{name}}}}", 1 + 3 * 2),
        (
            "{...a} fragment a on Query{items(first:3){...b}} fragment b on Page{edges{node{name}}}",
            7,
        ),
        ("{items(first:3){edges{node{items(first:2){name}}}}}", 1 + 3 * (1 + 1 + 2)),
        ("{items(first:-5){edges{node{name}}}}", 1),
        ("{items(first:1000000){edges{node{name}}}}", 1 + 100 * 2),
        ("query($n:Int){items(first:$n){edges{node{name}}}}", 1 + 20 * 2),
        ("query($n:Int=50){items(first:$n){edges{node{name}}}}", 1 + 50 * 2),
        ("{__typename}", 0),
        ("{__schema{types{name}}}", 1000),
        ("subscription{callEvents(callId:1){...on Said{text} ...on Other{kind}}}", 1),
    ],
)
def test_an_operation_has_a_cost(text: str, cost: int) -> None:
    assert checked_cost(text) == cost


def test_variables_determine_the_cost() -> None:
    text = "query($n:Int){items(first:$n){edges{node{name}}}}"
    assert checked_cost(text, {"n": 50}) == 1 + 50 * 2
    assert checked_cost(text, {"n": None}) == 1 + 20 * 2
    assert checked_cost(text, {"n": 50.0}) == 1 + 50 * 2
    assert checked_cost(text, {"n": "all"}) == 1 + 100 * 2


def test_tools_may_introspect() -> None:
    full = get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    assert checked_cost(full) == 1000 < MAX_COST


def test_endless_introspection_is_refused() -> None:
    inner = "name"
    for _ in range(4):
        inner = f"fields{{type{{{inner}}}}}"
    with pytest.raises(GraphQLError, match="introspection"):
        checked_cost(f"{{__schema{{types{{{inner}}}}}}}")


def test_the_document_cache_is_bounded() -> None:
    documents = DocumentCache(max_characters=100)
    kept = [documents.get_or_parse(f"{{a{n:08} }}") for n in range(20)]
    for document in kept:
        documents.add(document)
    found: list[GraphQLDocument] = [documents.get_or_parse(document.text) for document in kept]
    assert [a is b for a, b in zip(kept, found, strict=True)] == [False] * 12 + [True] * 8
