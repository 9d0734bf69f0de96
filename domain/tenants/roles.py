"""The roles of a tenant: the built-in ones, and the tenant's own, which are named sets of scopes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol
from uuid import UUID

from domain.common.access import (
    INSTALLATION_SCOPES,
    ROLE_SCOPES,
    Role,
    Scope,
    TenantId,
    known_scopes,
)
from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import check_name, check_text

MAX_ROLES = 50
MAX_DESCRIPTION_LENGTH = 500

RoleId = NewType("RoleId", UUID)

BUILT_IN_DESCRIPTIONS = {
    Role.OWNER: "May do everything.",
    Role.ADMIN: "May do everything but what only owners may.",
    Role.EDITOR: "Builds agents, tools and workflows, and works with calls.",
    Role.OPERATOR: "Works with calls, and reads everything that explains them.",
    Role.VIEWER: "Reads everything but what only admins may see.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    """A role of a tenant's own. The scopes are stored by their names, because a newer release may know
    more of them."""

    name: str
    description: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRole:
    """A stored role of a tenant's own."""

    id: RoleId
    tenant_id: TenantId
    spec: RoleSpec
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRole:
    """A role as it is listed; `custom` is None for a built-in one."""

    name: str
    description: str | None
    scopes: frozenset[Scope]
    custom: CustomRole | None = None


class Roles(Protocol):
    """The tenant's own roles. Names are unique per tenant."""

    async def all(self) -> Sequence[CustomRole]:
        """Return the roles ordered by name."""
        ...

    async def get(self, id: UUID) -> CustomRole | None: ...

    async def count(self) -> int: ...

    async def add(self, spec: RoleSpec) -> CustomRole:
        """Raises `NameTaken` when the name is in use."""
        ...

    async def save(self, id: UUID, spec: RoleSpec, expected_revision: int) -> CustomRole:
        """Raises `NotFound`, or `RevisionConflict` when someone else has edited the role. Keys and
        users that have the role are looked up again."""
        ...

    async def delete(self, id: UUID) -> None: ...

    async def holders(self, name: str) -> Sequence[str]:
        """Lock the role until the commit, and return what it is given to: API keys and identity providers
        by their names, and members and invited people by their e-mail addresses; at most 100 of each."""
        ...

    async def scopes_of(self, name: str, path: Path) -> frozenset[Scope]:
        """Return what a role grants, built-in or not, and lock it against changes until the commit.
        Raises `InvalidInput` when there is no such role."""
        ...


def built_in_roles() -> list[NamedRole]:
    return [
        NamedRole(
            name=role.value, description=BUILT_IN_DESCRIPTIONS[role], scopes=ROLE_SCOPES[role]
        )
        for role in Role
    ]


def named_role(role: CustomRole) -> NamedRole:
    spec = role.spec
    return NamedRole(
        name=spec.name,
        description=spec.description,
        scopes=known_scopes(spec.scopes),
        custom=role,
    )


def role_problems(spec: RoleSpec) -> Problems:
    yield from problems_of(check_name, spec.name, ("name",))
    yield from problems_of(
        check_text, spec.description, ("description",), max_length=MAX_DESCRIPTION_LENGTH
    )
    if not spec.scopes:
        yield InvalidInput("A role needs at least one scope.", ("scopes",))
    yield from problems_of(check_scopes, spec.scopes, ("scopes",))


def check_scopes(scopes: Iterable[str], path: Path) -> None:
    """Raise `InvalidInput` for scopes that no role and no key can have."""
    if INSTALLATION_SCOPES.intersection(scopes):
        raise InvalidInput(
            f"No role and no key can have {Scope.INSTALLATION_MANAGE}: operators of the installation are "
            "appointed on its command line.",
            path,
        )


def unknown_role(name: str, path: Path) -> InvalidInput:
    return InvalidInput(
        f"There is no role {name[:64]!r}: name one of {', '.join(Role)}, or one of your own.", path
    )
