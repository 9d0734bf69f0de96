"""Recordings of calls, and whether workflows want them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.calls.recordings import RecordingState
from domain.workflows.model import RecordingChoice
from graph.schema.types.common import as_graphql
from resolvers import recordings as resolvers
from resolvers.context import Ctx


@strawberry.type(description="Whether voice calls are recorded.")
class WorkflowRecording:
    enabled: bool = strawberry.field(description="Whether they are; off by default.")
    announcement: str | None = strawberry.field(
        description="A template of what callers are told of it, before the greeting."
    )


@strawberry.input(description="Whether voice calls are recorded.")
class WorkflowRecordingInput:
    enabled: bool = strawberry.field(description="Whether they are.")
    announcement: str | None = strawberry.field(
        default=None, description="A template of what callers are told, before the greeting."
    )

    def choice(self) -> RecordingChoice:
        return RecordingChoice(enabled=self.enabled, announcement=self.announcement)


@strawberry.type(description="The recording of a voice call: the caller left, the agents right.")
class Recording:
    state: RecordingState = strawberry.field(description="Whether it can be heard yet, or still.")
    started_at: datetime = strawberry.field(description="The moment that it begins with.")
    duration_ms: int | None = strawberry.field(description="How long it is, once it is READY.")
    missing_ms: int | None = strawberry.field(
        description="How much of that is silence because it was lost, as when a worker died."
    )
    size: int | None = strawberry.field(description="In bytes.")
    error: str | None = strawberry.field(description="What went wrong last, unless it is mended.")
    ready_at: datetime | None = strawberry.field(description="Since when it can be heard.")
    deleted_at: datetime | None = strawberry.field(description="When it was deleted.")
    deleted_by: str | None = strawberry.field(
        description="By whom: user:… or key:…, or retention when its time had come."
    )

    @strawberry.field(
        description=(
            "Where it can be heard, by whoever has this link; only when it is READY. It may be "
            "relative to the address of the API."
        )
    )
    async def url(self, info: Ctx) -> str | None:
        link = await resolvers.link(info, as_graphql(self))
        return link[0] if link else None

    @strawberry.field(description="Until when the link can be used; ask again for another.")
    async def expires_at(self, info: Ctx) -> datetime | None:
        link = await resolvers.link(info, as_graphql(self))
        return link[1] if link else None
