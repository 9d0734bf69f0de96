"""The schema of the last release, and the breaking changes of a later schema.

A release replaces the file with `python -m tests.support.released_schema`; see docs/versions.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from graphql import (
    BreakingChangeType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    build_ast_schema,
    build_schema,
    find_schema_changes,
    is_input_object_type,
    is_interface_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
    parse,
    visit,
)
from graphql.language.visitor import REMOVE, Visitor

from graph.export_schema import SCHEMA_FILE
from tests.support.paths import CORPUS, ROOT

RELEASED = CORPUS / "released_schema.graphql"
DESCRIPTION = re.compile(r'^ *"""[\s\S]*?"""\n', re.MULTILINE)
BLANK_LINE_BETWEEN_FIELDS = re.compile(r"\n\n(?= )")


def breaking_changes(released: str, present: str) -> list[str]:
    """The breaking changes from the released schema to the present one, one sentence each.

    Elements that the released schema marks as deprecated may change or be removed."""
    before, after = _promised(released), build_schema(present)
    changes = find_schema_changes(before, after)
    breaking = [each.description for each in changes if isinstance(each.type, BreakingChangeType)]
    return [*breaking, *_lost_defaults(before, after)]


def _lost_defaults(before: GraphQLSchema, after: GraphQLSchema) -> Iterator[str]:
    """Arguments and input fields that are required because they lost their default value. graphql-core
    reports these only as dangerous, like any other change of a default value."""
    required = {name for name, _, is_required in _inputs(after) if is_required}
    for name, type_, is_required in _inputs(before):
        if name in required and not is_required and is_non_null_type(type_):
            yield f"{name} has lost its default value and is required."


def _inputs(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLInputType, bool]]:
    """The arguments and input fields: the name, the type, and whether a value is required."""
    for type_ in schema.type_map.values():
        if is_input_object_type(type_):
            for name, field in type_.fields.items():
                yield f"Field {type_.name}.{name}", field.type, is_required_input_field(field)
        if is_object_type(type_) or is_interface_type(type_):
            for field_name, output in type_.fields.items():
                for name, argument in output.args.items():
                    label = f"Argument {type_.name}.{field_name}({name}:)"
                    yield label, argument.type, is_required_argument(argument)


def _promised(text: str) -> GraphQLSchema:
    """The schema without its deprecated elements and the types that only those use."""
    document = visit(parse(text), _WithoutDeprecated())
    schema = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    implementations: list[GraphQLObjectType] = []
    while True:
        used = GraphQLSchema(
            query=schema.query_type,
            mutation=schema.mutation_type,
            subscription=schema.subscription_type,
            types=implementations,
            directives=schema.directives,
            assume_valid=True,
        )
        missing = [
            type_
            for type_ in schema.type_map.values()
            if is_object_type(type_)
            and type_.name not in used.type_map
            and any(interface.name in used.type_map for interface in type_.interfaces)
        ]
        if not missing:
            return used
        implementations += missing


class _WithoutDeprecated(Visitor):
    def enter(self, node: Any, *_: Any) -> Any:
        directives = getattr(node, "directives", None) or ()
        return REMOVE if any(d.name.value == "deprecated" for d in directives) else None


def as_released(schema: str, version: str) -> str:
    """The text that is stored for a release: the schema without descriptions, which may change."""
    without_descriptions = BLANK_LINE_BETWEEN_FIELDS.sub("\n", DESCRIPTION.sub("", schema))
    return f"# The schema of release {version}, without descriptions.\n\n{without_descriptions}"


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    RELEASED.write_text(as_released(SCHEMA_FILE.read_text(), project["version"]))
