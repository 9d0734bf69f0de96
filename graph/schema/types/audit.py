"""The audit log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.audit import model as domain
from domain.audit.heads import head_to_json
from domain.audit.model import AuditKind
from domain.common.access import KEY_SUBJECT, USER_SUBJECT, user_subject
from domain.common.errors import InvalidInput
from domain.use_cases import audit as use_cases
from graph.schema.scalars import Json
from graph.schema.types.common import Connection
from graph.schema.types.errors import ValidationError
from graph.schema.types.lists import TimeRange
from resolvers.global_ids import (
    MEMBER,
    check_id,
    decode_global_id,
    decode_member,
    global_id,
    member_id,
)

TARGET_TYPES = {
    "agent": "Agent",
    "api_key": "ApiKey",
    "call": "Call",
    "call_command": "Call",
    "credential": "Credential",
    "custom_role": "Role",
    "federated_identity": "Member",
    "identity_provider": "IdentityProvider",
    "inbound_trunk": "InboundTrunk",
    "invitation": "Invitation",
    "membership": "Member",
    "outbound_trunk": "OutboundTrunk",
    "password_reset": "Member",
    "person": "Member",
    "phone_number": "PhoneNumber",
    "recording": "Call",
    "recovery_code": "Member",
    "tenant": "Tenant",
    "tenant_settings": "Settings",
    "tool": "Tool",
    "totp": "Member",
    "trunk_usage": "OutboundTrunk",
    "workflow": "Workflow",
    "workflow_version": "WorkflowVersion",
}
"""The types of audited objects by the tables that hold them. Others are named like their table."""
ACTOR_TYPES = {KEY_SUBJECT: "ApiKey", "identity_provider": "IdentityProvider"}
ACTOR_KINDS = {type_: kind for kind, type_ in ACTOR_TYPES.items()}
TYPES_WITH_ID = frozenset(TARGET_TYPES.values()) - {"Credential", "Settings"} | {"ManagedTenant"}


@strawberry.type(description="The object that an entry of the audit log is about.")
class AuditTarget:
    type: str = strawberry.field(
        description="Type of the object, such as `Agent`, or name of the table that holds it."
    )
    id: strawberry.ID | None = strawberry.field(
        description=(
            "Global id of the object, which may have been deleted since; null when the entry is about "
            "no single object, or one without an id."
        )
    )
    name: str | None = strawberry.field(
        description="Name of the object at that time; null when it has none."
    )


@strawberry.type(
    name="AuditEntry", description="Something that was done in your tenant, or was attempted."
)
class AuditEntryType:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        entry: Any = self
        return strawberry.ID(global_id("AuditEntry", entry.id))

    at: datetime = strawberry.field(description="When it was done (UTC).")
    kind: AuditKind = strawberry.field(description="What kind of entry this is.")
    actor: str = strawberry.field(
        description=(
            "Who did it: `user:…`, `key:…`, `anonymous` before a sign-in, `identity_provider:…` for what "
            "a provider reports of its users, `system:…` for the product itself, `database:…` for a "
            "connection that named no actor, or `erased`."
        )
    )

    @strawberry.field(
        name="actorId",
        description=(
            "Global id of the member, API key or identity provider that did it, which may have been deleted "
            "since; null for other actors."
        ),
    )
    def actor_id(self, entry: strawberry.Parent[domain.AuditEntry]) -> strawberry.ID | None:
        kind, _, id = entry.actor.partition(":")
        if kind == USER_SUBJECT:
            return strawberry.ID(member_id(entry.tenant_id, UUID(id)))
        type_ = ACTOR_TYPES.get(kind)
        return None if type_ is None else strawberry.ID(global_id(type_, UUID(id)))

    @strawberry.field(
        name="sessionId",
        description="Global id of the session of the user; null for other actors.",
    )
    def session_id(self, entry: strawberry.Parent[domain.AuditEntry]) -> strawberry.ID | None:
        if entry.session is None:
            return None
        return strawberry.ID(global_id("Session", UUID(entry.session)))

    address: str | None = strawberry.field(
        description="IP address of the client; null when it is unknown."
    )
    request: str | None = strawberry.field(
        name="requestId",
        description="The X-Request-Id of the HTTP request; null for other requests.",
    )
    action: str | None = strawberry.field(
        description="Name of the mutation, such as `updateAgent`, or of the query or subscription that was "
        "refused; null when there was none."
    )

    @strawberry.field(description="The object it is about; null when it is about none.")
    def target(self, entry: strawberry.Parent[domain.AuditEntry]) -> AuditTarget | None:
        if entry.target_kind is None:
            return None
        type_ = TARGET_TYPES.get(entry.target_kind, entry.target_kind)
        if type_ == "Tenant" and entry.target != str(entry.tenant_id):
            type_ = "ManagedTenant"
        return AuditTarget(type=type_, id=_target_id(type_, entry), name=entry.target_name)

    before: Json | None = strawberry.field(
        description=(
            "The fields that were changed or deleted, with their former values, without secrets. Long "
            "values are replaced by their SHA-256 and their size. Null when there are none."
        )
    )
    after: Json | None = strawberry.field(
        description=(
            "The fields that were changed or created, with their new values, without secrets. Null "
            "when there are none."
        )
    )
    details: Json | None = strawberry.field(
        description="Further facts, which depend on the kind; null when there are none."
    )
    seq: int | None = strawberry.field(
        description=(
            "Number of the entry in the hash chain of the tenant, without gaps; null in the first "
            "moments, until a keeper has chained it."
        )
    )

    @strawberry.field(
        description=(
            "SHA-256 of the previous hash and of the SHA-256 of `body`, in hexadecimal; null until the "
            "entry is chained."
        )
    )
    def hash(self, entry: strawberry.Parent[domain.AuditEntry]) -> str | None:
        return None if entry.hash is None else entry.hash.hex()

    body: str = strawberry.field(
        description="The whole entry as the JSON text that is hashed; empty once it was erased."
    )
    erased_at: datetime | None = strawberry.field(
        description="When the content of the entry was erased (UTC); null when it was not."
    )


@strawberry.type(description="One page of the audit log.")
class AuditEntryConnection(Connection[AuditEntryType]):
    since: datetime | None = strawberry.field(
        description=(
            "Earliest time of the entries that the list covers, where it covers only the last 31 days "
            "because of its filter (UTC); null otherwise."
        )
    )


@strawberry.type(
    description=(
        "The newest entry of the audit log, signed by the API. Store it elsewhere: it proves later that "
        "no entry up to it was changed."
    )
)
class AuditHead:
    seq: int = strawberry.field(description="Number of the entry; 0 when there is none yet.")
    hash: str = strawberry.field(description="Hash of the entry, in hexadecimal.")
    signed_at: datetime = strawberry.field(description="When the hash was signed (UTC).")
    key_id: str = strawberry.field(
        description="Id of the entry of SECRET_KEY that signed the hash."
    )
    signature: str = strawberry.field(description="Ed25519 signature, in hexadecimal.")
    line: str = strawberry.field(
        description="All of this as the line of JSON that `./studio admin audit verify --from` reads."
    )

    @classmethod
    def of(cls, head: domain.SignedHead) -> AuditHead:
        return cls(
            seq=head.seq,
            hash=head.hash.hex(),
            signed_at=head.signed_at,
            key_id=head.key_id,
            signature=head.signature.hex(),
            line=json.dumps(head_to_json(head)),
        )


@strawberry.type(description="For how long the audit log of your tenant is kept.")
class AuditRetention:
    days: int = strawberry.field(
        description="Days after which entries are deleted; 0 when they are kept forever."
    )


@strawberry.input(description="Filter of the audit log; each field that is given narrows it.")
class AuditFilter:
    kinds: list[AuditKind] | None = strawberry.field(
        default=None, description="Only entries of these kinds; omit for any kind."
    )
    actor: str | None = strawberry.field(
        default=None,
        description=(
            "Only what this actor did: `user:…`, `key:…`, or the global id of a member, an API key or an "
            "identity provider; omit for any."
        ),
    )
    target: strawberry.ID | None = strawberry.field(
        default=None, description="Only entries about the object with this id; omit for any object."
    )
    action: str | None = strawberry.field(
        default=None, description="Only entries with this action; omit for any action."
    )
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only what was done in this session; omit for any session."
    )
    address: str | None = strawberry.field(
        default=None, description="Only what was done from this IP address; omit for any address."
    )
    at: TimeRange | None = strawberry.field(
        default=None,
        description=(
            "Only entries of this time; omit for any time, or for the last 31 days if the filter has "
            "`action`, `sessionId` or `address` but neither `actor` nor `target`."
        ),
    )


def filter_of(filter: AuditFilter | None) -> domain.AuditFilter:
    if filter is None:
        return domain.AuditFilter()
    at = filter.at or TimeRange()
    return domain.AuditFilter(
        kinds=None if filter.kinds is None else tuple(filter.kinds),
        actor=None if filter.actor is None else _stored_actor(filter.actor),
        target=None if filter.target is None else _stored_target(filter.target),
        action=filter.action,
        session=_stored_session(filter.session_id),
        address=filter.address,
        since=at.since,
        until=at.until,
    )


def _target_id(type_: str, entry: domain.AuditEntry) -> strawberry.ID | None:
    if entry.target is None or type_ not in TYPES_WITH_ID:
        return None
    id = UUID(entry.target)
    return strawberry.ID(
        member_id(entry.tenant_id, id) if type_ == MEMBER else global_id(type_, id)
    )


def _stored_actor(text: str) -> str:
    """The actor that a global id stands for; other texts are actors as entries name them."""
    if (member := decode_member(text)) is not None:
        return user_subject(member[1])
    decoded = decode_global_id(text)
    kind = decoded and ACTOR_KINDS.get(decoded[0])
    return f"{kind}:{decoded[1]}" if decoded and kind else text


def _stored_target(id: str) -> str:
    member, decoded = decode_member(id), decode_global_id(id)
    if member is not None:
        return str(member[1])
    if decoded is None:
        path = ("filter", "target")
        raise InvalidInput("target is not an id as the API returns it in `id`.", path)
    return str(decoded[1])


def _stored_session(id: str | None) -> str | None:
    return None if id is None else str(check_id("Session", id, ("filter", "sessionId")))


@strawberry.input(description="For how long the audit log is to be kept.")
class SetAuditRetentionInput:
    days: int = strawberry.field(
        description="Days after which entries are deleted, 30 to 3,650; 0 keeps them forever."
    )


@strawberry.type(description="The audit log is kept for this long from now on.")
class SetAuditRetentionSuccess:
    retention: AuditRetention = strawberry.field(description="For how long the log is kept.")


@strawberry.input(description="The time range of the audit log to export.")
class CreateAuditExportInput:
    at: TimeRange | None = strawberry.field(
        default=None, description="Only entries of this time; omit for all."
    )


@strawberry.type(description="A link to an export of the audit log.")
class CreateAuditExportSuccess:
    url: str = strawberry.field(
        description=(
            "Temporary link to the export, for anyone who has it: JSON lines, of which the last one is "
            "a signature. It is relative to the address of the API."
        )
    )
    expires_at: datetime = strawberry.field(description="When the link expires (UTC).")
    entries: int = strawberry.field(description="How many entries the export has.")

    @classmethod
    def of(cls, export: use_cases.AuditExport) -> CreateAuditExportSuccess:
        return cls(url=export.path, expires_at=export.expires_at, entries=export.entries)


SetAuditRetentionResult = Annotated[
    SetAuditRetentionSuccess | ValidationError,
    strawberry.union(
        "SetAuditRetentionResult",
        description="Result of `setAuditRetention`: the success type or one of the errors.",
    ),
]
CreateAuditExportResult = Annotated[
    CreateAuditExportSuccess | ValidationError,
    strawberry.union(
        "CreateAuditExportResult",
        description="Result of `createAuditExport`: the success type or one of the errors.",
    ),
]
