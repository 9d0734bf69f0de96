"""Recordings of calls, and the recording settings of workflows."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.calls import recordings as domain
from domain.calls.recordings import RecordingState
from domain.common.patches import Patch
from domain.workflows.model import RecordingChoice
from graph.schema.scalars import Duration
from graph.schema.types.durations import duration_field
from graph.schema.types.inputs import InputReader, same
from resolvers import recordings as resolvers
from resolvers.context import Ctx


@strawberry.type(description="Whether and how voice calls are recorded.")
class WorkflowRecording:
    enabled: bool = strawberry.field(description="Whether voice calls are recorded.")
    announcement: str | None = strawberry.field(
        description="Announcement to the caller before the greeting; a template. Null for none."
    )


@strawberry.input(
    description=(
        "Whether and how voice calls are recorded. An update leaves omitted fields as they are."
    )
)
class WorkflowRecordingInput:
    enabled: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether voice calls are recorded; false by default."
    )
    announcement: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "Announcement to the caller before the greeting; a template. Null, the default, for none."
        )
    )

    def patch(self, reader: InputReader) -> Patch[RecordingChoice]:
        nullable = frozenset({"announcement"})
        fields = same("enabled", "announcement")
        return reader.patch(self, RecordingChoice, fields, nullable=nullable)


@strawberry.type(
    description=(
        "The recording of a voice call, in stereo: the caller on the left "
        "channel, the agents on the right."
    )
)
class Recording:
    state: RecordingState = strawberry.field(
        description="Whether the recording is in progress, ready or deleted."
    )
    started_at: datetime = strawberry.field(description="When the recording starts (UTC).")
    duration_ms: int | None = strawberry.field(
        description="Length of the recording, in milliseconds; null until it is READY.",
        deprecation_reason="Use `duration`.",
    )
    duration: Duration | None = duration_field(
        "duration_ms",
        "Length of the recording; null until it is READY.",
        unit="milliseconds",
        nullable=True,
    )
    missing_ms: int | None = strawberry.field(
        description=(
            "Length of the silence that stands in for lost audio, in milliseconds; "
            "null until the recording is READY."
        ),
        deprecation_reason="Use `missing`.",
    )
    missing: Duration | None = duration_field(
        "missing_ms",
        "Length of the silence that stands in for lost audio; null until the recording is READY.",
        unit="milliseconds",
        nullable=True,
    )
    size: int | None = strawberry.field(
        description="Size of the audio file, in bytes; null until the recording is READY."
    )
    error: str | None = strawberry.field(
        description="Last error of the processing; null when there is none."
    )
    ready_at: datetime | None = strawberry.field(
        description="When the recording became READY (UTC); null before."
    )
    deleted_at: datetime | None = strawberry.field(
        description="When the recording was deleted (UTC); null when it was not."
    )
    deleted_by: str | None = strawberry.field(
        description=(
            "Who deleted the recording: `user:…`, `key:…`, or `retention` when its "
            "retention period was over. Null when it was not deleted."
        )
    )

    @strawberry.field(
        description=(
            "Temporary link to the audio, for anyone who has it; null unless the "
            "recording is READY. It may be relative to the address of the API."
        )
    )
    async def url(self, recording: strawberry.Parent[domain.Recording], info: Ctx) -> str | None:
        link = await resolvers.link(info, recording)
        return link[0] if link else None

    @strawberry.field(
        description=("When the link expires (UTC); query again for a new one. Null without a link.")
    )
    async def expires_at(
        self, recording: strawberry.Parent[domain.Recording], info: Ctx
    ) -> datetime | None:
        link = await resolvers.link(info, recording)
        return link[1] if link else None
