"""Recordings of calls, and the recording settings of workflows."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.calls import recordings as domain
from domain.calls.recordings import RecordingState
from domain.workflows.model import RecordingChoice
from resolvers import recordings as resolvers
from resolvers.context import Ctx


@strawberry.type(description="Whether and how voice calls are recorded.")
class WorkflowRecording:
    enabled: bool = strawberry.field(description="Whether voice calls are recorded.")
    announcement: str | None = strawberry.field(
        description="Announcement to the caller before the greeting; a template. Null for none."
    )


@strawberry.input(description="Whether and how voice calls are recorded.")
class WorkflowRecordingInput:
    enabled: bool = strawberry.field(description="Whether voice calls are recorded.")
    announcement: str | None = strawberry.field(
        default=None,
        description="Announcement to the caller before the greeting; a template. Null for none.",
    )

    def choice(self) -> RecordingChoice:
        return RecordingChoice(enabled=self.enabled, announcement=self.announcement)


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
        description="Length of the recording, in milliseconds; null until it is READY."
    )
    missing_ms: int | None = strawberry.field(
        description=(
            "Length of the silence that stands in for lost audio, in milliseconds; "
            "null until the recording is READY."
        )
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
