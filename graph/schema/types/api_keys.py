"""API keys, and their mutations' inputs and results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from domain.common.lists import Count
from domain.common.networks import Network, parse_networks
from domain.tenants import api_keys as domain
from domain.tenants.api_keys import ApiKeyKind, ApiKeySpec, ApiKeyState
from graph.schema.scalars import Duration
from graph.schema.types.common import Connection
from graph.schema.types.enums import describe_enum
from graph.schema.types.errors import NotFoundError, ValidationError
from graph.schema.types.inputs import Fields, InputReader, same
from graph.schema.types.lists import count_field
from resolvers.global_ids import global_id

describe_enum(
    ApiKeyKind,
    "What an API key is for.",
    STANDARD="A program that uses the API, as far as the scopes of its key allow.",
    JOIN="The server of a web page that lets visitors talk to an agent: it has `CALLS_JOIN` alone.",
)
describe_enum(
    ApiKeyState,
    "Whether an API key can be used.",
    LIVE="The key can be used.",
    EXPIRED="The key has expired, or the overlap after its rotation has passed.",
    REVOKED="The key was revoked and can no longer be used.",
)

Key = strawberry.Parent[domain.ApiKey]


@strawberry.type(
    name="ApiKey", description="A key of a program that uses this API, without its value."
)
class ApiKeyType:
    prefix: str = strawberry.field(
        description="First 12 characters of the key, by which people recognise it."
    )
    created_at: datetime = strawberry.field(description="When the key was created (UTC).")
    created_by: str = strawberry.field(
        description=(
            "Who created the key: `user:…`, `key:…`, `command line`, `bootstrap` for the first key of a "
            "tenant, or `unknown` for keys of early releases."
        )
    )
    last_used_at: datetime | None = strawberry.field(
        description="When the key was last used (UTC), to the minute; null if it never was."
    )
    revoked_at: datetime | None = strawberry.field(
        description="When the key was revoked (UTC); null if it was not."
    )

    @strawberry.field(description="Globally unique, opaque id.")
    def id(self, key: Key) -> strawberry.ID:
        return strawberry.ID(global_id("ApiKey", key.id))

    @strawberry.field(description="Display name of the key.")
    def name(self, key: Key) -> str:
        return key.spec.name

    @strawberry.field(description="What the key is for.")
    def kind(self, key: Key) -> ApiKeyKind:
        return key.kind

    @strawberry.field(description="Whether the key can be used now.")
    def state(self, key: Key) -> ApiKeyState:
        return key.state(datetime.now(UTC))

    @strawberry.field(
        description="Name of the role that the key has; null for a key with scopes of its own."
    )
    def role(self, key: Key) -> str | None:
        return key.spec.role

    @strawberry.field(
        description="Scopes that the key grants now, by its role or by itself, with those that they include."
    )
    def scopes(self, key: Key) -> list[Scope]:
        return sorted(key.scopes)

    @strawberry.field(
        description="Addresses and networks that the key may be used from; empty for any."
    )
    def allowed_addresses(self, key: Key) -> list[str]:
        return list(map(str, key.spec.networks))

    @strawberry.field(description="When the key expires (UTC); null if it does not.")
    def expires_at(self, key: Key) -> datetime | None:
        return key.spec.expires_at

    @strawberry.field(
        description="Id of the key that this one was rotated into; null if it was not rotated."
    )
    def replaced_by_id(self, key: Key) -> strawberry.ID | None:
        successor = key.replaced_by
        return None if successor is None else strawberry.ID(global_id("ApiKey", successor))


@strawberry.type(description="One page of a list of API keys.")
class ApiKeyConnection(Connection[ApiKeyType]):
    total_count: Count = count_field()


@strawberry.input(description="A new API key, with either a role or scopes.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="Display name of the key, 1 to 100 characters.")
    role: str | None = strawberry.field(
        default=None,
        description=(
            "Role that the key has, built-in or of your own. If the role changes, so does the key."
        ),
    )
    scopes: list[Scope] | None = strawberry.field(
        default=None,
        description=(
            "Scopes that the key grants. With `CALLS_JOIN` alone it is a key of the kind JOIN, whose "
            "value begins with `as_join_`."
        ),
    )
    allowed_addresses: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "IP addresses, or networks in CIDR notation, that the key may be used from; empty for any."
        ),
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the key expires; null if it does not."
    )

    def spec(self, reader: InputReader) -> ApiKeySpec:
        return ApiKeySpec(
            name=self.name,
            role=self.role,
            scopes=None if self.scopes is None else frozenset(self.scopes),
            networks=_networks(self.allowed_addresses, reader.at("allowedAddresses")),
            expires_at=self.expires_at,
        )


@strawberry.input(
    description=(
        "Changes to an API key; its value and omitted fields stay the same. There is no revision to "
        "expect: of two changes of one field, the later one counts."
    )
)
class UpdateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="Id of the key to change.")
    name: strawberry.Maybe[str | None] = strawberry.field(description="New name of the key.")
    role: strawberry.Maybe[str | None] = strawberry.field(
        description="New role of the key, instead of its role or its scopes."
    )
    scopes: strawberry.Maybe[list[Scope] | None] = strawberry.field(
        description="New scopes of the key, instead of its role or its scopes."
    )
    allowed_addresses: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="New list of the addresses that it may be used from; empty for any."
    )
    expires_at: strawberry.Maybe[datetime | None] = strawberry.field(
        description="New time at which it expires; null if it is not to expire."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        return reader.changes(self, UPDATED_FIELDS, frozenset({"expires_at"}))


@strawberry.input(description="The API key to rotate.")
class RotateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="Id of the key to rotate.")
    overlap: Duration | None = strawberry.field(
        default=None,
        description=(
            "How long the key itself can still be used, up to 30 days; null for one day. It never "
            "outlives its own expiry."
        ),
    )
    expires_at: datetime | None = strawberry.field(
        default=None,
        description=(
            "When the successor expires; null for the lifetime that the key was created with, or never."
        ),
    )


@strawberry.input(description="The API key to revoke.")
class RevokeApiKeyInput:
    id: strawberry.ID = strawberry.field(description="Id of the key to revoke.")


@strawberry.type(description="The API key was created.")
class CreateApiKeySuccess:
    api_key: domain.ApiKey = strawberry.field(
        graphql_type=ApiKeyType, description="The new key, without its value."
    )
    value: str = strawberry.field(
        description="The value of the key. It is shown only here: store it before you continue."
    )


@strawberry.type(description="The API key was updated.")
class UpdateApiKeySuccess:
    api_key: domain.ApiKey = strawberry.field(
        graphql_type=ApiKeyType, description="The key in its new state."
    )


@strawberry.type(description="The API key was rotated: it has a successor and expires itself.")
class RotateApiKeySuccess:
    api_key: domain.ApiKey = strawberry.field(
        graphql_type=ApiKeyType, description="The successor, without its value."
    )
    value: str = strawberry.field(
        description="The value of the successor. It is shown only here: store it before you continue."
    )
    replaced: domain.ApiKey = strawberry.field(
        graphql_type=ApiKeyType, description="The key that was rotated, which expires soon."
    )


@strawberry.type(description="The API key was revoked, or had been revoked before.")
class RevokeApiKeySuccess:
    api_key: domain.ApiKey = strawberry.field(
        graphql_type=ApiKeyType, description="The revoked key, which can no longer be used."
    )


CreateApiKeyResult = Annotated[
    CreateApiKeySuccess | ValidationError,
    strawberry.union(
        "CreateApiKeyResult",
        description="Result of `createApiKey`: the success type or one of the errors.",
    ),
]
UpdateApiKeyResult = Annotated[
    UpdateApiKeySuccess | ValidationError | NotFoundError,
    strawberry.union(
        "UpdateApiKeyResult",
        description="Result of `updateApiKey`: the success type or one of the errors.",
    ),
]
RotateApiKeyResult = Annotated[
    RotateApiKeySuccess | ValidationError | NotFoundError,
    strawberry.union(
        "RotateApiKeyResult",
        description="Result of `rotateApiKey`: the success type or one of the errors.",
    ),
]
RevokeApiKeyResult = Annotated[
    RevokeApiKeySuccess | NotFoundError,
    strawberry.union(
        "RevokeApiKeyResult",
        description="Result of `revokeApiKey`: the success type or one of the errors.",
    ),
]


def _networks(addresses: list[str], reader: InputReader) -> tuple[Network, ...]:
    return reader.read((), parse_networks, addresses)


UPDATED_FIELDS: Fields = {
    **same("name", "role", "expires_at"),
    "scopes": ("scopes", lambda scopes, _: frozenset(scopes)),
    "allowed_addresses": ("networks", _networks),
}
