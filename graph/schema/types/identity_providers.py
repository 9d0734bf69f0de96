"""Identity providers and their mutations' inputs and results. Client secrets are written and never
returned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry

from domain.sign_in import identity_providers as domain
from graph.schema.scalars import Duration
from graph.schema.types.common import Node, instance_check, spec_field
from graph.schema.types.durations import duration_field
from graph.schema.types.errors import (
    NameTaken,
    NotFoundError,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import Fields, InputReader, as_tuple, same
from resolvers.context import Ctx

SECRET_DESCRIPTION = (
    "The client secret that the provider has given you, which is stored encrypted and never returned; "
    "null for a public client."
)
SECONDS_PER_HOUR = 3_600


def _start_url(root: Any, info: Ctx) -> str:
    return info.context.services.single_sign_on.start_url(root.id)


def _redirect_uri(root: Any, info: Ctx) -> str:
    return info.context.services.single_sign_on.redirect_uri(root.id)


def _logout_uri(root: Any, info: Ctx) -> str:
    return info.context.services.single_sign_on.logout_uri(root.id)


def _hours(duration: timedelta | None) -> int:
    """Whole hours; what is no whole hour becomes a value that the check refuses."""
    if duration is None:
        return domain.DEFAULT_SESSION_HOURS
    hours, rest = divmod(int(duration.total_seconds()), SECONDS_PER_HOUR)
    return 0 if rest else hours


@strawberry.type(name="RoleRule", description="The role that members of a group get.")
class RoleRuleType:
    group: str = strawberry.field(
        description="Name or id of the group, exactly as the provider lists it."
    )
    role: str = strawberry.field(description="Role that its members get, for instance `EDITOR`.")


@strawberry.type(
    name="RequiredClaim", description="A claim that users must have in order to be admitted."
)
class RequiredClaimType:
    name: str = strawberry.field(description="Name of the claim, for instance `hd` of Google.")
    value: str = strawberry.field(description="The only value that is accepted.")


@strawberry.type(
    name="IdentityProvider",
    description="Where users of your tenant sign in with OpenID Connect, and which role they get.",
)
class IdentityProviderType(Node):
    is_type_of = instance_check(domain.IdentityProvider)

    name: str = spec_field("name", "Unique name of the provider.", str)
    label: str = spec_field("label", "What the button to sign in says.", str)
    issuer: str = spec_field("issuer", "The issuer, exactly as the provider states it.", str)
    client_id: str = spec_field("client_id", "Id that the provider has given this product.", str)
    has_client_secret: bool = strawberry.field(description="Whether a client secret is stored.")
    oauth_scopes: list[str] = spec_field(
        "oauth_scopes", "Scopes that are requested from the provider.", list[str]
    )
    groups_claim: str | None = spec_field(
        "groups_claim",
        "Claim that lists the groups of a user; dots lead into nested objects. Null if groups decide "
        "nothing.",
        str | None,
    )
    role_rules: list[RoleRuleType] = spec_field(
        "role_rules",
        "Which groups get which roles. The most powerful role of a user wins, and it is set at every "
        "sign-in. Without rules, roles are assigned by people.",
        list[RoleRuleType],
    )
    default_role: str | None = spec_field(
        "default_role",
        "Role of users that match no rule; null to refuse them.",
        str | None,
    )
    trusted_domains: list[str] = spec_field(
        "trusted_domains",
        "Domains whose verified e-mail addresses identify members at their first sign-in.",
        list[str],
    )
    creates_users: bool = spec_field(
        "creates_users",
        "Whether users with an address of a trusted domain become members at their first sign-in.",
        bool,
    )
    required_claims: list[RequiredClaimType] = spec_field(
        "required_claims",
        "Claims without which a user is refused.",
        list[RequiredClaimType],
    )
    session_duration: Duration = duration_field(
        "spec.session_hours",
        "How long a session lasts at most, however often it is refreshed.",
        unit="hours",
    )
    is_enabled: bool = spec_field("is_enabled", "Whether users can sign in with it.", bool)
    start_url: str = strawberry.field(
        resolver=_start_url, description="Where a page sends the browser to sign in."
    )
    redirect_uri: str = strawberry.field(
        resolver=_redirect_uri,
        description="Redirect URI that the provider must know; each provider has one of its own.",
    )
    logout_uri: str = strawberry.field(
        resolver=_logout_uri,
        description="URI to which the provider may report that it has ended sessions.",
    )
    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the provider was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the provider was last edited (UTC).")


@strawberry.type(
    name="SignInOption", description="A button with which users of a tenant can sign in."
)
class SignInOptionType:
    label: str = strawberry.field(description="What the button says.")

    @strawberry.field(
        description=(
            "Where the button leads. Append `?challenge=…&return_to=…`: the S256 challenge of a "
            "verifier that your page keeps, and the URL of your page."
        )
    )
    def start_url(self, info: Ctx) -> str:
        return _start_url(self, info)


@strawberry.input(description="The role that members of a group get.")
class RoleRuleInput:
    group: str = strawberry.field(
        description="Name or id of the group, exactly as the provider lists it."
    )
    role: str = strawberry.field(description="Role that its members get, for instance `EDITOR`.")


@strawberry.input(description="A claim that users must have in order to be admitted.")
class RequiredClaimInput:
    name: str = strawberry.field(description="Name of the claim, for instance `hd` of Google.")
    value: str = strawberry.field(description="The only value that is accepted.")


def _rules(rules: Sequence[RoleRuleInput]) -> tuple[domain.RoleRule, ...]:
    return tuple(domain.RoleRule(group=rule.group, role=rule.role) for rule in rules)


def _claims(claims: Sequence[RequiredClaimInput]) -> tuple[domain.RequiredClaim, ...]:
    return tuple(domain.RequiredClaim(name=claim.name, value=claim.value) for claim in claims)


@strawberry.input(description="Configuration of a new identity provider.")
class CreateIdentityProviderInput:
    name: str = strawberry.field(description="Unique name: lower-case letters, digits and hyphens.")
    label: str = strawberry.field(
        description="What the button to sign in says, for instance `Sign in with Acme`."
    )
    issuer: str = strawberry.field(
        description=(
            "The issuer, exactly as the provider states it, for instance `https://accounts.google.com`."
        )
    )
    client_id: str = strawberry.field(description="Id that the provider has given this product.")
    client_secret: str | None = strawberry.field(default=None, description=SECRET_DESCRIPTION)
    oauth_scopes: list[str] = strawberry.field(
        default_factory=lambda: list(domain.DEFAULT_OAUTH_SCOPES),
        description="Scopes that are requested from the provider; `openid` must be among them.",
    )
    groups_claim: str | None = strawberry.field(
        default=None,
        description=(
            "Claim that lists the groups of a user, for instance `groups` or `realm_access.roles`; null "
            "if groups decide nothing."
        ),
    )
    role_rules: list[RoleRuleInput] = strawberry.field(
        default_factory=list,
        description=(
            "Which groups get which roles; at most 100. The most powerful role of a user wins, and it is "
            "set at every sign-in."
        ),
    )
    default_role: str | None = strawberry.field(
        default=None,
        description="Role of users that match no rule; null to refuse them.",
    )
    trusted_domains: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "Domains, for instance `acme.example`, whose verified e-mail addresses identify members at "
            "their first sign-in. List only domains whose addresses this provider assigns itself."
        ),
    )
    creates_users: bool = strawberry.field(
        default=False,
        description=(
            "Whether users with an address of a trusted domain become members at their first sign-in; "
            "otherwise they have to be invited."
        ),
    )
    required_claims: list[RequiredClaimInput] = strawberry.field(
        default_factory=list, description="Claims without which a user is refused; at most 10."
    )
    session_duration: Duration | None = strawberry.field(
        default=None,
        description=(
            "How long a session lasts at most, however often it is refreshed: 1 to 720 whole hours; null "
            "for 12 hours."
        ),
    )
    is_enabled: bool = strawberry.field(
        default=True, description="Whether users can sign in with it."
    )

    def spec(self) -> domain.IdentityProviderSpec:
        return domain.IdentityProviderSpec(
            name=self.name,
            label=self.label,
            issuer=self.issuer,
            client_id=self.client_id,
            oauth_scopes=tuple(self.oauth_scopes),
            groups_claim=self.groups_claim,
            role_rules=_rules(self.role_rules),
            default_role=self.default_role,
            trusted_domains=tuple(self.trusted_domains),
            creates_users=self.creates_users,
            required_claims=_claims(self.required_claims),
            session_hours=_hours(self.session_duration),
            is_enabled=self.is_enabled,
        )


@strawberry.input(
    description=(
        "Changes to an identity provider. Omitted fields stay as they are; lists are replaced as a whole. "
        "Sessions that have begun continue."
    )
)
class UpdateIdentityProviderInput:
    id: strawberry.ID = strawberry.field(description="Id of the identity provider to change.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the update fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    name: strawberry.Maybe[str | None] = strawberry.field(description="New name of the provider.")
    label: strawberry.Maybe[str | None] = strawberry.field(
        description="New text of the button to sign in."
    )
    client_id: strawberry.Maybe[str | None] = strawberry.field(
        description="New id that the provider has given this product."
    )
    client_secret: strawberry.Maybe[str | None] = strawberry.field(
        description="New client secret, which is stored encrypted; null to remove it."
    )
    oauth_scopes: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All scopes to request, replacing the current ones."
    )
    groups_claim: strawberry.Maybe[str | None] = strawberry.field(
        description="New claim that lists the groups of a user; null for none."
    )
    role_rules: strawberry.Maybe[list[RoleRuleInput] | None] = strawberry.field(
        description="All rules for roles, replacing the current ones."
    )
    default_role: strawberry.Maybe[str | None] = strawberry.field(
        description="New role of users that match no rule; null to refuse them."
    )
    trusted_domains: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All trusted domains, replacing the current ones."
    )
    creates_users: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether users of trusted domains become members at their first sign-in."
    )
    required_claims: strawberry.Maybe[list[RequiredClaimInput] | None] = strawberry.field(
        description="All required claims, replacing the current ones."
    )
    session_duration: strawberry.Maybe[Duration | None] = strawberry.field(
        description="New maximum length of a session, in whole hours."
    )
    is_enabled: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether users can sign in with it."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            **same("name", "label", "client_id", "client_secret", "groups_claim", "default_role"),
            **same("creates_users", "is_enabled"),
            "oauth_scopes": ("oauth_scopes", as_tuple),
            "role_rules": ("role_rules", lambda rules, _: _rules(rules)),
            "trusted_domains": ("trusted_domains", as_tuple),
            "required_claims": ("required_claims", lambda claims, _: _claims(claims)),
            "session_duration": ("session_hours", lambda duration, _: _hours(duration)),
        }
        nullable = frozenset({"client_secret", "groups_claim", "default_role"})
        return reader.changes(self, fields, nullable)


@strawberry.input(description="The identity provider to delete.")
class DeleteIdentityProviderInput:
    id: strawberry.ID = strawberry.field(description="Id of the identity provider to delete.")


@strawberry.type(description="The identity provider was created.")
class CreateIdentityProviderSuccess:
    identity_provider: domain.IdentityProvider = strawberry.field(
        graphql_type=IdentityProviderType,
        description="The created provider; register its `redirectUri` with the provider.",
    )


@strawberry.type(description="The identity provider was updated.")
class UpdateIdentityProviderSuccess:
    identity_provider: domain.IdentityProvider = strawberry.field(
        graphql_type=IdentityProviderType, description="The updated provider, without its secret."
    )


@strawberry.type(
    description="The identity provider was deleted, and the sessions that it vouched for have ended."
)
class DeleteIdentityProviderSuccess:
    identity_provider: domain.IdentityProvider = strawberry.field(
        graphql_type=IdentityProviderType, description="The provider that was deleted."
    )


CreateIdentityProviderResult = Annotated[
    CreateIdentityProviderSuccess | ValidationError | NameTaken,
    strawberry.union(
        "CreateIdentityProviderResult",
        description="Result of `createIdentityProvider`: the success type or one of the errors.",
    ),
]
UpdateIdentityProviderResult = Annotated[
    UpdateIdentityProviderSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict,
    strawberry.union(
        "UpdateIdentityProviderResult",
        description="Result of `updateIdentityProvider`: the success type or one of the errors.",
    ),
]
DeleteIdentityProviderResult = Annotated[
    DeleteIdentityProviderSuccess | NotFoundError,
    strawberry.union(
        "DeleteIdentityProviderResult",
        description="Result of `deleteIdentityProvider`: the success type or one of the errors.",
    ),
]
