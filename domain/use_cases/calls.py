"""Starting calls, joining them, sending messages to them, and ending them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4, uuid5

from domain.audit.model import AuditKind, AuditNote
from domain.calls.commands import MAX_MESSAGE_LENGTH, Command, CommandId, CommandKind
from domain.calls.model import Call, CallId, CallKind, Direction, EndReason
from domain.calls.rooms import RoomAccess, RoomAccessIssuer
from domain.common.access import Scope, Viewer
from domain.common.errors import (
    CallHasEnded,
    Forbidden,
    InvalidInput,
    NotFound,
    Path,
    Problem,
    WorkflowNotFound,
    WorkflowNotPublished,
)
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.text_validation import check_text
from domain.ports import Services, UnitOfWork
from domain.use_cases.outbound_calls import (
    NO_DIAL,
    DialRequest,
    dial_request_problems,
    no_dial_problems,
    with_dial,
)
from domain.use_cases.quotas import check_storage
from domain.use_cases.versions import get_version
from domain.use_cases.workflows import (
    check_publishable,
    compute_transaction,
    new_version,
    take_snapshot,
)
from domain.verification import DRAFT
from domain.workflows.model import VersionId, Workflow

MAX_JSON_LENGTH = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """The input of `startCall`. The workflow is named by id or by slug. Without `version_id` or
    `draft`, its published version runs."""

    workflow_id: UUID | None = None
    workflow_name: str | None = None
    kind: CallKind = CallKind.TEXT
    user_id: str | None = None
    user_context: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    max_seconds: int | None = None
    draft: bool = False
    version_id: UUID | None = None
    dial: DialRequest = NO_DIAL


async def start_call(
    services: Services, viewer: Viewer, request: CallRequest, found: Sequence[Problem] = ()
) -> Call:
    """Store a pending call; a worker claims it within moments, or it ends with NO_WORKER.

    The same idempotency key returns the same call for 24 hours. `found` are the problems of the request
    that were found while it was read."""
    problems = [*found, *_problems(request, services.max_call_seconds)]
    request = _permitted(viewer, request)
    is_dialed = request.kind is CallKind.SIP
    if request.kind is not CallKind.TEXT:
        problems += problems_of(_require_room_access, services, ("kind",))
    if problems:
        await _raise_with_workflow(services, viewer, request, problems)
    async with _transaction_for(services, viewer, request) as work:
        digest = _digest(request)
        # Before what may have changed since: the time, the limits of the trunk, the workflow.
        earlier = await _started_before(work, request, digest)
        if earlier is not None:
            return earlier
        await check_storage(work, viewer)
        workflow = await _workflow_of(work, request)
        version = await _version_of(services, viewer, work, workflow, request)
        if request.kind is not CallKind.TEXT:
            await _check_voice_ready(services, work, version)
        call = Call(
            id=CallId(uuid4()),
            tenant_id=viewer.tenant_id,
            kind=request.kind,
            direction=Direction.OUTBOUND if is_dialed else Direction.INBOUND,
            workflow_id=workflow.id,
            version_id=version,
            user_id=request.user_id,
            user_context=request.user_context,
            metadata=request.metadata,
            max_seconds=request.max_seconds or services.max_call_seconds,
            created_at=services.clock(),
        )
        if is_dialed:
            call = await with_dial(work, call, request.dial, request.max_seconds)
        return await work.calls.start(call, request.idempotency_key, digest)


def _permitted(viewer: Viewer, request: CallRequest) -> CallRequest:
    """The request, if the viewer may start such a call. A credential that may only let callers join has
    idempotency keys of its own: with those of others, it could join their calls."""
    if Scope.CALLS_WRITE in viewer.scopes:
        return request
    viewer.require(Scope.CALLS_JOIN)
    if request.kind is not CallKind.VOIP or request.draft or request.version_id is not None:
        raise Forbidden(
            f"With the scope {Scope.CALLS_JOIN}, a credential can only start calls of the kind VOIP, of "
            f"published versions. Anything else needs {Scope.CALLS_WRITE}."
        )
    key = request.idempotency_key
    return request if key is None else replace(request, idempotency_key=f"{viewer.subject} {key}")


async def _raise_with_workflow(
    services: Services, viewer: Viewer, request: CallRequest, problems: Sequence[Problem]
) -> None:
    """Raise the problems, and that there is no such workflow if that is another one."""
    async with services.store.transaction(viewer.tenant_id) as work:
        try:
            await _workflow_of(work, request)
        except WorkflowNotFound as unknown:
            raise_per_value(problems, unknown.problems)
    raise_per_value(problems)


async def _started_before(work: UnitOfWork, request: CallRequest, digest: str) -> Call | None:
    """The call that this request has started already."""
    key = request.idempotency_key
    return None if key is None else await work.calls.started_with(key, digest)


def room_access(services: Services, call: Call) -> RoomAccess | None:
    """Access for the caller to the room of the call; None when there is no room to join."""
    if (
        call.kind is not CallKind.VOIP
        or call.ended_at is not None
        or services.room_access_issuer is None
    ):
        return None
    return services.room_access_issuer.issue(call.id, services.clock())


async def join_call(services: Services, viewer: Viewer, id: CallId) -> tuple[Call, RoomAccess]:
    """Issue new room access for the caller, who may have been in the room before."""
    viewer.require(Scope.CALLS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        call = await _existing(work, id)
    if call.kind is not CallKind.VOIP:
        raise InvalidInput("Only VOIP calls have a room to join.", ("callId",))
    if call.ended_at is not None:
        raise CallHasEnded("The call has ended.", ("callId",))
    access = _require_room_access(services, ("callId",)).issue(id, services.clock())
    services.audit_notes.put(viewer.tenant_id, call_note(AuditKind.ACCESSED, id))
    return call, access


def call_note(kind: AuditKind, call: CallId) -> AuditNote:
    return AuditNote(kind=kind, target_kind="call", target=str(call))


def _require_room_access(services: Services, path: Path) -> RoomAccessIssuer:
    if services.room_access_issuer is None:
        raise InvalidInput(
            "Voice calls need a LiveKit server, and this installation has none: set LIVEKIT_URL, "
            "LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or start a TEXT call.",
            path,
        )
    services.room_access_issuer.require_server()
    return services.room_access_issuer


async def send_message(
    services: Services, viewer: Viewer, id: CallId, text: str, idempotency_key: str | None
) -> Command:
    """Add the caller's next turn to a text call."""
    viewer.require(Scope.CALLS_WRITE)
    raise_per_value(
        problems_of(check_text, text, ("text",), max_length=MAX_MESSAGE_LENGTH, min_length=1),
        problems_of(check_text, idempotency_key, ("idempotencyKey",), max_length=255, min_length=1),
    )
    async with services.store.transaction(viewer.tenant_id) as work:
        call = await _existing(work, id)
        if call.kind is not CallKind.TEXT:
            raise InvalidInput("Only text calls take messages.", ("callId",))
        command = Command(
            id=CommandId(uuid5(id, idempotency_key) if idempotency_key else uuid4()),
            call_id=id,
            kind=CommandKind.SEND_TEXT,
            body={"text": text},
            asked_by=viewer.subject,
        )
        await work.calls.enqueue_command(command)
        return command


async def end_call(
    services: Services, viewer: Viewer, id: CallId, *, by_caller: bool = False
) -> Call:
    """End the call. Idempotent: a call that has already ended is returned unchanged."""
    viewer.require(Scope.CALLS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        call = await _existing(work, id)
        command = Command(
            id=CommandId(uuid5(id, "end")),
            call_id=id,
            kind=CommandKind.END,
            body={"by_caller": True} if by_caller else {},
            asked_by=viewer.subject,
        )
        # An answered call without a worker may be about to be resumed by another one.
        if call.answered_at:
            reason = command.end_reason_for(call, is_answered=True)
            ended = await work.calls.end_unclaimed(id, reason, command)
        else:
            ended = await work.calls.end_unclaimed(id, EndReason.CANCELED)
        if not ended:
            with suppress(CallHasEnded):
                await work.calls.enqueue_command(command)
        if call.ended_at is None:
            await work.audit.note(call_note(AuditKind.ENDED, id))
        return await _existing(work, id)


def _problems(request: CallRequest, max_seconds: int) -> Problems:
    if request.draft and request.version_id is not None:
        yield InvalidInput("Give version or draft: true, not both.", ("version",))
    for name, text in (("userId", request.user_id), ("idempotencyKey", request.idempotency_key)):
        yield from problems_of(check_text, text, (name,), max_length=255, min_length=1)
    if request.max_seconds is not None and not 1 <= request.max_seconds <= max_seconds:
        yield InvalidInput(
            f"maxDuration must be between 1 second and {max_seconds} seconds.",
            ("maxDuration",),
        )
    for name, value in (("userContext", request.user_context), ("metadata", request.metadata)):
        if len(json.dumps(value)) > MAX_JSON_LENGTH:
            yield InvalidInput(f"{name} is larger than {MAX_JSON_LENGTH} bytes.", (name,))
    is_dialed = request.kind is CallKind.SIP
    yield from dial_request_problems(request.dial) if is_dialed else no_dial_problems(request.dial)


def _transaction_for(
    services: Services, viewer: Viewer, request: CallRequest
) -> AbstractAsyncContextManager[UnitOfWork]:
    """A draft is verified inside the transaction, so it needs one that may wait for `Compute`."""
    if request.draft:
        return compute_transaction(services, viewer)
    return services.store.transaction(viewer.tenant_id)


async def _workflow_of(work: UnitOfWork, request: CallRequest) -> Workflow:
    if request.workflow_id is not None:
        workflow = await work.workflows.get(request.workflow_id)
    else:
        workflow = next(iter(await work.workflows.by_names([request.workflow_name or ""])), None)
    if workflow is None:
        raise WorkflowNotFound("There is no such workflow.", ("workflow",))
    return workflow


async def _version_of(
    services: Services, viewer: Viewer, work: UnitOfWork, workflow: Workflow, request: CallRequest
) -> VersionId:
    if request.version_id is not None:
        return (await get_version(work, workflow, request.version_id, ("version",))).id
    if not request.draft:
        if workflow.published is None:
            raise WorkflowNotPublished(
                f"The workflow {workflow.spec.name} has not been published; "
                "publish it, or start the call with draft: true.",
                ("workflow",),
            )
        return workflow.published
    snapshot = await take_snapshot(work, workflow.spec)
    await check_publishable(services, viewer, work, snapshot, DRAFT)
    draft = new_version(viewer, workflow, snapshot, services.clock())
    return (await work.versions.add_draft(draft)).id


async def _check_voice_ready(services: Services, work: UnitOfWork, id: VersionId) -> None:
    """A published version may lack what a voice call needs in this installation: a recording
    store, or an STT or TTS provider."""
    (version,) = await work.versions.by_ids([id])
    if version.snapshot.workflow.is_recorded and services.audio_store is None:
        raise InvalidInput(
            "The workflow has recording turned on, but this installation has no store for "
            "recordings: set RECORDINGS_URL, or turn off recording and publish again.",
            ("workflow",),
        )
    for agent in version.snapshot.agents.values():
        for name, choice in (("stt", agent.stt), ("tts", agent.tts)):
            if choice is None:
                raise InvalidInput(
                    f"The agent {agent.name} has no {name} provider, which voice calls need: choose "
                    "one for it or in the tenant's defaults and publish, or start a TEXT call.",
                    ("kind",),
                )


async def _existing(work: UnitOfWork, id: CallId) -> Call:
    call = await work.calls.get(id)
    if call is None:
        raise NotFound("There is no such call.", ("callId",))
    return call


def _digest(request: CallRequest) -> str:
    """A digest of the input: two requests with the same key are the same if it is equal."""
    facts = [
        str(request.workflow_id or request.workflow_name),
        request.kind,
        request.user_id,
        request.user_context,
        request.metadata,
        request.max_seconds,
        request.draft,
        # Left out if None, so that digests equal those stored before the field existed.
        *([str(request.version_id)] if request.version_id else []),
        *([asdict(request.dial)] if request.dial != NO_DIAL else []),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
