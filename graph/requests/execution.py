"""Executes as graphql-core does, with a short way for fields that only read from their object.

Most of a list's fields are such: a scalar or an enum, no arguments, nothing to wait for. They need
no resolve info, no path and no check for awaitables, which is most of what a field costs.

Text is counted as it comes: an answer that becomes too large is not built to its end."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_object_type,
)
from graphql.pyutils import Undefined
from graphql.type import is_list_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graph.requests.response_size import ResponseSize, current_size
from graph.requests.responses import encode

READER = "reader"
SCALAR_BYTES = 8
"""Bytes that a number, a truth value or nothing is taken for."""
MAX_COERCION_ERRORS = 10
"""Of the variables of one operation. Each shows the whole value that is not as it should be."""
COERCION_ERRORS_POSITION = 9
"""Where `build` takes it, when it is given by position."""
Reader = Callable[[Any], Any]

_READ_ERRORS = (GraphQLError, AttributeError, TypeError, ValueError)


class ExecutionContext(StrawberryGraphQLCoreExecutionContext):
    @classmethod
    def build(cls, *given: Any, **more: Any) -> Any:
        build: Any = super().build
        before, after = given[:COERCION_ERRORS_POSITION], given[COERCION_ERRORS_POSITION + 1 :]
        if len(given) > COERCION_ERRORS_POSITION:
            return build(*before, MAX_COERCION_ERRORS, *after, **more)
        return build(*given, **more | {"max_coercion_errors": MAX_COERCION_ERRORS})

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.response_size = current_size.get() or ResponseSize()

    def complete_value(self, return_type: Any, *more: Any) -> Any:
        value = super().complete_value(return_type, *more)
        if is_leaf_type(return_type):
            self.response_size.add(leaf_bytes(value))
        return value

    def build_per_event_executor(self, payload: Any) -> Any:
        executor: Any = super().build_per_event_executor(payload)
        executor.answer_size = current_size.get() or ResponseSize()
        # What was collected of the document is kept by the identity of lists that are made anew
        # for each event. Shared, it would never be of use again, and grow with every event.
        executor._relevant_sub_fields = {}
        return executor

    def execute_field(
        self,
        parent_type: Any,
        source: Any,
        field_details_list: Any,
        path: Any,
        position_context: Any,
    ) -> Any:
        field = parent_type.fields.get(field_details_list[0].node.name.value)
        reader = field.extensions.get(READER) if field is not None else None
        size = self.response_size
        if size.room < 0 and parent_type is not self.schema.mutation_type:
            # Raises when the answer is too large, so that nothing more is asked for. A mutation is
            # stopped within the answer to one of its fields: that tells which were executed.
            size.extend()
        if reader is not None:
            try:
                value = reader(source)
            except _READ_ERRORS:
                # The long way fails as well, and tells where.
                value = Undefined
            if value is not Undefined:
                size.room -= leaf_bytes(value)
                return value
        return super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )


def leaf_bytes(value: object) -> int:
    """About how many bytes a leaf takes in the answer. Text is encoded for that, which takes a
    tenth of a microsecond: a control character has six bytes, an emoji four."""
    return len(encode(value)) if isinstance(value, str | dict | list) else SCALAR_BYTES


def add_readers(schema: GraphQLSchema) -> None:
    for type_ in schema.type_map.values():
        if is_object_type(type_) and not type_.name.startswith("__"):
            for field in type_.fields.values():
                get = _getter(field)
                if get is not None:
                    field.extensions[READER] = _reader(field, get)


def _getter(field: GraphQLField) -> Reader | None:
    """What the field's resolver comes to, if it looks at nothing but the object."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryField) or field.args or definition.extensions:
        return None
    if is_list_type(getattr(field.type, "of_type", field.type)):
        return None
    if not is_leaf_type(get_named_type(field.type)):
        return None
    resolver = definition.base_resolver
    if resolver is None:
        return attrgetter(definition.python_name)
    if definition.is_async or resolver.info_parameter or resolver.root_parameter:
        return None
    read: Any = resolver.wrapped_func
    return cast(Reader, read)


def _reader(field: GraphQLField, get: Reader) -> Reader:
    leaf: Any = get_named_type(field.type)
    coerce = leaf.coerce_output_value
    missing = Undefined if field.type is not leaf else None

    def read(source: Any) -> Any:
        value = get(source)
        if value is None:
            return missing
        coerced = coerce(value)
        return Undefined if coerced is None else coerced

    return read
