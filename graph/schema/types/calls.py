"""Calls, and what can be asked of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from domain.calls import model as domain
from domain.calls.events import Speaker
from domain.calls.model import Blame, CallKind, CallState, Direction, EndReason
from domain.calls.state import context_json
from domain.providers.usage import cost_of
from domain.use_cases.calls import CallRequest
from graph.schema.scalars import Cursor, Duration, Json
from graph.schema.types.common import Connection, Node, as_graphql, instance_check
from graph.schema.types.errors import (
    CallHasEnded,
    IdempotencyConflict,
    NotFoundError,
    NotPublishable,
    QuotaExceeded,
    ValidationError,
    WorkflowNotFound,
    WorkflowNotPublished,
)
from graph.schema.types.inputs import json_object
from graph.schema.types.recordings import Recording
from graph.schema.types.usage import Cost, LatencySummary, Usage
from graph.schema.types.workflows import VersionType, WorkflowBy, WorkflowType
from resolvers import calls as resolvers
from resolvers import recordings as recording_resolvers
from resolvers import workflows as workflow_resolvers
from resolvers.context import Ctx
from resolvers.global_ids import decode_id, require_id

if TYPE_CHECKING:
    from graph.schema.types.events import CallEventConnection


@strawberry.type(description="One turn of a transcript.")
class Turn:
    turn_id: strawberry.ID = strawberry.field(description="Unique in the call.")
    at: datetime = strawberry.field(description="When it was complete.")
    speaker: Speaker = strawberry.field(description="Who spoke.")
    text: str = strawberry.field(description="What was heard.")
    node: str | None = strawberry.field(description="The agent's place in the workflow.")
    agent: str | None = strawberry.field(description="The agent's name.")
    interrupted: bool = strawberry.field(description="Whether it was cut off.")


@strawberry.type(name="Call", description="One conversation between a caller and agents.")
class CallType(Node):
    is_type_of = instance_check(domain.Call)

    kind: CallKind = strawberry.field(description="How the two are connected.")
    direction: Direction = strawberry.field(description="Who called whom.")
    state: CallState = strawberry.field(description="Where it is.")
    end_reason: EndReason | None = strawberry.field(description="Why it ended.")
    blame: Blame | None = strawberry.field(description="Whose doing the end was.")
    active_node: str | None = strawberry.field(description="The node whose agent has the word.")
    user_id: str | None = strawberry.field(description="Your name for the caller.")
    phone_number: str | None = strawberry.field(description="In E.164.")
    user_context: Json = strawberry.field(description="What agents were given about the caller.")
    metadata: Json = strawberry.field(description="Yours; never shown to agents.")
    created_at: datetime = strawberry.field(description="When it was started.")
    answered_at: datetime | None = strawberry.field(description="When the conversation began.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")

    @strawberry.field(description="From answer to end.")
    def duration(self) -> Duration | None:
        if self.answered_at is None or self.ended_at is None:
            return None
        return Duration(self.ended_at - self.answered_at)

    @strawberry.field(description="The workflow, unless it has been deleted.")
    async def workflow(self, info: Ctx) -> WorkflowType | None:
        call: Any = self
        return as_graphql(await workflow_resolvers.workflow(info, call.workflow_id))

    @strawberry.field(description="The version it runs.")
    async def version(self, info: Ctx) -> VersionType | None:
        call: Any = self
        return as_graphql(await workflow_resolvers.version(info, call.version_id))

    @strawberry.field(
        description="What was said so far. Of a call with more than 15,000 turns, page through "
        "turns instead."
    )
    async def transcript(self, info: Ctx) -> list[Turn]:
        return as_graphql(await resolvers.transcript(info, as_graphql(self)))

    @strawberry.field(
        description="What was said, in pages; the cursors are those of callEvents. Its cost does "
        "not grow with the length of the call."
    )
    async def turns(
        self,
        info: Ctx,
        first: Annotated[int | None, strawberry.argument(description="1 to 100.")] = None,
        after: Annotated[Cursor | None, strawberry.argument(description="Go on here.")] = None,
    ) -> Connection[Turn]:
        return as_graphql(await resolvers.turns(info, as_graphql(self), first, after))

    @strawberry.field(description="What the call knows: a fold of its events.")
    async def context(self, info: Ctx) -> Json:
        return Json(context_json((await resolvers.call_projection(info, as_graphql(self))).context))

    @strawberry.field(description="The nodes it went through, in order.")
    async def nodes_visited(self, info: Ctx) -> list[str]:
        return list((await resolvers.call_projection(info, as_graphql(self))).visited)

    @strawberry.field(description="What was used of each model so far.")
    async def usage(self, info: Ctx) -> list[Usage]:
        return as_graphql((await resolvers.call_projection(info, as_graphql(self))).usage)

    @strawberry.field(description="What that comes to, as estimated; null: nothing was used.")
    async def cost(self, info: Ctx) -> Cost | None:
        return as_graphql(cost_of((await resolvers.call_projection(info, as_graphql(self))).usage))

    @strawberry.field(description="How quick its answers were; null: none was measured.")
    async def latency(self, info: Ctx) -> LatencySummary | None:
        return as_graphql(await resolvers.latency(info, as_graphql(self)))

    @strawberry.field(description="Its recording; none where nothing was recorded.")
    async def recording(self, info: Ctx) -> Recording | None:
        return as_graphql(await recording_resolvers.recording(info, as_graphql(self)))

    @strawberry.field(description="Its log; the cursors are those of callEvents.")
    async def events(
        self,
        info: Ctx,
        first: Annotated[int | None, strawberry.argument(description="1 to 100.")] = None,
        after: Annotated[Cursor | None, strawberry.argument(description="Go on here.")] = None,
    ) -> Annotated[CallEventConnection, strawberry.lazy("graph.schema.types.events")]:
        return as_graphql(await resolvers.events(info, as_graphql(self), first, after))


CallConnection = Connection[CallType]


@strawberry.input(description="Which calls; what is left out takes any.")
class CallFilter:
    states: list[CallState] | None = strawberry.field(default=None, description="In these states.")
    kinds: list[CallKind] | None = strawberry.field(default=None, description="Of these kinds.")
    workflow_id: strawberry.ID | None = strawberry.field(default=None, description="Of this one.")
    user_id: str | None = strawberry.field(default=None, description="Of this caller.")
    live: bool | None = strawberry.field(default=None, description="Going on, or over.")


def filter_of(given: CallFilter | None) -> domain.CallFilter | None:
    """None when it can admit nothing: the workflow is not one."""
    if given is None:
        return domain.CallFilter()
    workflow = decode_id("Workflow", given.workflow_id) if given.workflow_id is not None else None
    if given.workflow_id is not None and workflow is None:
        return None
    return domain.CallFilter(
        states=tuple(given.states) if given.states is not None else None,
        kinds=tuple(given.kinds) if given.kinds is not None else None,
        workflow_id=as_graphql(workflow),
        user_id=given.user_id,
        live=given.live,
    )


@strawberry.input(description="A call to start.")
class StartCallInput:
    workflow: WorkflowBy = strawberry.field(description="What runs it.")
    kind: CallKind = strawberry.field(default=CallKind.TEXT, description="How to connect.")
    user_id: str | None = strawberry.field(default=None, description="Your name for the caller.")
    user_context: Json | None = strawberry.field(
        default=None, description="An object that agents may read, as user.…"
    )
    metadata: Json | None = strawberry.field(default=None, description="An object, yours.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same key within 24 hours answers the same call."
    )
    max_duration: Duration | None = strawberry.field(default=None, description="Ends it then.")
    draft: bool = strawberry.field(default=False, description="Run the draft, for trying out.")

    version: strawberry.ID | None = strawberry.field(
        default=None, description="Run this version of the workflow, not the published one."
    )

    def request(self) -> CallRequest:
        longest: timedelta | None = self.max_duration
        by_id = self.workflow.id.value if self.workflow.id else None
        return CallRequest(
            workflow_id=decode_id("Workflow", by_id) if by_id else None,
            workflow_name=self.workflow.slug.value if self.workflow.slug else None,
            kind=self.kind,
            user_id=self.user_id,
            user_context=json_object(self.user_context, "userContext"),
            metadata=json_object(self.metadata, "metadata"),
            idempotency_key=self.idempotency_key,
            max_seconds=None if longest is None else int(longest.total_seconds()),
            draft=self.draft,
            version_id=self._version(),
        )

    def _version(self) -> UUID | None:
        if self.version is None:
            return None
        return require_id("WorkflowVersion", self.version, ("input", "version"))


@strawberry.input(description="The caller's next turn in a text call.")
class SendMessageInput:
    call_id: strawberry.ID = strawberry.field(description="The call.")
    text: str = strawberry.field(description="At most 8,192 characters.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same key is the same message: safe to send again."
    )


@strawberry.input(description="A call to end.")
class EndCallInput:
    call_id: strawberry.ID = strawberry.field(description="The call.")


@strawberry.type(description="Lets one caller into a call's room, with a microphone.")
class JoinTicket:
    url: str = strawberry.field(description="Of the LiveKit server.")
    token: str = strawberry.field(description="For one room, to be used before it expires.")
    room: str = strawberry.field(description="The room's name.")
    expires_at: datetime = strawberry.field(description="Until then it lets the caller in.")


@strawberry.type(description="The call was started, or had been with this key.")
class StartCallSuccess:
    call: CallType = strawberry.field(description="The call.")
    join: JoinTicket | None = strawberry.field(description="Only for a VOIP call that goes on.")


@strawberry.input(description="A call whose room to join, again or on another device.")
class JoinCallInput:
    call_id: strawberry.ID = strawberry.field(description="The call.")


@strawberry.type(description="The caller may come in; whoever was there as the caller goes out.")
class JoinCallSuccess:
    call: CallType = strawberry.field(description="The call.")
    join: JoinTicket = strawberry.field(description="A new ticket.")


@strawberry.type(description="The message will be answered; its UserTurn has this turnId.")
class SendMessageSuccess:
    turn_id: strawberry.ID = strawberry.field(description="Of the turn to come.")


@strawberry.type(description="The call has ended or is about to.")
class EndCallSuccess:
    call: CallType = strawberry.field(description="The call as it is now.")


@strawberry.input(description="A call whose recording to delete.")
class DeleteRecordingInput:
    call_id: strawberry.ID = strawberry.field(description="The call.")


@strawberry.type(description="The recording is deleted; its sound is gone within moments.")
class DeleteRecordingSuccess:
    call: CallType = strawberry.field(description="The call, which has no other recording.")


StartCallResult = Annotated[
    StartCallSuccess
    | ValidationError
    | WorkflowNotFound
    | NotFoundError
    | WorkflowNotPublished
    | NotPublishable
    | QuotaExceeded
    | IdempotencyConflict,
    strawberry.union("StartCallResult", description="What became of startCall."),
]
JoinCallResult = Annotated[
    JoinCallSuccess | ValidationError | NotFoundError | CallHasEnded,
    strawberry.union("JoinCallResult", description="What became of joinCall."),
]
SendMessageResult = Annotated[
    SendMessageSuccess | ValidationError | NotFoundError | CallHasEnded | IdempotencyConflict,
    strawberry.union("SendMessageResult", description="What became of sendMessage."),
]
EndCallResult = Annotated[
    EndCallSuccess | NotFoundError,
    strawberry.union("EndCallResult", description="What became of endCall."),
]
DeleteRecordingResult = Annotated[
    DeleteRecordingSuccess | NotFoundError,
    strawberry.union("DeleteRecordingResult", description="What became of deleteRecording."),
]
