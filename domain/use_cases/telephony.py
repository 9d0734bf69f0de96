"""Creating, editing and deleting trunks and telephone numbers. Passwords of trunks can be written but
never read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from domain.common.access import Scope, Viewer
from domain.common.errors import InUse, InvalidInput, NotFound
from domain.ports import Services, Trunks, UnitOfWork
from domain.telephony.trunks import (
    InboundTrunk,
    InboundTrunkId,
    InboundTrunkSpec,
    NumberReference,
    OutboundTrunk,
    OutboundTrunkId,
    OutboundTrunkSpec,
    PhoneNumber,
    PhoneNumberId,
    PhoneNumberSpec,
    check_inbound_trunk,
    check_outbound_trunk,
    check_password,
    check_password_text,
    check_phone_number,
)

MAX_TRUNKS = 100
"""Trunks of each direction that a tenant may have."""
MAX_NUMBERS = 1_000
PASSWORD = "password"
"""The change that is not one of the spec."""

AnyTrunk = TypeVar("AnyTrunk", OutboundTrunk, InboundTrunk)
AnySpec = TypeVar("AnySpec", OutboundTrunkSpec, InboundTrunkSpec)


async def create_outbound_trunk(
    services: Services, viewer: Viewer, spec: OutboundTrunkSpec, password: str | None
) -> OutboundTrunk:
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _create_trunk(work.outbound_trunks, check_outbound_trunk(spec), password)


async def create_inbound_trunk(
    services: Services, viewer: Viewer, spec: InboundTrunkSpec, password: str | None
) -> InboundTrunk:
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _create_trunk(work.inbound_trunks, check_inbound_trunk(spec), password)


async def update_outbound_trunk(
    services: Services,
    viewer: Viewer,
    id: OutboundTrunkId,
    expected_revision: int,
    changes: Mapping[str, Any],
) -> OutboundTrunk:
    """Change the fields in `changes`, of which `password` is one."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _update_trunk(
            work.outbound_trunks, id, expected_revision, changes, check_outbound_trunk
        )


async def update_inbound_trunk(
    services: Services,
    viewer: Viewer,
    id: InboundTrunkId,
    expected_revision: int,
    changes: Mapping[str, Any],
) -> InboundTrunk:
    """Change the fields in `changes`, of which `password` is one."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _update_trunk(
            work.inbound_trunks, id, expected_revision, changes, check_inbound_trunk
        )


async def delete_outbound_trunk(
    services: Services, viewer: Viewer, id: OutboundTrunkId
) -> OutboundTrunk:
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _delete_trunk(work, work.outbound_trunks, id, "outbound_trunk_id")


async def delete_inbound_trunk(
    services: Services, viewer: Viewer, id: InboundTrunkId
) -> InboundTrunk:
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _delete_trunk(work, work.inbound_trunks, id, "inbound_trunk_id")


async def resume_outbound_trunk(
    services: Services, viewer: Viewer, id: OutboundTrunkId
) -> OutboundTrunk:
    """Dial over the trunk again, which was paused because its carrier refused calls."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        trunk = await _existing_trunk(work.outbound_trunks, id)
        await work.calls.resume_trunk(id)
        return trunk


async def create_phone_number(
    services: Services, viewer: Viewer, spec: PhoneNumberSpec
) -> PhoneNumber:
    """Raises `NumberTaken` when this or another tenant has the number."""
    viewer.require(Scope.TELEPHONY_WRITE)
    _check_number(services, spec)
    async with services.store.transaction(viewer.tenant_id) as work:
        if await work.phone_numbers.count() >= MAX_NUMBERS:
            raise InvalidInput(f"A tenant may have at most {MAX_NUMBERS} numbers.", ("number",))
        await _check_references(work, spec)
        return await work.phone_numbers.add(spec)


async def update_phone_number(
    services: Services,
    viewer: Viewer,
    id: PhoneNumberId,
    expected_revision: int,
    changes: Mapping[str, Any],
) -> PhoneNumber:
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        spec = replace((await _existing_number(work, id)).spec, **changes)
        _check_number(services, spec)
        await _check_references(work, spec)
        return await work.phone_numbers.save(id, spec, expected_revision)


async def delete_phone_number(services: Services, viewer: Viewer, id: PhoneNumberId) -> PhoneNumber:
    """Delete a number. Calls to it are no longer accepted; its past calls remain."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        number = await _existing_number(work, id)
        await work.phone_numbers.delete(id)
        return number


async def _create_trunk(
    trunks: Trunks[AnyTrunk, AnySpec], spec: AnySpec, password: str | None
) -> AnyTrunk:
    _check_new_password(spec.username, password)
    if await trunks.count() >= MAX_TRUNKS:
        raise InvalidInput(f"A tenant may have at most {MAX_TRUNKS} of these trunks.", ("name",))
    trunk = await trunks.add(spec)
    return trunk if password is None else await trunks.set_password(trunk.id, password)


async def _update_trunk(
    trunks: Trunks[AnyTrunk, AnySpec],
    id: UUID,
    expected_revision: int,
    changes: Mapping[str, Any],
    check: Callable[[AnySpec], AnySpec],
) -> AnyTrunk:
    trunk = await _existing_trunk(trunks, id)
    current: Any = trunk.spec
    spec = check(replace(current, **{n: v for n, v in changes.items() if n != PASSWORD}))
    if PASSWORD not in changes:
        check_password(spec.username, trunk.has_password, ())
        if trunk.has_password:
            _check_same_address(current, spec)
        return await trunks.save(id, spec, expected_revision)
    _check_new_password(spec.username, changes[PASSWORD])
    await trunks.save(id, spec, expected_revision)
    return await trunks.set_password(id, changes[PASSWORD])


def _check_same_address(before: object, after: Any) -> None:
    """A password stays with the address and the transport that it was set for: someone who may edit a
    trunk could otherwise have it used at a server of their own, or without encryption."""
    if not isinstance(before, OutboundTrunkSpec):
        return
    if (before.address, before.transport) != (after.address, after.transport):
        raise InvalidInput(
            "The password of this trunk was set for another address or transport; set it again "
            "together with the new one, or remove username and password.",
            (PASSWORD,),
        )


async def _delete_trunk(
    work: UnitOfWork, trunks: Trunks[AnyTrunk, Any], id: UUID, reference: NumberReference
) -> AnyTrunk:
    trunk = await _existing_trunk(trunks, id)
    await check_no_number_uses(work, reference, id, f"The trunk {trunk.spec.name}")
    await trunks.delete(id)
    return trunk


async def check_no_number_uses(
    work: UnitOfWork, reference: NumberReference, id: UUID, what: str
) -> None:
    """Raise `InUse` when a number refers to what is to be deleted."""
    numbers = (await work.phone_numbers.using(reference, [id])).get(id, ())
    if numbers:
        raise InUse(
            f"{what} is used by telephone numbers; delete them, or assign them to something else.",
            ("id",),
            used_by=tuple(number.spec.number for number in numbers),
        )


def _check_new_password(username: str | None, password: str | None) -> None:
    if password is not None:
        check_password_text(password, (PASSWORD,))
    check_password(username, password is not None, ())


def _check_number(services: Services, spec: PhoneNumberSpec) -> None:
    check_phone_number(spec)
    maximum = services.max_call_seconds
    if spec.defaults.max_seconds is not None and spec.defaults.max_seconds > maximum:
        raise InvalidInput(
            f"maxDuration must be between 1 and {maximum} seconds.", ("defaults", "maxDuration")
        )
    if spec.defaults.is_recorded and services.audio_store is None:
        raise InvalidInput(
            "This installation has no store for recordings: set RECORDINGS_URL, or do not record "
            "the calls of the number.",
            ("defaults", "recording"),
        )


async def _check_references(work: UnitOfWork, spec: PhoneNumberSpec) -> None:
    """The database would also accept references to objects of other tenants."""
    workflow, inbound, outbound = spec.workflow_id, spec.inbound_trunk_id, spec.outbound_trunk_id
    if workflow is not None and await work.workflows.get(workflow) is None:
        raise NotFound("There is no such workflow.", ("workflowId",))
    if inbound is not None and await work.inbound_trunks.get(inbound) is None:
        raise NotFound("There is no such inbound trunk.", ("inboundTrunkId",))
    if outbound is not None and await work.outbound_trunks.get(outbound) is None:
        raise NotFound("There is no such outbound trunk.", ("outboundTrunkId",))


async def _existing_trunk(trunks: Trunks[AnyTrunk, Any], id: UUID) -> AnyTrunk:
    trunk = await trunks.get(id)
    if trunk is None:
        raise NotFound("There is no such trunk.", ("id",))
    return trunk


async def _existing_number(work: UnitOfWork, id: PhoneNumberId) -> PhoneNumber:
    number = await work.phone_numbers.get(id)
    if number is None:
        raise NotFound("There is no such phone number.", ("id",))
    return number
