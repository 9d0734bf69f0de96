"""What many types share: nodes, pages, and how domain objects become GraphQL types.

A resolver returns domain objects, and its annotation says so; `graphql_type` names the type that the
schema shows, whose fields are read from the domain object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry

from domain.calls.model import Call
from domain.sign_in.identity_providers import IdentityProvider
from domain.telephony.trunks import InboundTrunk, OutboundTrunk, PhoneNumber
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
    OutboundTrunk: "OutboundTrunk",
    InboundTrunk: "InboundTrunk",
    PhoneNumber: "PhoneNumber",
    IdentityProvider: "IdentityProvider",
}
"""Type names in global ids."""


def instance_check(*sources: type) -> Callable[[Any, Any], bool]:
    """`is_type_of` of a GraphQL type that represents objects of these classes."""

    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, sources)

    return is_type_of


def spec_field(name: str, description: str, type: Any, *, deprecated: str | None = None) -> Any:
    """A field that is read from the spec of an agent, a tool, a workflow or the settings."""

    def read(root: Any) -> Any:
        return getattr(root.spec, name)

    return strawberry.field(
        resolver=read, graphql_type=type, description=description, deprecation_reason=deprecated
    )


@strawberry.interface(
    description="An object that has a global id and can be fetched again with `node`."
)
class Node:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        item: Any = self
        return strawberry.ID(global_id(NODE_TYPE_NAMES[type(item)], item.id))


@strawberry.type(description="Position of a page in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more items follow this page.")
    has_previous_page: bool = strawberry.field(
        description=(
            "Whether items precede this page; always false in lists that are paged forward only."
        )
    )
    start_cursor: Cursor | None = strawberry.field(
        description=(
            "Cursor of the first item; pass it as `before` to get the previous page. Null when the "
            "page is empty."
        )
    )
    end_cursor: Cursor | None = strawberry.field(
        description=(
            "Cursor of the last item; pass it as `after` to get the next page. Null "
            "when the page is empty."
        )
    )


@strawberry.type(description="One item of a page with its cursor.")
class Edge(Generic[T]):
    cursor: Cursor = strawberry.field(
        description="Position of the item in the list; pass it as `after` to continue behind it."
    )
    node: T = strawberry.field(description="The item at this position of the list.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items of the page, in list order.")
    page_info: PageInfo = strawberry.field(description="Position of this page in its list.")
