"""What lists share: their number of items, ranges, and the order of agents, tools and workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.drafts import DraftFilter, DraftOrder, DraftSort, check_draft_filter
from domain.common.errors import InvalidInput
from domain.common.lists import Count, SortDirection
from graph.schema.scalars import Duration, Money
from resolvers.pagination import CountedPage


@strawberry.type(description="The number of items in a list.")
class ItemCount:
    value: int = strawberry.field(description="How many items the list has.")
    is_estimate: bool = strawberry.field(
        description=(
            "Whether the number is an estimate of the database. Up to 1,000 items are counted exactly."
        )
    )


async def _total_count(root: Any) -> Count:
    page: CountedPage[Any] = root
    return await page.count()


def count_field() -> Any:
    """The field that counts the whole list, of which the object is a page."""
    return strawberry.field(
        resolver=_total_count,
        graphql_type=ItemCount,
        description="Number of items in the whole list, counted when this field is requested.",
    )


@strawberry.input(description="A range of time.")
class TimeRange:
    since: datetime | None = strawberry.field(
        default=None, description="The first moment of the range; omit for no limit."
    )
    until: datetime | None = strawberry.field(
        default=None, description="The first moment after the range; omit for no limit."
    )


@strawberry.input(description="A range of durations.")
class DurationRange:
    min: Duration | None = strawberry.field(
        default=None, description="The shortest duration; omit for no limit."
    )
    max: Duration | None = strawberry.field(
        default=None, description="The longest duration; omit for no limit."
    )


@strawberry.input(description="A range of amounts.")
class MoneyRange:
    min: Money | None = strawberry.field(
        default=None, description="The least amount; omit for no limit."
    )
    max: Money | None = strawberry.field(
        default=None, description="The greatest amount; omit for no limit."
    )


@strawberry.input(
    name="DraftOrder", description="The order of a list of agents, tools or workflows."
)
class DraftOrderInput:
    by: DraftSort = strawberry.field(
        default=DraftSort.CREATED_AT, description="What the list is sorted by."
    )
    direction: SortDirection = strawberry.field(
        default=SortDirection.DESC, description="Whether the greatest or the least item is first."
    )


@strawberry.input(description="Filter for agents; an agent must match every given field.")
class AgentFilter:
    search: str | None = strawberry.field(
        default=None,
        description=(
            "Only agents whose name or display name contains this text, in upper or lower case; "
            "omit for any name."
        ),
    )
    tool: str | None = strawberry.field(
        default=None, description="Only agents that have the tool of this name; omit for any."
    )
    workflow: str | None = strawberry.field(
        default=None,
        description="Only agents in the draft of the workflow with this slug; omit for any.",
    )
    used: bool | None = strawberry.field(
        default=None,
        description="True for agents that a workflow's draft has, false for others; omit for both.",
    )


@strawberry.input(description="Filter for tools; a tool must match every given field.")
class ToolFilter:
    search: str | None = strawberry.field(
        default=None,
        description=(
            "Only tools whose name contains this text, in upper or lower case; omit for any name."
        ),
    )
    agent: str | None = strawberry.field(
        default=None, description="Only tools of the agent with this name; omit for any."
    )
    used: bool | None = strawberry.field(
        default=None,
        description="True for tools that an agent has, false for others; omit for both.",
    )


@strawberry.input(description="Filter for workflows; a workflow must match every given field.")
class WorkflowFilter:
    search: str | None = strawberry.field(
        default=None,
        description=(
            "Only workflows whose slug or name contains this text, in upper or lower case; omit for "
            "any name."
        ),
    )
    agent: str | None = strawberry.field(
        default=None,
        description="Only workflows whose draft has the agent of this name; omit for any.",
    )
    published: bool | None = strawberry.field(
        default=None,
        description=(
            "True for workflows with a published version, false for those without; omit for both."
        ),
    )


def draft_filter(filter: AgentFilter | ToolFilter | WorkflowFilter | None) -> DraftFilter:
    """Raises `InvalidInput`."""
    match filter:
        case None:
            return DraftFilter()
        case AgentFilter():
            converted = DraftFilter(
                search=filter.search,
                uses=filter.tool,
                used_by=filter.workflow,
                is_used=filter.used,
            )
        case ToolFilter():
            converted = DraftFilter(search=filter.search, used_by=filter.agent, is_used=filter.used)
        case WorkflowFilter():
            converted = DraftFilter(
                search=filter.search, uses=filter.agent, is_published=filter.published
            )
    try:
        check_draft_filter(converted)
    except InvalidInput as error:
        raise error.within("filter") from None
    return converted


def draft_order(order: DraftOrderInput | None) -> DraftOrder:
    if order is None:
        return DraftOrder()
    return DraftOrder(order.by, order.direction is SortDirection.DESC)


DraftOrderArgument = Annotated[
    DraftOrderInput | None,
    strawberry.argument(
        name="orderBy", description="Order of the list; omit for the newest items first."
    ),
]
