"""Roles, and their mutations' inputs and results."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from domain.tenants import roles as domain
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import Fields, InputReader, same
from resolvers.global_ids import global_id

EXPECTED_REVISION = (
    "Revision that you read; the update fails with RevisionConflict when it is no longer current."
)


@strawberry.type(
    name="Role", description="A named set of scopes, which members and API keys can have."
)
class RoleType:
    name: str = strawberry.field(
        description="Unique name; those of built-in roles are in upper case, such as `EDITOR`."
    )
    description: str | None = strawberry.field(
        description="What the role is for; null when not described."
    )

    @strawberry.field(
        description="Globally unique, opaque id; null for a built-in role.",
    )
    def id(self, role: strawberry.Parent[domain.NamedRole]) -> strawberry.ID | None:
        return strawberry.ID(global_id("Role", role.custom.id)) if role.custom else None

    @strawberry.field(description="Whether the product defines the role, so that it cannot change.")
    def is_built_in(self, role: strawberry.Parent[domain.NamedRole]) -> bool:
        return role.custom is None

    @strawberry.field(description="Scopes that the role grants, with those that these include.")
    def scopes(self, role: strawberry.Parent[domain.NamedRole]) -> list[Scope]:
        return sorted(role.scopes)

    @strawberry.field(
        description="Revision number; increases with every edit. Null for a built-in role."
    )
    def revision(self, role: strawberry.Parent[domain.NamedRole]) -> int | None:
        return role.custom.revision if role.custom else None


@strawberry.input(description="A new role of your tenant.")
class CreateRoleInput:
    name: str = strawberry.field(
        description="Unique name: lower-case letters, digits and hyphens, at most 63 characters."
    )
    scopes: list[Scope] = strawberry.field(
        description="Scopes that the role grants; you must have each of them yourself."
    )
    description: str | None = strawberry.field(
        default=None, description="What the role is for; null for no description."
    )

    def spec(self) -> domain.RoleSpec:
        return domain.RoleSpec(
            name=self.name, description=self.description, scopes=_scope_names(self.scopes)
        )


@strawberry.input(
    description="Changes to a role of your tenant. Its name stays, because keys and users refer to it."
)
class UpdateRoleInput:
    id: strawberry.ID = strawberry.field(description="Id of the role to change.")
    expected_revision: int = strawberry.field(description=EXPECTED_REVISION)
    scopes: strawberry.Maybe[list[Scope] | None] = strawberry.field(
        description="New scopes, instead of all that the role grants."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="New description; null removes it."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        return reader.changes(self, UPDATED_FIELDS, frozenset({"description"}))


@strawberry.input(description="The role to delete.")
class DeleteRoleInput:
    id: strawberry.ID = strawberry.field(description="Id of the role to delete.")


@strawberry.type(description="The role was created.")
class CreateRoleSuccess:
    role: domain.NamedRole = strawberry.field(
        graphql_type=RoleType, description="The new role with its scopes."
    )


@strawberry.type(
    description="The role was updated; keys and users that have it are affected at once."
)
class UpdateRoleSuccess:
    role: domain.NamedRole = strawberry.field(
        graphql_type=RoleType, description="The role in its new state."
    )


@strawberry.type(description="The role was deleted.")
class DeleteRoleSuccess:
    role: domain.NamedRole = strawberry.field(
        graphql_type=RoleType, description="The role as it was."
    )


CreateRoleResult = Annotated[
    CreateRoleSuccess | ValidationError | NameTaken,
    strawberry.union(
        "CreateRoleResult",
        description="Result of `createRole`: the success type or one of the errors.",
    ),
]
UpdateRoleResult = Annotated[
    UpdateRoleSuccess | ValidationError | NotFoundError | RevisionConflict,
    strawberry.union(
        "UpdateRoleResult",
        description="Result of `updateRole`: the success type or one of the errors.",
    ),
]
DeleteRoleResult = Annotated[
    DeleteRoleSuccess | NotFoundError | InUse,
    strawberry.union(
        "DeleteRoleResult",
        description="Result of `deleteRole`: the success type or one of the errors.",
    ),
]


def _scope_names(scopes: list[Scope]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scope.value for scope in scopes))


UPDATED_FIELDS: Fields = {
    **same("description"),
    "scopes": ("scopes", lambda scopes, _: _scope_names(scopes)),
}
