"""Transferring a call in progress to another number, at the request of an operator."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4, uuid5

from domain.calls.commands import Command, CommandId, CommandKind, transfer_to_json
from domain.calls.model import Call, CallId, CallKind
from domain.common.access import Scope, Viewer
from domain.common.errors import DialRefused, InvalidInput, NotFound, Problem
from domain.common.lists import Window
from domain.common.problems import problems_of, raise_per_value
from domain.common.text_validation import check_text
from domain.ports import Services, UnitOfWork
from domain.telephony.dial_policy import DialRefusal, check_dial
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.transfers import TransferMode, TransferTarget, transfer_problems
from domain.use_cases.telephony import MAX_TRUNKS


async def transfer_call(
    services: Services,
    viewer: Viewer,
    id: CallId,
    target: TransferTarget,
    idempotency_key: str | None,
    found: Sequence[Problem] = (),
) -> tuple[Call, Command]:
    """Ask the worker of the call to transfer the caller. The worker checks once more, and the log of the
    call says what becomes of it. The same key asks for one transfer."""
    viewer.require(Scope.CALLS_WRITE)
    raise_per_value(
        found,
        transfer_problems(target, ()),
        problems_of(check_text, idempotency_key, ("idempotencyKey",), max_length=255, min_length=1),
    )
    async with services.store.transaction(viewer.tenant_id) as work:
        call = await _voice_call(work, id, target)
        await _check_target(work, target)
        command = Command(
            id=CommandId(uuid5(id, f"transfer {idempotency_key}") if idempotency_key else uuid4()),
            call_id=id,
            kind=CommandKind.TRANSFER,
            body=transfer_to_json(target),
            asked_by=viewer.subject,
        )
        await work.calls.enqueue_command(command)
        return call, command


async def _voice_call(work: UnitOfWork, id: CallId, target: TransferTarget) -> Call:
    call = await work.calls.get(id)
    if call is None:
        raise NotFound("There is no such call.", ("callId",))
    if call.kind is CallKind.TEXT:
        raise InvalidInput("A text call cannot be transferred.", ("callId",))
    if target.mode is TransferMode.COLD and call.kind is not CallKind.SIP:
        raise InvalidInput(
            "Only telephone calls can be transferred by the carrier; set mode: WARM.", ("mode",)
        )
    if call.ended_at is None and call.answered_at is None:
        raise InvalidInput("The call has not been answered yet; try again then.", ("callId",))
    return call


async def _check_target(work: UnitOfWork, target: TransferTarget) -> None:
    """Raises `DialRefused` unless an enabled trunk may dial the number."""
    trunks = await _trunks(work, target.trunk)
    refused: DialRefused | None = None
    for trunk in trunks:
        try:
            check_dial(trunk, target.number, ("number",))
        except DialRefused as error:
            refused = refused or error
        else:
            return
    raise refused or DialRefused(
        "A transfer dials a number, and no outbound trunk is enabled: create one with "
        "createOutboundTrunk.",
        ("number",),
        reason=DialRefusal.NO_TRUNK,
    )


async def _trunks(work: UnitOfWork, name: str | None) -> list[OutboundTrunkSpec]:
    if name is None:
        page = await work.outbound_trunks.page(Window(MAX_TRUNKS))
        return [trunk.spec for trunk in page.items if trunk.spec.is_enabled]
    named = await work.outbound_trunks.by_names([name])
    if not named:
        raise NotFound("There is no such outbound trunk.", ("trunk",))
    return [trunk.spec for trunk in named]
