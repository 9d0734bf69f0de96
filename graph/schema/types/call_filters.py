"""Which calls to list, and in which order."""

from __future__ import annotations

from typing import Annotated, TypeVar
from uuid import UUID

import strawberry

from domain.calls import filters as domain
from domain.calls.filters import CallSort, filter_problems
from domain.calls.model import Blame, CallKind, CallState, Direction, EndReason
from domain.common.lists import SortDirection
from domain.common.problems import raise_per_value
from domain.workflows.model import VersionId, WorkflowId
from graph.schema.types.inputs import InputReader
from graph.schema.types.lists import DurationRange, MoneyRange, TimeRange
from graph.schema.types.workflows import WorkflowBy
from resolvers.global_ids import check_id

T = TypeVar("T")


@strawberry.input(description="A key of the metadata with the value that it must have.")
class MetadataFilter:
    key: str = strawberry.field(description="Key at the top level of the metadata.")
    value: str = strawberry.field(
        description=(
            "Value of the key: a string, or the text of a number or of a boolean, such as `42` or "
            "`true`."
        )
    )


@strawberry.input(
    description=(
        "Filter for calls; a call must match every given field. Where no index serves the filter "
        "together with the order, the list covers the calls of the last 31 days unless `created` says "
        "otherwise: for `cost` and `duration`; for `agent`, `tool` and `metadata` together with other "
        "fields; and for all fields in an order other than that of creation."
    )
)
class CallFilter:
    states: list[CallState] | None = strawberry.field(
        default=None, description="Only calls in one of these states; omit for any state."
    )
    kinds: list[CallKind] | None = strawberry.field(
        default=None, description="Only calls of these kinds; omit for any kind."
    )
    directions: list[Direction] | None = strawberry.field(
        default=None, description="Only calls of these directions; omit for both."
    )
    end_reasons: list[EndReason] | None = strawberry.field(
        default=None,
        description="Only calls that ended for one of these reasons; omit for any reason.",
    )
    blames: list[Blame] | None = strawberry.field(
        default=None,
        description="Only calls whose end one of these parties caused; omit for any party.",
    )
    workflow_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only calls of the workflow with this id; omit for any workflow."
    )
    workflow: WorkflowBy | None = strawberry.field(
        default=None,
        description="Only calls of this workflow, by its id or slug; omit for any workflow.",
    )
    version_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only calls of the version with this id; omit for any version."
    )
    agent: str | None = strawberry.field(
        default=None,
        description="Only calls in which the agent of this name took part; omit for any agent.",
    )
    tool: str | None = strawberry.field(
        default=None,
        description="Only calls in which the tool of this name was called; omit for any tool.",
    )
    user_id: str | None = strawberry.field(
        default=None,
        description="Only calls of the caller with this identifier; omit for any caller.",
    )
    phone_number: str | None = strawberry.field(
        default=None,
        description=(
            "Only calls with this number of the person on the phone, in E.164; omit for any number."
        ),
    )
    metadata: list[MetadataFilter] | None = strawberry.field(
        default=None,
        description=(
            "Only calls whose metadata has all of these values; at most 5. The first 20 keys of a "
            "call in alphabetical order can be found, with values of at most 200 characters."
        ),
    )
    created: TimeRange | None = strawberry.field(
        default=None, description="Only calls that were created in this range; omit for any time."
    )
    duration: DurationRange | None = strawberry.field(
        default=None,
        description=(
            "Only calls that have ended with a duration in this range; omit for any duration. A call "
            "that was never answered has the duration zero."
        ),
    )
    cost: MoneyRange | None = strawberry.field(
        default=None, description="Only calls with an estimated cost in this range; omit for any."
    )
    live: bool | None = strawberry.field(
        default=None,
        description="True for calls in progress, false for calls that have ended; omit for both.",
    )


@strawberry.input(description="The order of a list of calls.")
class CallOrder:
    by: CallSort = strawberry.field(
        default=CallSort.CREATED_AT, description="What the list is sorted by."
    )
    direction: SortDirection = strawberry.field(
        default=SortDirection.DESC, description="Whether the greatest or the least call is first."
    )


CallFilterArgument = Annotated[
    CallFilter | None, strawberry.argument(description="Filter; omit to return all calls.")
]
CallOrderArgument = Annotated[
    CallOrder | None,
    strawberry.argument(
        name="orderBy", description="Order of the list; omit for the newest calls first."
    ),
]


def filter_of(filter: CallFilter | None) -> domain.CallFilter:
    """Raises `InvalidInput`."""
    if filter is None:
        return domain.CallFilter()
    reader = InputReader(("filter",))
    converted = _converted(filter, reader)
    problems = (problem.within("filter") for problem in filter_problems(converted))
    raise_per_value(reader.problems, problems)
    return converted


def _converted(filter: CallFilter, reader: InputReader) -> domain.CallFilter:
    slug, workflow = _workflow(filter, reader)
    version = _id("WorkflowVersion", filter.version_id, reader.at("versionId"))
    created, duration, cost = filter.created, filter.duration, filter.cost
    return domain.CallFilter(
        states=_tuple(filter.states),
        kinds=_tuple(filter.kinds),
        directions=_tuple(filter.directions),
        end_reasons=_tuple(filter.end_reasons),
        blames=_tuple(filter.blames),
        workflow_id=None if workflow is None else WorkflowId(workflow),
        workflow_slug=slug,
        version_id=None if version is None else VersionId(version),
        agent=filter.agent,
        tool=filter.tool,
        user_id=filter.user_id,
        phone_number=filter.phone_number,
        metadata=tuple((entry.key, entry.value) for entry in filter.metadata or ()),
        created_since=created.since if created else None,
        created_until=created.until if created else None,
        min_duration=duration.min if duration else None,
        max_duration=duration.max if duration else None,
        min_cost=cost.min if cost else None,
        max_cost=cost.max if cost else None,
        live=filter.live,
    )


def _workflow(filter: CallFilter, reader: InputReader) -> tuple[str | None, UUID | None]:
    """The slug or the id of the workflow."""
    by_id = _id("Workflow", filter.workflow_id, reader.at("workflowId"))
    if filter.workflow is None:
        return None, by_id
    here, slug, id = reader.at("workflow"), filter.workflow.slug, filter.workflow.id
    if filter.workflow_id is not None:
        here.reject("Give workflow or workflowId, not both.")
    return slug.value if slug else None, _id("Workflow", id.value if id else None, here.at("id"))


def _id(kind: str, id: str | None, reader: InputReader) -> UUID | None:
    return None if id is None else reader.read(None, check_id, kind, id)


def _tuple(values: list[T] | None) -> tuple[T, ...] | None:
    return None if values is None else tuple(values)


def order_of(order: CallOrder | None) -> domain.CallOrder:
    if order is None:
        return domain.NEWEST_FIRST
    return domain.CallOrder(order.by, order.direction is SortDirection.DESC)
