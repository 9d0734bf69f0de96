"""What many types share: nodes, pages, errors' interface, and domain objects shown as types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry

from domain.calls.model import Call
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Version, Workflow
from graph.schema.scalars import Cursor
from resolvers.global_ids import global_id

T = TypeVar("T")

NODE_TYPE_NAMES: dict[type, str] = {
    Agent: "Agent",
    Tool: "Tool",
    Workflow: "Workflow",
    Version: "WorkflowVersion",
    Call: "Call",
}
"""What ids say they are ids of."""


def as_graphql(value: object) -> Any:
    """A domain object where a GraphQL type is declared: its fields are read from the object."""
    return value


def instance_check(*sources: type) -> Callable[[Any, Any], bool]:
    """`is_type_of` for a GraphQL type that shows objects of these classes."""

    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, sources)

    return is_type_of


@strawberry.interface(description="Something with an id, to be found again by `node`.")
class Node:
    @strawberry.field(description="Unique over all types; opaque.")
    def id(self) -> strawberry.ID:
        item: Any = self
        return strawberry.ID(global_id(NODE_TYPE_NAMES[type(item)], item.id))


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether the list goes on.")
    has_previous_page: bool = strawberry.field(description="Always false: lists go forward.")
    start_cursor: Cursor | None = strawberry.field(description="Of the first item here.")
    end_cursor: Cursor | None = strawberry.field(description="Pass it as `after` to go on.")


@strawberry.type(description="One item of a page.")
class Edge(Generic[T]):
    cursor: Cursor = strawberry.field(description="Where the item stands in the list.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items, in order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in its list.")
