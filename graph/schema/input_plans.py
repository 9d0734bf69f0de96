"""Inputs are built by plans that are made once. Strawberry asks for the type and the name of each
field of each item anew, which takes most of the time of a request with a thousand connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cache
from typing import Any

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLSchema,
    get_nullable_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryMaybe, StrawberryObjectDefinition

BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF

BuildInput = Callable[[type, Mapping[str, Any], InputContext], Any]
Convert = Callable[[Any, InputContext], Any]
"""Of a value as graphql-core has coerced it."""


def add_input_builders(schema: GraphQLSchema) -> None:
    for type_ in schema.type_map.values():
        if not is_input_object_type(type_):
            continue
        definition: StrawberryObjectDefinition = type_.extensions[BACKREF]
        # A rule of validation judges fields of type Maybe by Strawberry's own way of building.
        has_maybe = any(isinstance(field.type, StrawberryMaybe) for field in definition.fields)
        if definition.from_input is None and not has_maybe:
            definition.from_input = _builder(type_, definition)


def _builder(type_: GraphQLInputObjectType, definition: StrawberryObjectDefinition) -> BuildInput:
    blank = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    @cache  # Once it is needed: by then every type is known.
    def plan() -> Mapping[str, tuple[str, Convert | None]]:
        return {
            name: (field.extensions[BACKREF].python_name, _converter_for(name, field, definition))
            for name, field in type_.fields.items()
        }

    def build(made: type, given: Mapping[str, Any], context: InputContext) -> Any:
        values, planned = dict[str, Any](blank), plan()
        for name, value in given.items():
            python_name, convert = planned[name]
            values[python_name] = value if convert is None else convert(value, context)
        return made(**values)

    return build


def _converter_for(
    name: str, field: GraphQLInputField, definition: StrawberryObjectDefinition
) -> Convert | None:
    """None for what is good as it is."""
    type_ = get_nullable_type(field.type)
    if is_leaf_type(type_):
        return None
    inner = get_nullable_type(type_.of_type) if is_list_type(type_) else None
    if is_leaf_type(inner):
        # A copy: graphql-core gives the same default to every request.
        return lambda value, _: None if value is None else list(value)
    kind = field.extensions[BACKREF].resolve_type(type_definition=definition)
    return lambda value, context: context.convert(value, kind, name)
