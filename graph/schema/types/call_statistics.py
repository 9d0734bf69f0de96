"""Statistics of calls."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.calls import statistics as domain
from domain.calls.model import Blame, CallState, EndReason
from graph.schema.scalars import Duration, Money
from graph.schema.types.durations import duration_field
from resolvers import call_statistics as resolvers
from resolvers.context import Ctx


@strawberry.type(description="The calls of a period that have the same state and end reason.")
class CallGroup:
    state: CallState = strawberry.field(description="State of the calls.")
    end_reason: EndReason | None = strawberry.field(
        description="Why the calls ended; null for calls in progress."
    )
    blame: Blame | None = strawberry.field(
        description="Which party caused the end; null for calls in progress."
    )
    calls: int = strawberry.field(description="Number of the calls.")

    @strawberry.field(description="Sum of the estimated costs.")
    def cost(self, group: strawberry.Parent[domain.CallGroup]) -> Money:
        return Money(group.spent)

    duration: Duration = duration_field(
        "duration_ms",
        "Sum of the durations; zero for calls in progress.",
        unit="milliseconds",
    )


@strawberry.type(
    description=(
        "How long callers waited for the first audio of a reply, from the end of their own speech."
    )
)
class FirstAudio:
    calls: int = strawberry.field(description="Number of the calls that were measured.")
    turns: int = strawberry.field(description="Number of the replies that were measured.")
    p50: Duration = duration_field(
        "p50", "Median: half of the replies were at least as fast.", unit="milliseconds"
    )
    p95: Duration = duration_field(
        "p95",
        "95th percentile: 95 % of the replies were at least as fast.",
        unit="milliseconds",
    )


@strawberry.type(name="CallStatistics", description="The calls that were created in a period.")
class CallStatisticsType:
    since: datetime = strawberry.field(
        description=(
            "From when on calls are counted (UTC). Later than the period begins if more than 100,000 of "
            "its calls have ended: then the newest 100,000 are counted."
        )
    )
    until: datetime = strawberry.field(description="End of the period (UTC).")
    calls: int = strawberry.field(description="Number of all calls, those in progress included.")
    groups: list[CallGroup] = strawberry.field(
        description="The calls by state and end reason, the largest group first."
    )

    @strawberry.field(description="Sum of the estimated costs of all calls.")
    def cost(self, statistics: strawberry.Parent[domain.CallStatistics]) -> Money:
        return Money(statistics.spent)

    @strawberry.field(
        description=(
            "Latency of the newest 100 voice calls of the period that have ended, of the last 50 replies "
            "of each; null when no reply was measured."
        ),
        graphql_type=FirstAudio | None,
    )
    async def first_audio(
        self, statistics: strawberry.Parent[domain.CallStatistics], info: Ctx
    ) -> domain.FirstAudio | None:
        return await resolvers.first_audio(info, statistics)
