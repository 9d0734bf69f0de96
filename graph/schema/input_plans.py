"""Builds inputs from plans that are computed once per input type. Strawberry resolves the type and
the name of every field for every item, which takes most of the time of a request with a thousand
connections."""

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
"""Converts a value that graphql-core has coerced."""


def add_input_builders(schema: GraphQLSchema) -> None:
    for type_ in schema.type_map.values():
        if not is_input_object_type(type_):
            continue
        definition: StrawberryObjectDefinition = type_.extensions[BACKREF]
        # Strawberry's validation rule for Maybe fields relies on its own way of building inputs.
        has_maybe = any(isinstance(field.type, StrawberryMaybe) for field in definition.fields)
        if definition.from_input is None and not has_maybe:
            definition.from_input = _builder(type_, definition)


def _builder(type_: GraphQLInputObjectType, definition: StrawberryObjectDefinition) -> BuildInput:
    blank = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    @cache  # Computed on first use, when all types are resolved.
    def plan() -> Mapping[str, tuple[str, Convert | None]]:
        return {
            name: (field.extensions[BACKREF].python_name, _converter_for(name, field, definition))
            for name, field in type_.fields.items()
        }

    def build(input_type: type, fields: Mapping[str, Any], context: InputContext) -> Any:
        values, converters = dict[str, Any](blank), plan()
        for name, value in fields.items():
            python_name, convert = converters[name]
            values[python_name] = value if convert is None else convert(value, context)
        return input_type(**values)

    return build


def _converter_for(
    name: str, field: GraphQLInputField, definition: StrawberryObjectDefinition
) -> Convert | None:
    """The converter of a field; None when its value needs no conversion."""
    type_ = get_nullable_type(field.type)
    if is_leaf_type(type_):
        return None
    inner = get_nullable_type(type_.of_type) if is_list_type(type_) else None
    if is_leaf_type(inner):
        # A copy, because graphql-core passes the same default to every request.
        return lambda value, _: None if value is None else list(value)
    kind = field.extensions[BACKREF].resolve_type(type_definition=definition)
    return lambda value, context: context.convert(value, kind, name)
