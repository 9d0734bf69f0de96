"""Calls and their mutations' inputs and results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from domain.calls import model as domain
from domain.calls import recordings
from domain.calls import state as call_state
from domain.calls.events import Speaker, StoredEvent
from domain.calls.latency import Latency
from domain.calls.model import Blame, CallKind, CallState, Direction, EndReason
from domain.calls.rooms import RoomAccess
from domain.calls.state import context_json
from domain.common.errors import NotFound, Path
from domain.common.errors import WorkflowNotFound as WorkflowIsUnknown
from domain.common.lists import Count
from domain.providers import usage as billing
from domain.providers.usage import cost_of
from domain.telephony.attestation import Attestation
from domain.use_cases.calls import CallRequest
from domain.use_cases.outbound_calls import DialRequest
from domain.workflows.answering import AnsweringParty
from domain.workflows.model import Version, Workflow
from graph.schema.scalars import Cursor, Duration, Json, Money
from graph.schema.types.answering import CallAnsweringInput
from graph.schema.types.calling_hours import AllowedHoursInput
from graph.schema.types.common import Connection, Node, instance_check
from graph.schema.types.errors import (
    CallHasEnded,
    DialRefused,
    IdempotencyConflict,
    NotFoundError,
    NotPublishable,
    QuotaExceeded,
    ValidationError,
    WorkflowNotFound,
    WorkflowNotPublished,
)
from graph.schema.types.graphs import GraphNodeType
from graph.schema.types.inputs import InputReader, created, json_object
from graph.schema.types.lists import count_field
from graph.schema.types.recordings import Recording
from graph.schema.types.usage import Cost, LatencySummary, Usage
from graph.schema.types.workflows import VersionType, WorkflowBy, WorkflowType
from resolvers import calls as resolvers
from resolvers import graphs
from resolvers import recordings as recording_resolvers
from resolvers import workflows as workflow_resolvers
from resolvers.context import Ctx
from resolvers.global_ids import global_id, require_id
from resolvers.pagination import Page

if TYPE_CHECKING:
    from graph.schema.types.events import CallEventConnection


@strawberry.type(description="One turn of a transcript.")
class Turn:
    turn_id: strawberry.ID = strawberry.field(description="Id of the turn, unique in the call.")
    at: datetime = strawberry.field(description="When the turn was complete (UTC).")
    speaker: Speaker = strawberry.field(description="Whether the caller or an agent spoke.")
    text: str = strawberry.field(
        description=(
            "What the caller said, or what the caller can have heard of the agent's words."
        )
    )
    node: str | None = strawberry.field(
        description="Id of the agent's node; null for a turn of the caller."
    )
    agent: str | None = strawberry.field(
        description="Name of the agent; null for a turn of the caller."
    )
    interrupted: bool = strawberry.field(
        description="Whether the turn was cut off, for instance by barge-in."
    )


@strawberry.type(
    name="Call", description="One conversation between a caller and the agents of a workflow."
)
class CallType(Node):
    is_type_of = instance_check(domain.Call)

    kind: CallKind = strawberry.field(description="How the caller is connected.")
    direction: Direction = strawberry.field(
        description="Whether the caller or the platform started the call."
    )
    state: CallState = strawberry.field(description="Current state of the call.")
    end_reason: EndReason | None = strawberry.field(
        description="Why the call ended; null while it has not."
    )
    blame: Blame | None = strawberry.field(
        description="Which party caused the end; null while the call has not ended."
    )
    active_node: str | None = strawberry.field(
        description=(
            "Key of the node whose agent is handling the call; null before the first one. "
            "`currentNode` is the node itself."
        )
    )

    @strawberry.field(
        description=(
            "The node whose agent is handling the call, of the version that it runs; null before the "
            "first one."
        ),
        graphql_type=GraphNodeType | None,
    )
    async def current_node(
        self, call: strawberry.Parent[domain.Call], info: Ctx
    ) -> graphs.GraphNode | None:
        return await graphs.current_node(info, call)

    user_id: str | None = strawberry.field(
        description="Your own identifier of the caller; null for none."
    )
    phone_number: str | None = strawberry.field(
        description=(
            "Phone number of the person on the phone in E.164: the callee's of an outbound call, "
            "the caller's of an inbound one; null for calls without telephone."
        )
    )
    from_number: str | None = strawberry.field(
        description="Phone number that called, in E.164; null for calls without telephone."
    )
    to_number: str | None = strawberry.field(
        description="Phone number that was called, in E.164; null for calls without telephone."
    )
    scheduled_for: datetime | None = strawberry.field(
        description="When the call is to be dialled (UTC); null for a call that was not scheduled."
    )
    sip_status: int | None = strawberry.field(
        description=(
            "Final SIP status of a dial that failed, such as 486; null while it has not, or when "
            "none was reported."
        )
    )
    answered_by: AnsweringParty | None = strawberry.field(
        description="Who or what answered an outbound phone call; null when that is not known."
    )
    attestation: Attestation | None = strawberry.field(
        description=(
            "What the carrier says about the number of an inbound caller (STIR/SHAKEN); null for "
            "other calls."
        )
    )
    user_context: Json = strawberry.field(
        description=(
            "Facts about the caller, as given at the start; agents read them as `user.…` values."
        )
    )
    metadata: Json = strawberry.field(
        description="Your own data about the call; never shown to agents."
    )
    created_at: datetime = strawberry.field(description="When the call was created (UTC).")
    answered_at: datetime | None = strawberry.field(
        description="When the conversation began (UTC); null when it has not."
    )
    ended_at: datetime | None = strawberry.field(
        description="When the call ended (UTC); null while it has not."
    )

    @strawberry.field(
        description=(
            "Time between answer and end; null while the call has not ended or when "
            "it was never answered."
        )
    )
    def duration(self) -> Duration | None:
        if self.answered_at is None or self.ended_at is None:
            return None
        return Duration(self.ended_at - self.answered_at)

    @strawberry.field(
        description=(
            "Estimated cost so far, which lists filter and sort by. It is stored with the call, while "
            "`cost` reads the log of the call and shows the parts."
        )
    )
    def total_cost(self, call: strawberry.Parent[domain.Call]) -> Money:
        return Money(call.spent)

    @strawberry.field(
        description="How long the phone may ring before it is answered; null for calls without telephone."
    )
    def ringing_timeout(self, call: strawberry.Parent[domain.Call]) -> Duration | None:
        seconds = call.ringing_seconds
        return None if seconds is None else Duration(timedelta(seconds=seconds))

    @strawberry.field(
        description=(
            "Id of the trunk over which the call is dialled or came, which may have been deleted; "
            "null for calls without telephone."
        )
    )
    def trunk_id(self, call: strawberry.Parent[domain.Call]) -> strawberry.ID | None:
        if call.trunk_id is None:
            return None
        kind = "OutboundTrunk" if call.is_dialed else "InboundTrunk"
        return strawberry.ID(global_id(kind, call.trunk_id))

    @strawberry.field(
        description="Workflow that the call runs; null when it has been deleted.",
        graphql_type=WorkflowType | None,
    )
    async def workflow(self, call: strawberry.Parent[domain.Call], info: Ctx) -> Workflow | None:
        return await workflow_resolvers.workflow(info, call.workflow_id)

    @strawberry.field(
        description="Version of the workflow that the call runs.", graphql_type=VersionType | None
    )
    async def version(self, call: strawberry.Parent[domain.Call], info: Ctx) -> Version | None:
        return await workflow_resolvers.version(info, call.version_id)

    @strawberry.field(
        description=(
            "All turns so far. Calls with more than 15,000 turns are refused: use `turns` for them."
        ),
        graphql_type=list[Turn],
    )
    async def transcript(
        self, call: strawberry.Parent[domain.Call], info: Ctx
    ) -> Sequence[call_state.Turn] | AsyncIterator[call_state.Turn]:
        return await resolvers.transcript(info, call)

    @strawberry.field(
        description=(
            "Turns of the call, oldest first, in pages whose cursors work with "
            "`callEvents`, too. The cost does not grow with the length of the call."
        ),
        graphql_type=Connection[Turn],
    )
    async def turns(
        self,
        call: strawberry.Parent[domain.Call],
        info: Ctx,
        first: Annotated[
            int | None, strawberry.argument(description="Page size, 1 to 100; the default is 20.")
        ] = None,
        after: Annotated[
            Cursor | None,
            strawberry.argument(
                description="Cursor to continue behind; omit to start with the first turn."
            ),
        ] = None,
    ) -> Page[call_state.Turn]:
        return await resolvers.turns(info, call, first, after)

    @strawberry.field(description="Current context of the call, computed from its events.")
    async def context(self, call: strawberry.Parent[domain.Call], info: Ctx) -> Json:
        return Json(context_json((await resolvers.call_projection(info, call)).context))

    @strawberry.field(description="Ids of the nodes that the call has visited, in order.")
    async def nodes_visited(self, call: strawberry.Parent[domain.Call], info: Ctx) -> list[str]:
        return list((await resolvers.call_projection(info, call)).visited)

    @strawberry.field(description="Usage so far, for each model.", graphql_type=list[Usage])
    async def usage(
        self, call: strawberry.Parent[domain.Call], info: Ctx
    ) -> Sequence[billing.Usage]:
        return (await resolvers.call_projection(info, call)).usage

    @strawberry.field(
        description="Estimated cost so far; null when nothing was used.", graphql_type=Cost | None
    )
    async def cost(self, call: strawberry.Parent[domain.Call], info: Ctx) -> billing.Cost | None:
        return cost_of((await resolvers.call_projection(info, call)).usage)

    @strawberry.field(
        description="Response latency of the call; null when no turn was measured.",
        graphql_type=LatencySummary | None,
    )
    async def latency(self, call: strawberry.Parent[domain.Call], info: Ctx) -> Latency | None:
        return await resolvers.latency(info, call)

    @strawberry.field(
        description="Recording of the call; null when nothing was recorded.",
        graphql_type=Recording | None,
    )
    async def recording(
        self, call: strawberry.Parent[domain.Call], info: Ctx
    ) -> recordings.Recording | None:
        return await recording_resolvers.recording(info, call)

    @strawberry.field(
        description=(
            "Event log of the call, oldest first, in pages whose cursors work with "
            "`callEvents`, too."
        ),
        graphql_type=Annotated["CallEventConnection", strawberry.lazy("graph.schema.types.events")],
    )
    async def events(
        self,
        call: strawberry.Parent[domain.Call],
        info: Ctx,
        first: Annotated[
            int | None, strawberry.argument(description="Page size, 1 to 100; the default is 20.")
        ] = None,
        after: Annotated[
            Cursor | None,
            strawberry.argument(
                description="Cursor to continue behind; omit to start with the first event."
            ),
        ] = None,
    ) -> Page[StoredEvent]:
        return await resolvers.events(info, call, first, after)


@strawberry.type(description="One page of a list of calls.")
class CallConnection(Connection[CallType]):
    total_count: Count = count_field()
    since: datetime | None = strawberry.field(
        description=(
            "Earliest time of creation that the list covers, where it covers only a part because of "
            "its filter and its order (UTC); null otherwise."
        )
    )


@strawberry.input(description="Parameters of a new call.")
class StartCallInput:
    workflow: WorkflowBy = strawberry.field(description="Workflow that the call runs.")
    kind: CallKind = strawberry.field(default=CallKind.TEXT, description="How the caller connects.")
    user_id: str | None = strawberry.field(
        default=None, description="Your own identifier of the caller."
    )
    user_context: Json | None = strawberry.field(
        default=None,
        description=(
            "Facts about the caller as an object, which agents may read as `user.…` values."
        ),
    )
    metadata: Json | None = strawberry.field(
        default=None,
        description="Your own data about the call as an object; never shown to agents.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=(
            "Key that makes the request repeatable: the same key returns the same "
            "call for 24 hours."
        ),
    )
    max_duration: Duration | None = strawberry.field(
        default=None,
        description=(
            "Maximum call duration; the call ends when it is reached. Omit for the "
            "limit of the installation."
        ),
    )
    draft: bool = strawberry.field(
        default=False,
        description="Whether to run the draft instead of the published version, for testing.",
    )

    version: strawberry.ID | None = strawberry.field(
        default=None, description="Id of the version to run; omit to run the published version."
    )
    phone_number: str | None = strawberry.field(
        default=None,
        description=(
            "Phone number to dial in E.164, such as `+12025550123`, or a short number that the trunk "
            "allows. Required for a SIP call; other calls have none."
        ),
    )
    trunk: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "Id of the outbound trunk to dial over; omit for the trunk of `callerNumber`, or for the "
            "only one that is enabled."
        ),
    )
    caller_number: str | None = strawberry.field(
        default=None,
        description=(
            "Number of the trunk that the callee sees, in E.164; omit for the oldest of its numbers."
        ),
    )
    ringing_timeout: Duration | None = strawberry.field(
        default=None,
        description=(
            "How long the phone may ring, 5 to 75 seconds; omit for the default of the caller "
            "number, or else 30 seconds."
        ),
    )
    scheduled_for: datetime | None = strawberry.field(
        default=None,
        description=(
            "When to dial, at most 30 days ahead; omit to dial at once. Until then the call is "
            "PENDING and `endCall` cancels it."
        ),
    )
    allowed_hours: AllowedHoursInput | None = strawberry.field(
        default=None,
        description=(
            "Hours of the day in which the callee may be called; omit to call at any hour. Checked "
            "now and again before the number is dialled."
        ),
    )
    answering: CallAnsweringInput | None = strawberry.field(
        default=None,
        description=(
            "What this call does differently from its workflow about machines that answer; omit to do "
            "as the workflow says."
        ),
    )

    def request(self, reader: InputReader) -> CallRequest:
        by_id = self.workflow.id.value if self.workflow.id else None
        version, at = self.version, reader.at
        return CallRequest(
            workflow_id=None if by_id is None else at("workflow").read(None, _workflow_id, by_id),
            workflow_name=self.workflow.slug.value if self.workflow.slug else None,
            kind=self.kind,
            user_id=self.user_id,
            user_context=json_object(self.user_context, at("userContext")),
            metadata=json_object(self.metadata, at("metadata")),
            idempotency_key=self.idempotency_key,
            max_seconds=_whole_seconds(self.max_duration),
            draft=self.draft,
            version_id=None if version is None else at("version").id("WorkflowVersion", version),
            dial=self._dial(reader),
        )

    def _dial(self, reader: InputReader) -> DialRequest:
        trunk, answering = self.trunk, self.answering
        return DialRequest(
            phone_number=self.phone_number,
            trunk_id=None if trunk is None else reader.at("trunk").id("OutboundTrunk", trunk),
            caller_number=self.caller_number,
            ringing_seconds=_whole_seconds(self.ringing_timeout),
            scheduled_for=self.scheduled_for,
            calling_hours=created(self.allowed_hours, reader.at("allowedHours"), None),
            answering=None if answering is None else answering.override(reader.at("answering")),
        )


def _whole_seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(duration.total_seconds())


def _workflow_id(text: str, path: Path) -> UUID:
    try:
        return require_id("Workflow", text, path)
    except NotFound as unknown:
        raise WorkflowIsUnknown(unknown.message, path) from None


@strawberry.input(description="The caller's next message in a text call.")
class SendMessageInput:
    call_id: strawberry.ID = strawberry.field(description="Id of the text call.")
    text: str = strawberry.field(description="Text of the message; at most 8,192 characters.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=(
            "Key that makes the request repeatable: the same key is the same message, "
            "so it is safe to send again."
        ),
    )


@strawberry.input(description="The call to end.")
class EndCallInput:
    call_id: strawberry.ID = strawberry.field(description="Id of the call to end.")
    by_caller: bool = strawberry.field(
        default=False,
        description=(
            "Whether the caller hung up: an answered call then ends with HUNG_UP_BY_USER instead "
            "of ENDED_BY_API."
        ),
    )


@strawberry.type(description="Access to the room of a call for one caller, with a microphone.")
class JoinTicket:
    url: str = strawberry.field(description="URL of the LiveKit server, for its client libraries.")
    token: str = strawberry.field(description="Access token of LiveKit for this room only.")
    room: str = strawberry.field(description="Name of the LiveKit room.")
    expires_at: datetime = strawberry.field(
        description="When the token expires (UTC); the caller must have joined by then."
    )


@strawberry.type(
    description="The call was started, or had been started with this idempotency key before."
)
class StartCallSuccess:
    call: domain.Call = strawberry.field(graphql_type=CallType, description="The started call.")
    join: RoomAccess | None = strawberry.field(
        graphql_type=JoinTicket | None,
        description="Access to the room of the call; null unless it is a VOIP call in progress.",
    )

    @strawberry.field(
        description="Id of the call, for credentials that may start calls but not read them."
    )
    def call_id(self) -> strawberry.ID:
        return strawberry.ID(global_id("Call", self.call.id))


@strawberry.input(description="The call whose room to join, again or on another device.")
class JoinCallInput:
    call_id: strawberry.ID = strawberry.field(description="Id of the VOIP call.")


@strawberry.type(
    description=(
        "The caller may join the room; a participant who joined as the caller "
        "before is disconnected."
    )
)
class JoinCallSuccess:
    call: domain.Call = strawberry.field(graphql_type=CallType, description="The call to join.")
    join: RoomAccess = strawberry.field(
        graphql_type=JoinTicket, description="New access to the room of the call."
    )


@strawberry.type(
    description=("The message was accepted; the UserTurn event with this `turnId` confirms it.")
)
class SendMessageSuccess:
    turn_id: strawberry.ID = strawberry.field(
        description="Id of the turn that the message becomes."
    )


@strawberry.type(description="The call has ended or is about to end.")
class EndCallSuccess:
    call: domain.Call = strawberry.field(
        graphql_type=CallType, description="The call in its current state."
    )


@strawberry.input(description="The call whose recording is to be deleted.")
class DeleteRecordingInput:
    call_id: strawberry.ID = strawberry.field(description="Id of the recorded call.")


@strawberry.type(description="The recording is deleted; its audio is removed within moments.")
class DeleteRecordingSuccess:
    call: domain.Call = strawberry.field(
        graphql_type=CallType, description="The call whose recording was deleted."
    )


StartCallResult = Annotated[
    StartCallSuccess
    | ValidationError
    | DialRefused
    | WorkflowNotFound
    | NotFoundError
    | WorkflowNotPublished
    | NotPublishable
    | QuotaExceeded
    | IdempotencyConflict,
    strawberry.union(
        "StartCallResult",
        description="Result of `startCall`: the success type or one of the errors.",
    ),
]
JoinCallResult = Annotated[
    JoinCallSuccess | ValidationError | NotFoundError | CallHasEnded,
    strawberry.union(
        "JoinCallResult", description="Result of `joinCall`: the success type or one of the errors."
    ),
]
SendMessageResult = Annotated[
    SendMessageSuccess | ValidationError | NotFoundError | CallHasEnded | IdempotencyConflict,
    strawberry.union(
        "SendMessageResult",
        description="Result of `sendMessage`: the success type or one of the errors.",
    ),
]
EndCallResult = Annotated[
    EndCallSuccess | NotFoundError,
    strawberry.union(
        "EndCallResult", description="Result of `endCall`: the success type or one of the errors."
    ),
]
DeleteRecordingResult = Annotated[
    DeleteRecordingSuccess | NotFoundError,
    strawberry.union(
        "DeleteRecordingResult",
        description="Result of `deleteRecording`: the success type or one of the errors.",
    ),
]
