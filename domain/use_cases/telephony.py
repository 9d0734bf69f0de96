"""Creating, editing and deleting trunks and telephone numbers. Passwords of trunks can be written but
never read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from domain.common.access import Scope, Viewer
from domain.common.errors import InUse, InvalidInput, NotFound, Problem
from domain.common.patches import patched
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.ports import Services, Trunks, UnitOfWork
from domain.telephony.carrier_addresses import carrier_address_problems
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
    check_password,
    check_password_text,
    inbound_trunk_problems,
    outbound_trunk_problems,
    phone_number_problems,
)

MAX_TRUNKS = 100
"""Trunks of each direction that a tenant may have."""
MAX_NUMBERS = 1_000
PASSWORD = "password"
"""The change that is not one of the spec."""

AnyTrunk = TypeVar("AnyTrunk", OutboundTrunk, InboundTrunk)
AnySpec = TypeVar("AnySpec", OutboundTrunkSpec, InboundTrunkSpec)


async def create_outbound_trunk(
    services: Services,
    viewer: Viewer,
    spec: OutboundTrunkSpec,
    password: str | None,
    found: Sequence[Problem] = (),
) -> OutboundTrunk:
    """`found` are the problems of the request that were found while it was read."""
    viewer.require(Scope.TELEPHONY_WRITE)
    problems = chain(found, _outbound_problems(services, None, spec))
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _create_trunk(work.outbound_trunks, spec, password, problems)


async def create_inbound_trunk(
    services: Services,
    viewer: Viewer,
    spec: InboundTrunkSpec,
    password: str | None,
    found: Sequence[Problem] = (),
) -> InboundTrunk:
    """`found` are the problems of the request that were found while it was read."""
    viewer.require(Scope.TELEPHONY_WRITE)
    problems = chain(found, inbound_trunk_problems(spec))
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _create_trunk(work.inbound_trunks, spec, password, problems)


async def update_outbound_trunk(
    services: Services,
    viewer: Viewer,
    id: OutboundTrunkId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> OutboundTrunk:
    """Change the fields in `changes`, of which `password` is one."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _update_trunk(
            work.outbound_trunks,
            id,
            expected_revision,
            changes,
            found,
            partial(_outbound_problems, services),
        )


async def update_inbound_trunk(
    services: Services,
    viewer: Viewer,
    id: InboundTrunkId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> InboundTrunk:
    """Change the fields in `changes`, of which `password` is one."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await _update_trunk(
            work.inbound_trunks,
            id,
            expected_revision,
            changes,
            found,
            lambda _, spec: inbound_trunk_problems(spec),
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
    services: Services, viewer: Viewer, spec: PhoneNumberSpec, found: Sequence[Problem] = ()
) -> PhoneNumber:
    """Raises `NumberTaken` when this or another tenant has the number. `found` are the problems of the
    request that were found while it was read."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        problems = [*found, *_number_problems(services, spec)]
        raise_per_value(problems, await _reference_problems(work, spec))
        if await work.phone_numbers.count() >= MAX_NUMBERS:
            raise InvalidInput(f"A tenant may have at most {MAX_NUMBERS} numbers.", ("number",))
        return await work.phone_numbers.add(spec)


async def update_phone_number(
    services: Services,
    viewer: Viewer,
    id: PhoneNumberId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> PhoneNumber:
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        problems = list(found)
        spec = patched((await _existing_number(work, id)).spec, changes, problems)
        problems += _number_problems(services, spec)
        raise_per_value(problems, await _reference_problems(work, spec))
        return await work.phone_numbers.save(id, spec, expected_revision)


async def delete_phone_number(services: Services, viewer: Viewer, id: PhoneNumberId) -> PhoneNumber:
    """Delete a number. Calls to it are no longer accepted; its past calls remain."""
    viewer.require(Scope.TELEPHONY_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        number = await _existing_number(work, id)
        await work.phone_numbers.delete(id)
        return number


async def _create_trunk(
    trunks: Trunks[AnyTrunk, AnySpec],
    spec: AnySpec,
    password: str | None,
    problems: Iterable[Problem],
) -> AnyTrunk:
    raise_per_value(problems, _new_password_problems(spec.username, password))
    if await trunks.count() >= MAX_TRUNKS:
        raise InvalidInput(f"A tenant may have at most {MAX_TRUNKS} of these trunks.", ("name",))
    trunk = await trunks.add(spec)
    return trunk if password is None else await trunks.set_password(trunk.id, password)


async def _update_trunk(
    trunks: Trunks[AnyTrunk, AnySpec],
    id: UUID,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem],
    problems_of_change: Callable[[AnySpec, AnySpec], Problems],
) -> AnyTrunk:
    trunk = await _existing_trunk(trunks, id)
    current: Any = trunk.spec
    problems = list(found)
    spec: AnySpec = patched(current, {n: v for n, v in changes.items() if n != PASSWORD}, problems)
    problems += problems_of_change(current, spec)
    if PASSWORD not in changes:
        raise_per_value(problems, _kept_password_problems(trunk, spec))
        return await trunks.save(id, spec, expected_revision)
    raise_per_value(problems, _new_password_problems(spec.username, changes[PASSWORD]))
    await trunks.save(id, spec, expected_revision)
    return await trunks.set_password(id, changes[PASSWORD])


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


def _new_password_problems(username: str | None, password: str | None) -> Problems:
    if password is not None:
        yield from problems_of(check_password_text, password, (PASSWORD,))
    yield from problems_of(check_password, username, password is not None, ())


def _kept_password_problems(trunk: OutboundTrunk | InboundTrunk, spec: Any) -> Problems:
    """A password stays with the address and the transport that it was set for: someone who may edit a
    trunk could otherwise have it used at a server of their own, or without encryption."""
    yield from problems_of(check_password, spec.username, trunk.has_password, ())
    if not trunk.has_password or isinstance(trunk, InboundTrunk):
        return
    if _leads_elsewhere(trunk.spec, spec):
        yield InvalidInput(
            "The password of this trunk was set for another address or transport; set it again "
            "together with the new one, or remove username and password.",
            (PASSWORD,),
        )


def _outbound_problems(
    services: Services, before: OutboundTrunkSpec | None, spec: OutboundTrunkSpec
) -> Problems:
    """An address that is no longer listed does not prevent other changes; it is not dialled."""
    yield from outbound_trunk_problems(spec)
    if before is None or _leads_elsewhere(before, spec):
        yield from carrier_address_problems(spec, services.trunks_allowed)


def _leads_elsewhere(before: OutboundTrunkSpec, after: OutboundTrunkSpec) -> bool:
    return (before.address, before.transport) != (after.address, after.transport)


def _number_problems(services: Services, spec: PhoneNumberSpec) -> Problems:
    yield from phone_number_problems(spec)
    maximum = services.max_call_seconds
    if spec.defaults.max_seconds is not None and spec.defaults.max_seconds > maximum:
        yield InvalidInput(
            f"maxDuration must be between 1 and {maximum} seconds.", ("defaults", "maxDuration")
        )
    if spec.defaults.is_recorded and services.audio_store is None:
        yield InvalidInput(
            "This installation has no store for recordings: set RECORDINGS_URL, or do not record "
            "the calls of the number.",
            ("defaults", "recording"),
        )


async def _reference_problems(work: UnitOfWork, spec: PhoneNumberSpec) -> list[Problem]:
    """The database would also accept references to objects of other tenants."""
    workflow, inbound, outbound = spec.workflow_id, spec.inbound_trunk_id, spec.outbound_trunk_id
    problems: list[Problem] = []
    if workflow is not None and await work.workflows.get(workflow) is None:
        problems.append(NotFound("There is no such workflow.", ("workflowId",)))
    if inbound is not None and await work.inbound_trunks.get(inbound) is None:
        problems.append(NotFound("There is no such inbound trunk.", ("inboundTrunkId",)))
    if outbound is not None and await work.outbound_trunks.get(outbound) is None:
        problems.append(NotFound("There is no such outbound trunk.", ("outboundTrunkId",)))
    return problems


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
