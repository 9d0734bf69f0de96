"""Documents that select every field of the schema, made from the schema itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
)


@dataclass(frozen=True, slots=True)
class Place:
    """An object type, and a shortest way to it: `head` and `tail` enclose a selection of its fields."""

    type: GraphQLObjectType
    root: str
    head: str
    tail: str

    @property
    def document(self) -> str:
        """A query for all fields of the type that need no arguments."""
        fields = " ".join(_selected(name, field) for name, field in _free_fields(self.type))
        return f"{{ {self.head} __typename {fields} {self.tail} }}"


def places(schema: GraphQLSchema) -> Iterator[Place]:
    """Each object type that a query without arguments reaches, once."""
    query = schema.query_type
    assert query is not None
    waiting = deque(
        each
        for name, field in _free_fields(query)
        for each in _ways(schema, field, name, f"{_call(name, field)} {{", "}")
    )
    found: set[str] = set()
    while waiting:
        place = waiting.popleft()
        if place.type.name in found:
            continue
        found.add(place.type.name)
        yield place
        for name, field in _free_fields(place.type):
            head, tail = f"{place.head} {_call(name, field)} {{", f"}} {place.tail}"
            waiting.extend(_ways(schema, field, place.root, head, tail))


def _ways(
    schema: GraphQLSchema, field: GraphQLField, root: str, head: str, tail: str
) -> Iterator[Place]:
    named: Any = get_named_type(field.type)
    if is_object_type(named):
        yield Place(named, root, head, tail)
    elif not is_leaf_type(named):
        for each in schema.get_possible_types(named):
            yield Place(each, root, f"{head} ... on {each.name} {{", f"}} {tail}")


def _free_fields(type_: GraphQLObjectType) -> Iterator[tuple[str, GraphQLField]]:
    for name, field in type_.fields.items():
        if not any(is_required_argument(argument) for argument in field.args.values()):
            yield name, field


def _call(name: str, field: GraphQLField) -> str:
    """The field with a short page, which costs less."""
    return f"{name}(first: 5)" if "first" in field.args else name


def _selected(name: str, field: GraphQLField) -> str:
    return (
        name
        if is_leaf_type(get_named_type(field.type))
        else f"{_call(name, field)} {{ __typename }}"
    )
