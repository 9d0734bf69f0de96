"""The public schema: the committed file, its descriptions, conventions, events and compatibility."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import graphql
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)
from graphql.utilities.validate_input_value import validate_input_value
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.utils.str_converters import to_camel_case

from domain.calls.events import DURABLE, PartialTranscript
from domain.common.doc import Doc
from domain.tools.model import ToolSpec
from graph.export_schema import SCHEMA_FILE, schema_text
from graph.schema.build import build_schema
from graph.schema.error_paths import ErrorPaths
from graph.schema.event_types import duration_name
from graph.schema.types.errors import HANDLERS
from graph.schema.types.tool_definitions import tool_definition
from persistence.codec import decode_event, encode_event
from tests.api.test_transport_schema import events_of
from tests.support.paths import ROOT
from tests.support.released_schema import RELEASED, breaking_changes
from tests.support.strategies import TOOLS

SCHEMA = build_schema()._schema
OWN = {name: type_ for name, type_ in SCHEMA.type_map.items() if not name.startswith("__")}
BUILT_IN = {"String", "Int", "Float", "Boolean", "ID"}
LIBRARY_SCALARS = {"DateTime"}
"""Scalars that Strawberry provides and describes."""
SPECIFIED_DIRECTIVES = {directive.name for directive in graphql.specified_directives}


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    remedy = "run `python -m graph.export_schema` and commit schema.graphql"
    assert SCHEMA_FILE.read_text() == schema_text(), remedy


def _elements() -> Iterator[tuple[str, str | None]]:
    for name, type_ in OWN.items():
        if name in BUILT_IN | LIBRARY_SCALARS:
            continue
        yield name, type_.description
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for field_name, field in type_.fields.items():
                    yield f"{name}.{field_name}", field.description
                    for argument_name, argument in field.args.items():
                        yield f"{name}.{field_name}({argument_name})", argument.description
            case GraphQLInputObjectType():
                for field_name, input_field in type_.fields.items():
                    yield f"{name}.{field_name}", input_field.description
            case GraphQLEnumType():
                for value_name, value in type_.values.items():
                    yield f"{name}.{value_name}", value.description
    for directive in SCHEMA.directives:
        if directive.name not in SPECIFIED_DIRECTIVES:
            yield f"@{directive.name}", directive.description
            for argument_name, argument in directive.args.items():
                yield f"@{directive.name}({argument_name})", argument.description


def test_every_description_is_a_phrase() -> None:
    described = [(name, description or "") for name, description in _elements()]
    assert len(described) > 1_000
    assert [(name, text) for name, text in described if len(text.split()) < 3] == []
    assert [(name, text) for name, text in described if not text.endswith(".")] == []


def test_every_field_of_every_event_is_described_on_the_event() -> None:
    for kind in (*DURABLE, PartialTranscript):
        hints = get_type_hints(kind, include_extras=True)
        documented = {
            name
            for name, hint in hints.items()
            if any(isinstance(each, Doc) for each in get_args(hint))
        }
        assert documented == {f.name for f in dataclasses.fields(kind)} - {"kind"}, kind


def test_every_mutation_takes_one_input_and_returns_a_result_union() -> None:
    errors = {handler.error_type.__name__ for handler in HANDLERS}
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        assert list(field.args) == ["input"], name
        extensions = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].extensions
        assert [e.argument for e in extensions if isinstance(e, ErrorPaths)] == ["input"], name
        assert isinstance(field.type, GraphQLNonNull), name
        result = get_named_type(field.type)
        if isinstance(result, GraphQLUnionType):
            success, *failures = (member.name for member in result.types)
            assert result.name == f"{name[0].upper()}{name[1:]}Result"
            assert set(failures) <= errors, name
        else:
            success = result.name
        assert success.endswith("Success")


def test_every_error_type_implements_the_error_interface() -> None:
    base = OWN["Error"]
    assert isinstance(base, GraphQLInterfaceType)
    shown = {handler.error_type.__name__ for handler in HANDLERS}
    assert shown == {type_.name for type_ in SCHEMA.get_implementations(base).objects}


def test_every_list_of_a_root_field_can_be_paged() -> None:
    assert SCHEMA.query_type is not None
    for name, field in SCHEMA.query_type.fields.items():
        if get_named_type(field.type).name.endswith("Connection"):
            assert {"first", "after"} <= set(field.args), name


IN_SECONDS = re.compile(r"\b(milli)?seconds?\b")


def test_every_duration_has_the_type_duration() -> None:
    """Those that are numbers of seconds were released, and name their replacement."""
    for owner in OWN.values():
        fields = getattr(owner, "fields", {})
        for name, field in fields.items():
            if get_named_type(field.type).name not in ("Int", "Float"):
                continue
            counts = name.lower().endswith(("seconds", "ms")) or IN_SECONDS.search(
                field.description or ""
            )
            if counts and not (owner.name, name) in COUNTS_PER_SECOND:
                replacement = (field.deprecation_reason or "").removeprefix("Use `")[:-2]
                assert replacement in fields, (owner.name, name)
                assert get_named_type(fields[replacement].type).name in (
                    "Duration",
                    "DurationSpread",
                ), (owner.name, name)


COUNTS_PER_SECOND = {("DialLimits", "callsPerSecond"), ("DialLimitsInput", "callsPerSecond")}


def test_only_released_elements_are_deprecated() -> None:
    released = graphql.build_schema(RELEASED.read_text()).type_map
    for owner in OWN.values():
        known = getattr(released.get(owner.name), "fields", {})
        for name, field in getattr(owner, "fields", {}).items():
            assert not field.deprecation_reason or name in known, (owner.name, name)


def test_actions_are_read_as_they_are_written() -> None:
    """No two actions have a field of the same name and different types, and an action has the fields of
    its input."""
    choices, types = OWN["ToolActionInput"], dict[str, str]()
    assert isinstance(choices, GraphQLInputObjectType)
    for name, choice in choices.fields.items():
        written = get_named_type(choice.type)
        shown = OWN[f"{name[0].upper()}{name[1:]}Action"]
        assert isinstance(shown, GraphQLObjectType)
        current = {n: str(f.type) for n, f in shown.fields.items() if not f.deprecation_reason}
        assert {n: types.setdefault(n, t) for n, t in current.items()} == current, name
        if isinstance(written, GraphQLInputObjectType):
            fields = written.fields.items()
            assert {n for n, f in fields if not f.deprecation_reason} == set(current) - {"type"}


@settings(max_examples=100, deadline=None)
@given(TOOLS)
def test_the_definition_of_a_tool_is_an_input(spec: ToolSpec) -> None:
    problems: list[str] = []
    kind = OWN["CreateToolInput"]
    assert isinstance(kind, GraphQLInputObjectType)
    validate_input_value(
        tool_definition(spec), kind, lambda error, path: problems.append(f"{path}: {error.message}")
    )
    assert problems == []


def test_every_event_has_a_graphql_type_and_documentation() -> None:
    union = OWN["CallUpdate"]
    assert isinstance(union, GraphQLUnionType)
    shown = {type_.name: type_ for type_ in union.types}
    assert set(shown) == {kind.__name__ for kind in (*DURABLE, PartialTranscript)}
    page = (ROOT / "docs" / "calls.md").read_text()
    for name, mirror in shown.items():
        assert f"`{name}`" in page, f"docs/calls.md does not describe {name}"
        if name != "PartialTranscript":
            assert {"seq", "at", "cursor"} <= set(mirror.fields), name
    for kind in (*DURABLE, PartialTranscript):
        names = (f.name for f in dataclasses.fields(kind) if f.name != "kind")
        own = {to_camel_case(duration_name(name) or name) for name in names}
        assert own <= set(shown[kind.__name__].fields), kind


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DURABLE).flatmap(events_of))
def test_every_event_survives_storing_and_reading(event: Any) -> None:
    assert decode_event(encode_event(event)) == event


def test_the_schema_passes_strict_validation() -> None:
    assert graphql.validate_schema(SCHEMA) == []


def test_the_schema_has_no_breaking_change_since_the_last_release() -> None:
    advice = "deprecate it for one release first: see docs/versions.md"
    assert breaking_changes(RELEASED.read_text(), SCHEMA_FILE.read_text()) == [], advice


RELEASE = """
interface Node {
  id: ID!, uuid: ID @deprecated(reason: "Use id.")
}
type Call implements Node {
  id: ID!, uuid: ID @deprecated(reason: "Use id."),
  state: State!, mood: Mood @deprecated(reason: "Use state.")
}
type Mood { name: String! }
enum State { ACTIVE, ENDED, GONE @deprecated(reason: "Use ENDED.") }
input Filter {
  state: State, mood: String @deprecated(reason: "Use state."), live: Boolean! = true
}
type Query {
  node(id: ID!): Node,
  calls(
    all: Boolean! = false,
    filter: Filter, first: Int = 20, limit: Int @deprecated(reason: "Use first.")
  ): [Call!]!
}
"""


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("state: State!, mood", "mood", "Field Call.state was removed."),
        ("state: State!, mood", "state: State, mood", "Field Call.state changed type"),
        ("ACTIVE, ", "", "Enum value State.ACTIVE was removed."),
        ("state: State, mood", "mood", "Field Filter.state was removed."),
        ("state: State, mood", "state: State!, mood", "Field Filter.state changed type"),
        ("first: Int = 20, ", "", "Argument Query.calls(first:) was removed."),
        ("first: Int = 20", "first: Int!", "Argument Query.calls(first:) has changed type"),
        ("node(id: ID!): Node,", "", "Field Query.node was removed."),
        (" implements Node", "", "Call no longer implements interface Node."),
        ("state: State, mood", "of: ID!, state: State, mood", "A required field Filter.of"),
        ("live: Boolean! = true", "live: Boolean!", "Field Filter.live has lost its default"),
        ("all: Boolean! = false", "all: Boolean!", "Argument Query.calls(all:) has lost its"),
    ],
)
def test_removing_or_narrowing_without_deprecation_is_a_breaking_change(
    old: str, new: str, lost: str
) -> None:
    assert RELEASE.count(old) == 1
    (change,) = breaking_changes(RELEASE, RELEASE.replace(old, new))
    assert change.startswith(lost)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (', mood: Mood @deprecated(reason: "Use state.")', ""),
        (', mood: Mood @deprecated(reason: "Use state.")\n}\ntype Mood { name: String! }', "}"),
        (', GONE @deprecated(reason: "Use ENDED.")', ""),
        (', mood: String @deprecated(reason: "Use state.")', ""),
        ('mood: String @deprecated(reason: "Use state.")', "mood: [State!]"),
        (', limit: Int @deprecated(reason: "Use first.")', ""),
        (', uuid: ID @deprecated(reason: "Use id.")', ""),
        ("name: String!", "name: String"),
        ("type Query {", "type Query { version: String,"),
        ("state: State, mood", "state: State, of: ID, mood"),
        ("ACTIVE, ", "ACTIVE, HELD, "),
        ("live: Boolean! = true", "live: Boolean! = false"),
        ("all: Boolean! = false", "all: Boolean"),
    ],
)
def test_removing_deprecated_elements_and_adding_new_ones_is_allowed(old: str, new: str) -> None:
    assert old in RELEASE
    assert breaking_changes(RELEASE, RELEASE.replace(old, new)) == []
