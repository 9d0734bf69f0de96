"""Listing, creating, changing and deleting the roles of a tenant. No one can grant a scope that they
lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.common.access import Scope, Viewer, known_scopes
from domain.common.errors import InUse, InvalidInput, NotFound, Path, Problem
from domain.common.problems import raise_per_value
from domain.ports import Services, UnitOfWork
from domain.tenants.roles import (
    MAX_ROLES,
    CustomRole,
    NamedRole,
    RoleId,
    RoleSpec,
    built_in_roles,
    named_role,
    role_problems,
)


async def list_roles(services: Services, viewer: Viewer) -> Sequence[NamedRole]:
    """The built-in roles, and then the tenant's own by name."""
    viewer.require(Scope.ROLES_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return [*built_in_roles(), *map(named_role, await work.roles.all())]


async def create_role(services: Services, viewer: Viewer, spec: RoleSpec) -> NamedRole:
    viewer.require(Scope.ROLES_WRITE)
    _check_spec(viewer, spec, ())
    async with services.store.transaction(viewer.tenant_id) as work:
        if await work.roles.count() >= MAX_ROLES:
            raise InvalidInput(f"A tenant may have at most {MAX_ROLES} roles.", ("name",))
        return named_role(await work.roles.add(spec))


async def update_role(
    services: Services,
    viewer: Viewer,
    id: RoleId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> NamedRole:
    """Change the fields in `changes`. Keys and members that have the role are affected at once. `found`
    are the problems of the request that were found while it was read."""
    viewer.require(Scope.ROLES_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        role = await _existing(work, id)
        viewer.require_all(known_scopes(role.spec.scopes), ("id",))
        spec = replace(role.spec, **changes)
        _check_spec(viewer, spec, found)
        return named_role(await work.roles.save(id, spec, expected_revision))


async def delete_role(services: Services, viewer: Viewer, id: RoleId) -> NamedRole:
    viewer.require(Scope.ROLES_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        role = await _existing(work, id)
        holders = tuple(await work.roles.holders(role.spec.name))
        if holders:
            raise InUse(
                f"The role {role.spec.name} is given to {', '.join(holders)}.",
                ("id",),
                used_by=holders,
            )
        await work.roles.delete(id)
        return named_role(role)


async def scopes_to_grant(
    work: UnitOfWork, role: str, path: Path, problems: Sequence[Problem] = ()
) -> frozenset[Scope]:
    """What a role grants that is to be given, whose scopes stay until the commit. Raises the problems, and
    that there is no such role."""
    try:
        granted = await work.roles.scopes_of(role, path)
    except InvalidInput as unknown:
        raise_per_value(problems, unknown.problems)
        raise
    raise_per_value(problems)
    return granted


def _check_spec(viewer: Viewer, spec: RoleSpec, found: Sequence[Problem]) -> None:
    raise_per_value(found, role_problems(spec))
    viewer.require_all(known_scopes(spec.scopes), ("scopes",))


async def _existing(work: UnitOfWork, id: RoleId) -> CustomRole:
    role = await work.roles.get(id)
    if role is None:
        raise NotFound("There is no such role.", ("id",))
    return role
