"""The tables for SQLAlchemy. Functions, triggers, policies and grants are in migrations/.

Every table of a tenant has a `tenant_id` column and row-level security. A `call` row never changes
once written. The changing state of a call is in its `call_log` row, under whose lock every event
gets its number."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Timestamp = DateTime(timezone=True)


def _tenant_id(*, primary_key: bool = False) -> Column[UUID]:
    return _owner("tenant_id", "tenant.id", primary_key=primary_key)


def _owner(name: str, references: str, *, primary_key: bool = False) -> Column[UUID]:
    """The id of a row that this one is deleted with."""
    foreign_key = ForeignKey(references, ondelete="CASCADE")
    return Column(name, Uuid, foreign_key, primary_key=primary_key, nullable=False)


def _set_on_insert(name: str) -> Column[datetime]:
    return Column(name, Timestamp, server_default=func.now(), nullable=False)


tenant = Table(
    "tenant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, unique=True, nullable=False),
    Column("name", Text, nullable=False),
    _set_on_insert("created_at"),
    # While either is set, the tenant cannot be used; once `delete_at` is past, keepers delete it.
    Column("suspended_at", Timestamp),
    Column("suspension_reason", Text),
    Column("delete_at", Timestamp),
    Column("delete_requested_at", Timestamp),
    Column("delete_requested_by", Text),
    # The quotas that differ from those of the installation.
    Column("quotas", JSONB, server_default="{}", nullable=False),
)

# A user or an API key that manages the tenants of the installation, such as `user:…`.
installation_operator = Table(
    "installation_operator",
    metadata,
    Column("subject", Text, primary_key=True),
    _set_on_insert("added_at"),
)

# What keepers measure from time to time, because counting takes too long for a request.
tenant_usage = Table(
    "tenant_usage",
    metadata,
    _tenant_id(primary_key=True),
    Column("storage_bytes", BigInteger, nullable=False),
    _set_on_insert("measured_at"),
)

# What remains of a deleted tenant: how much was deleted, and the proof. `deleted_at` is null while the
# deletion is in progress.
deleted_tenant = Table(
    "deleted_tenant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("requested_at", Timestamp),
    Column("requested_by", Text),
    _set_on_insert("started_at"),
    Column("counts", JSONB, nullable=False),
    Column("deleted_at", Timestamp),
    Column("certificate", Text),
)

# A person who signs in, to one tenant or to several. Its password is null for a person who signs in
# with a provider.
person = Table(
    "person",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, unique=True, nullable=False),
    Column("name", Text),
    Column("password_hash", Text),
    Column("password_set_at", Timestamp),
    _set_on_insert("created_at"),
)

# A person in a tenant. `managed_by` names the provider that sets the role at each sign-in. A confined member
# signs in with a provider only: the person never agreed to be a member, and someone else may have set
# their password.
membership = Table(
    "membership",
    metadata,
    _tenant_id(primary_key=True),
    _owner("person_id", "person.id", primary_key=True),
    Column("role", Text, nullable=False),
    Column("managed_by", Text),
    Column("is_confined", Boolean, server_default=text("false"), nullable=False),
    Column("suspended_at", Timestamp),
    _set_on_insert("created_at"),
    Column("last_used_at", Timestamp),
    Index(None, "person_id"),
    Index(None, "tenant_id", "created_at", "person_id"),
)

# A session lasts for as long as one of its refresh tokens does, and at most until `ends_at`. Triggers
# create and delete sessions for processes of the previous release, which only know their tokens.
session = Table(
    "session",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("address", Text),
    Column("user_agent", Text),
    Column("ends_at", Timestamp),
    # The session may use nothing of the person in other tenants, because only its tenant vouches for them.
    Column("is_confined", Boolean, server_default=text("false"), nullable=False),
    _set_on_insert("created_at"),
    _set_on_insert("last_used_at"),
    _tenant_id(),
    ForeignKeyConstraint(
        ["tenant_id", "person_id"],
        ["membership.tenant_id", "membership.person_id"],
        ondelete="CASCADE",
    ),
    Index(None, "tenant_id", "person_id"),
    Index(None, "person_id"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("hash", LargeBinary, unique=True, nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("used_at", Timestamp),
    _set_on_insert("created_at"),
    _tenant_id(),
    Index(
        "uq_invitation_open",
        "tenant_id",
        "email",
        unique=True,
        postgresql_where=text("used_at is null"),
    ),
    Index(None, "tenant_id", "created_at", "id"),
    Index(None, "expires_at"),
)

# The one link with which a person may set a new password.
password_reset = Table(
    "password_reset",
    metadata,
    _owner("person_id", "person.id", primary_key=True),
    Column("hash", LargeBinary, unique=True, nullable=False),
    Column("created_by", Text),
    Column("expires_at", Timestamp, nullable=False),
    _set_on_insert("created_at"),
)

# E-mail that a keeper has yet to send. Its text is encrypted, because it contains links that let people
# in. A message with a `reset_hash` offers to set a new password to whichever person has the address, and
# is not sent if there is none.
mail = Table(
    "mail",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("reset_hash", LargeBinary),
    Column("attempts", Integer, server_default="0", nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    _set_on_insert("next_attempt_at"),
    _set_on_insert("created_at"),
    Index(None, "next_attempt_at"),
)

# Written by triggers: something changed about who may do what. A process looks again at the credentials
# of the tenant, or only at those of the person, the session or the key; without a tenant, at all. `xid` is
# the transaction, by which readers find what was committed since they last read.
access_change = Table(
    "access_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "xid", BigInteger, server_default=text("pg_current_xact_id()::text::bigint"), nullable=False
    ),
    _set_on_insert("at"),
    Column("tenant_id", Uuid),
    Column("person_id", Uuid),
    Column("session_id", Uuid),
    Column("key_id", Uuid),
    Index(None, "xid"),
    Index(None, "at"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("hash", LargeBinary, unique=True, nullable=False),
    # The entry of SECRET_KEY that the hash was made with; null for a key that has not been used
    # since this column was added.
    Column("key_id", Text),
    Column("created_by", Text),
    # The role that the key has; null for a key with scopes of its own.
    Column("role", Text),
    # Of a key with a role, these are the scopes that the role had when the key was written. Only
    # processes of the release before roles read them.
    Column("scopes", ARRAY(Text), nullable=False),
    # The networks that the key may be used from; empty for any.
    Column("networks", ARRAY(Text), server_default=text("'{}'"), nullable=False),
    Column("expires_at", Timestamp),
    Column("revoked_at", Timestamp),
    Column("last_used_at", Timestamp),
    # The key that this one was rotated into.
    Column("replaced_by", Uuid),
    _set_on_insert("created_at"),
    _tenant_id(),
    Index(None, "tenant_id"),
    Index(None, "tenant_id", "created_at", "id"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    _owner("user_id", "person.id"),
    _owner("family", "session.id"),
    Column("expires_at", Timestamp, nullable=False),
    Column("used_at", Timestamp),
    _tenant_id(),
    Index(None, "family"),
    Index(None, "tenant_id"),
)

# A network that a user signed in from, as an HMAC-SHA256 under a key from SECRET_KEY.
known_address = Table(
    "known_address",
    metadata,
    _owner("user_id", "person.id", primary_key=True),
    Column("network", LargeBinary, primary_key=True),
    _set_on_insert("seen_at"),
    _tenant_id(),
    Index(None, "tenant_id"),
)

tenant_settings = Table(
    "tenant_settings",
    metadata,
    _tenant_id(primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("spec", JSONB, nullable=False),
    _set_on_insert("updated_at"),
)

# The key that encrypts a tenant's credentials, itself wrapped by a key from SECRET_KEY.
data_key = Table(
    "data_key",
    metadata,
    _tenant_id(primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)

credential = Table(
    "credential",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("last_four", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The hosts that a secret may be sent to; null for any.
    Column("hosts", ARRAY(Text)),
    _set_on_insert("updated_at"),
    Column("updated_by", Text, nullable=False),
    # Of a provider that the tenant reaches in a way of its own: what lists show of it, and all of it,
    # encrypted.
    Column("base_url", Text),
    Column("region", Text),
    Column("header_names", ARRAY(Text)),
    Column("sealed_endpoint", LargeBinary),
    _tenant_id(),
    UniqueConstraint("tenant_id", "kind", "name"),
)


def _draft(name: str, *more: Column[Any]) -> Table:
    """An editable document: a spec with a name, whose revision grows with each edit."""
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("name", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("spec", JSONB, nullable=False),
        _set_on_insert("created_at"),
        _set_on_insert("updated_at"),
        *more,
        _tenant_id(),
        UniqueConstraint("tenant_id", "name"),
        Index(None, "tenant_id", "created_at", "id"),
    )


custom_role = _draft("custom_role")
agent = _draft("agent")
tool = _draft("tool")
workflow = _draft("workflow", Column("published", Uuid))
for each in (agent, tool, workflow):
    Index(f"ix_{each.name}_updated_at", each.c.tenant_id, each.c.updated_at, each.c.id)

# A version outlives its workflow, because calls refer to it for as long as they are stored.
workflow_version = Table(
    "workflow_version",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workflow_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("note", Text),
    Column("published_at", Timestamp, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("snapshot", JSONB, nullable=False),
    _tenant_id(),
    Index(
        "uq_workflow_version_number",
        "tenant_id",
        "workflow_id",
        "number",
        unique=True,
        postgresql_where=text("number > 0"),
    ),
    Index(
        "uq_workflow_version_draft",
        "tenant_id",
        "workflow_id",
        "checksum",
        unique=True,
        postgresql_where=text("number = 0"),
    ),
)

# `sealed` is the encrypted password of a trunk; null if it has none.
outbound_trunk = _draft("outbound_trunk", Column("sealed", LargeBinary))
inbound_trunk = _draft("inbound_trunk", Column("sealed", LargeBinary))

# `sealed` is the encrypted client secret; null for a public client.
identity_provider = _draft("identity_provider", Column("sealed", LargeBinary))

# A member as an identity provider of the tenant knows them. What an issuer says counts in the tenant that
# trusts it, and nowhere else.
federated_identity = Table(
    "federated_identity",
    metadata,
    _tenant_id(primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    _set_on_insert("created_at"),
    ForeignKeyConstraint(
        ["tenant_id", "person_id"],
        ["membership.tenant_id", "membership.person_id"],
        ondelete="CASCADE",
    ),
    Index(None, "tenant_id", "person_id"),
)

# The identity provider that vouched for a session, which must not leave its tenant. `provider_session` is
# the id by which the provider ends it.
federated_session = Table(
    "federated_session",
    metadata,
    _owner("session_id", "session.id", primary_key=True),
    _owner("provider_id", "identity_provider.id"),
    Column("subject", Text, nullable=False),
    Column("provider_session", Text),
    _tenant_id(),
    Index(None, "provider_id", "subject"),
    Index(None, "provider_id", "provider_session"),
    Index(None, "tenant_id"),
)

# A proven identity that waits for its page. `sealed` is encrypted; the rest says which handoffs end with a
# session at the provider.
sign_in_handoff = Table(
    "sign_in_handoff",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    _owner("provider_id", "identity_provider.id"),
    Column("subject", Text, nullable=False),
    Column("provider_session", Text),
    Column("sealed", LargeBinary, nullable=False),
    _set_on_insert("created_at"),
    Column("expires_at", Timestamp, nullable=False),
    _tenant_id(),
    Index(None, "provider_id", "subject"),
    Index(None, "tenant_id"),
    Index(None, "expires_at"),
)

# A logout token that was accepted, until it expires. It ends what matches its subject and its session, of
# which one may be null.
logout_token = Table(
    "logout_token",
    metadata,
    _owner("provider_id", "identity_provider.id", primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("subject", Text),
    Column("provider_session", Text),
    _set_on_insert("created_at"),
    Column("expires_at", Timestamp, nullable=False),
    _tenant_id(),
    Index(None, "tenant_id"),
    Index(None, "expires_at"),
)

# The second factor of a person. Only functions read these two tables.
totp = Table(
    "totp",
    metadata,
    _owner("person_id", "person.id", primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("confirmed_at", Timestamp),
    Column("last_step", BigInteger),
    Column("failed_attempts", Integer, server_default="0", nullable=False),
    Column("attempted_at", Timestamp),
    _set_on_insert("created_at"),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    _owner("person_id", "totp.person_id", primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
)

# A telephone number belongs to one tenant of the installation.
phone_number = Table(
    "phone_number",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, unique=True, nullable=False),
    Column("workflow_id", Uuid, ForeignKey("workflow.id")),
    Column("inbound_trunk_id", Uuid, ForeignKey("inbound_trunk.id")),
    Column("outbound_trunk_id", Uuid, ForeignKey("outbound_trunk.id")),
    Column("revision", Integer, nullable=False),
    Column("spec", JSONB, nullable=False),
    _set_on_insert("created_at"),
    _set_on_insert("updated_at"),
    _tenant_id(),
    Index(None, "tenant_id", "created_at", "id"),
    Index(None, "workflow_id"),
    Index(None, "inbound_trunk_id"),
    Index(None, "outbound_trunk_id"),
)

# The only row has the id by which keepers recognise what they have created in LiveKit.
installation = Table(
    "installation",
    metadata,
    Column("is_this", Boolean, primary_key=True, server_default=text("true")),
    Column("id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
)

# The parameters that a call was started with.
call = Table(
    "call",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("workflow_id", Uuid, nullable=False),
    Column("version_id", Uuid, ForeignKey("workflow_version.id"), nullable=False),
    Column("user_id", Text),
    Column("phone_number", Text),
    Column("user_context", JSONB, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("max_seconds", Integer, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # Of telephone calls. A trunk or a number may be deleted before its calls are.
    Column("from_number", Text),
    Column("to_number", Text),
    Column("trunk_id", Uuid),
    Column("phone_number_id", Uuid),
    Column("room_name", Text),
    Column("caller_identity", Text),
    Column("scheduled_for", Timestamp),
    Column("ringing_seconds", Integer),
    # What calls start with because of their number.
    Column("language", Text),
    Column("is_recorded", Boolean),
    Column("calling_hours", JSONB),
    # What the call does differently from its workflow about machines that answer.
    Column("answering", JSONB),
    # Of inbound calls: after how long and for how long callers are put on hold, and what the carrier
    # says about their number.
    Column("hold_after_seconds", Integer),
    Column("hold_seconds", Integer),
    Column("attestation", Text),
    _tenant_id(),
    Index(None, "tenant_id", "created_at", "id"),
    Index(None, "version_id"),
    Index(
        "ix_call_room_name",
        "room_name",
        unique=True,
        postgresql_where=text("room_name is not null"),
    ),
    Index(
        "ix_call_phone_number",
        "tenant_id",
        "phone_number",
        "created_at",
        postgresql_where=text("phone_number is not null"),
    ),
)

# The changing state of a call. The row is narrow, so that an update stays within its page. A trigger
# copies `kind`, `workflow_id` and `user_id` from the call, because lists of calls are filtered by
# them together with the state. `created_at`, `due_at` and `trunk_id` are copies, too: the queue is
# ordered by when a call is due and limited by the trunk that dials it.
call_log = Table(
    "call_log",
    metadata,
    _owner("call_id", "call.id", primary_key=True),
    Column("epoch", Integer, server_default="0", nullable=False),
    Column("head", Integer, server_default="0", nullable=False),
    Column("producer_seq", BigInteger, server_default="0", nullable=False),
    Column("state", Text, nullable=False),
    Column("active_node", Text),
    Column("worker_id", Uuid),
    Column("deadline_at", Timestamp),
    Column("created_at", Timestamp, nullable=False),
    Column("answered_at", Timestamp),
    Column("ended_at", Timestamp),
    Column("end_reason", Text),
    Column("spent", BigInteger, server_default="0", nullable=False),
    Column("kind", Text),
    Column("workflow_id", Uuid),
    Column("user_id", Text),
    # Consecutive takeovers by workers that wrote nothing to the log.
    Column("takeovers", Integer, server_default="0", nullable=False),
    # When a scheduled call may be claimed.
    Column("due_at", Timestamp),
    # The trunk that the call is to be dialled over, and the number; null for other calls.
    Column("trunk_id", Uuid),
    Column("dialed_number", Text),
    # When a worker claimed the call in order to dial it; from then on it occupies its trunk.
    Column("dial_claimed_at", Timestamp),
    # Copied from the events of the call by a trigger.
    Column("sip_status", Integer),
    Column("answered_by", Text),
    _tenant_id(),
    Index("ix_call_log_state", "tenant_id", "state", "kind", "created_at", "call_id"),
    Index(
        "ix_call_log_workflow",
        "tenant_id",
        "workflow_id",
        "state",
        "kind",
        "created_at",
        "call_id",
    ),
    Index(
        "ix_call_log_user",
        "tenant_id",
        "user_id",
        "state",
        "kind",
        "created_at",
        "call_id",
        "workflow_id",
        postgresql_where=text("user_id is not null"),
    ),
    Index(
        "ix_call_log_live",
        "tenant_id",
        "created_at",
        "call_id",
        postgresql_where=text("ended_at is null"),
    ),
    # The calls to claim: those in which people wait, and those to dial, by trunk.
    Index(
        "ix_call_log_waiting",
        text("coalesce(due_at, created_at)"),
        postgresql_where=text(
            "ended_at is null and worker_id is null"
            " and (trunk_id is null or dial_claimed_at is not null)"
        ),
    ),
    Index(
        "ix_call_log_to_dial",
        "trunk_id",
        text("coalesce(due_at, created_at)"),
        postgresql_where=text(
            "ended_at is null and worker_id is null"
            " and trunk_id is not null and dial_claimed_at is null"
        ),
    ),
    Index(
        "ix_call_log_trunk",
        "trunk_id",
        postgresql_where=text("ended_at is null and dial_claimed_at is not null"),
    ),
    Index(
        "ix_call_log_dialed",
        "trunk_id",
        "dialed_number",
        "dial_claimed_at",
        postgresql_where=text("dial_claimed_at is not null"),
    ),
    Index(
        "ix_call_log_held",
        "worker_id",
        postgresql_where=text("ended_at is null and worker_id is not null"),
    ),
    Index("ix_call_log_deadline", "deadline_at", postgresql_where=text("ended_at is null")),
    Index("ix_call_log_ended", "ended_at", postgresql_where=text("ended_at is not null")),
    postgresql_with={"fillfactor": "50"},
)

# What lists show and filter of calls that have ended, written by the end of a call. The lists of the
# previous release use the first three indexes of `call_log` instead, which a later revision can drop.
ended_call = Table(
    "ended_call",
    metadata,
    _owner("call_id", "call.id", primary_key=True),
    Column("created_at", Timestamp, nullable=False),
    Column("kind", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("workflow_id", Uuid, nullable=False),
    Column("version_id", Uuid, nullable=False),
    Column("user_id", Text),
    Column("phone_number", Text),
    Column("end_reason", Text, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    _tenant_id(),
    Index("ix_ended_call_created_at", "tenant_id", "created_at", "call_id"),
    Index("ix_ended_call_duration", "tenant_id", "duration_ms", "call_id"),
    Index("ix_ended_call_spent", "tenant_id", "spent", "call_id"),
    Index(
        "ix_ended_call_outcome",
        "tenant_id",
        "end_reason",
        "kind",
        "direction",
        "created_at",
        "call_id",
    ),
    Index(
        "ix_ended_call_workflow",
        "tenant_id",
        "workflow_id",
        "end_reason",
        "kind",
        "direction",
        "created_at",
        "call_id",
        "version_id",
    ),
    Index(
        "ix_ended_call_user",
        "tenant_id",
        "user_id",
        "end_reason",
        "kind",
        "direction",
        "created_at",
        "call_id",
        "workflow_id",
        postgresql_where=text("user_id is not null"),
    ),
    Index(
        "ix_ended_call_phone_number",
        "tenant_id",
        "phone_number",
        "end_reason",
        "kind",
        "direction",
        "created_at",
        "call_id",
        postgresql_where=text("phone_number is not null"),
    ),
)

# What calls are found by in addition: `agent` and `tool` from their first event on, `metadata.…` from
# their end on. Rows instead of a GIN index, because `@>` is not leakproof, so that row-level security
# would keep the index from being used.
call_label = Table(
    "call_label",
    metadata,
    _tenant_id(primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("created_at", Timestamp, primary_key=True),
    _owner("call_id", "call.id", primary_key=True),
    Index(None, "call_id"),
)

# A caller on hold, and the lobby process that plays to them. The lobby renews the row every second; one
# that was not renewed for a while is taken over by another lobby, under the next epoch.
held_call = Table(
    "held_call",
    metadata,
    _owner("call_id", "call.id", primary_key=True),
    Column("lobby_id", Uuid, nullable=False),
    Column("epoch", Integer, server_default="1", nullable=False),
    _set_on_insert("held_at"),
    _set_on_insert("renewed_at"),
    _tenant_id(),
    Index(None, "tenant_id"),
)

# The countries to which a tenant has dialled.
dialed_region = Table(
    "dialed_region",
    metadata,
    _tenant_id(primary_key=True),
    Column("region", Text, primary_key=True),
    _set_on_insert("first_at"),
)

# What has been dialled over an outbound trunk on the current day (UTC), when the next call may be
# dialled over it, and for how long it is paused. Triggers count what the carrier refuses in a row.
trunk_usage = Table(
    "trunk_usage",
    metadata,
    _owner("trunk_id", "outbound_trunk.id", primary_key=True),
    Column("day", Date, nullable=False),
    Column("calls", Integer, server_default="0", nullable=False),
    _set_on_insert("next_dial_at"),
    Column("talk_ms", BigInteger, server_default="0", nullable=False),
    Column("refusals", Integer, server_default="0", nullable=False),
    Column("refused_since", Timestamp),
    Column("paused_until", Timestamp),
    Column("pause_reason", Text),
    # What a keeper has logged: that the trunk is paused, and the day on which it was near a limit.
    Column("is_pause_logged", Boolean, server_default=text("false"), nullable=False),
    Column("near_limit_on", Date),
    _tenant_id(),
    Index(None, "tenant_id"),
)

# A transfer, which is counted against the limits of its trunk. A warm one occupies the trunk until its
# leg is released, at the latest by the end of its call. Triggers then count its minutes.
transfer_leg = Table(
    "transfer_leg",
    metadata,
    Column("id", Uuid, primary_key=True),
    _owner("call_id", "call.id"),
    Column("trunk_id", Uuid, nullable=False),
    Column("number", Text, nullable=False),
    _set_on_insert("claimed_at"),
    Column("released_at", Timestamp),
    # Copied from the events of the call by a trigger.
    Column("answered_at", Timestamp),
    _tenant_id(),
    Index(None, "call_id"),
    Index(None, "tenant_id", "number", "claimed_at"),
    Index("ix_transfer_leg_trunk", "trunk_id", postgresql_where=text("released_at is null")),
)

# The usage of a tenant's calls that ended in a calendar month (UTC). Only the end of a call locks
# this row, after all others.
tenant_month = Table(
    "tenant_month",
    metadata,
    _tenant_id(primary_key=True),
    Column("month", Date, primary_key=True),
    Column("calls", Integer, server_default="0", nullable=False),
    Column("talk_ms", BigInteger, server_default="0", nullable=False),
    Column("spent", BigInteger, server_default="0", nullable=False),
    postgresql_with={"fillfactor": "50"},
)

# An event. `body` is json rather than jsonb, so that the stored text is returned unchanged.
call_event = Table(
    "call_event",
    metadata,
    _owner("call_id", "call.id", primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", JSON, nullable=False),
    _tenant_id(),
)

# The recording of a voice call, created when a worker starts to record. `cleared` is true once the
# store contains exactly what it should, so that no keeper has work left.
recording = Table(
    "recording",
    metadata,
    _owner("call_id", "call.id", primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Timestamp, nullable=False),
    Column("due_at", Timestamp),
    Column("tries", Integer, server_default="0", nullable=False),
    Column("cleared", Boolean, server_default=text("false"), nullable=False),
    Column("duration_ms", BigInteger),
    Column("missing_ms", BigInteger),
    Column("size", BigInteger),
    Column("error", Text),
    Column("ready_at", Timestamp),
    Column("deleted_at", Timestamp),
    Column("deleted_by", Text),
    _tenant_id(),
    Index(
        "ix_recording_deleted_due",
        text("(state = 'DELETED')"),
        "due_at",
        postgresql_where=text("not cleared"),
    ),
)

call_command = Table(
    "call_command",
    metadata,
    Column("id", Uuid, primary_key=True),
    _owner("call_id", "call.id"),
    Column("place", BigInteger, Identity(always=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("asked_by", Text, nullable=False),
    _set_on_insert("asked_at"),
    Column("done_at", Timestamp),
    _tenant_id(),
    Index("ix_call_command_waiting", "call_id", "place", postgresql_where=text("done_at is null")),
    Index(None, "call_id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    _tenant_id(primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("call_id", Uuid, nullable=False),
    _set_on_insert("created_at"),
    Index(None, "created_at"),
)

# A reference by name from a draft (`user_id`, `user_name`) to another (`used_kind`, `used_name`):
# from an agent to a tool, or from a workflow to an agent. Triggers on the drafts maintain it.
draft_reference = Table(
    "draft_reference",
    metadata,
    _tenant_id(primary_key=True),
    Column("used_kind", Text, primary_key=True),
    Column("used_name", Text, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("user_name", Text, nullable=False),
    Index(None, "user_id"),
)

# A worker process, which holds calls of any tenant.
worker_process = Table(
    "worker_process",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("capacity", Integer, nullable=False),
    _set_on_insert("started_at"),
    _set_on_insert("heartbeat_at"),
    # Null for a process of a release without these columns.
    Column("voice_capacity", Integer),
    Column("host", Text),
)

# What was done in a tenant, by which user or key, and from where. Only functions add entries. `body` is
# the text that is hashed; the other columns repeat what it says. It is empty once its content was erased.
audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("actor", Text, nullable=False),
    Column("session", Text),
    Column("address", Text),
    Column("request", Text),
    Column("action", Text),
    Column("kind", Text, nullable=False),
    Column("target_kind", Text),
    Column("target", Text),
    Column("target_name", Text),
    Column("body", Text, nullable=False),
    Column("erased_at", Timestamp),
    _tenant_id(),
    Index("ix_audit_entry_at", "tenant_id", "at", "id"),
    Index("ix_audit_entry_actor", "tenant_id", "actor", "at", "id"),
    Index("ix_audit_entry_kind", "tenant_id", "kind", "at", "id"),
    Index("ix_audit_entry_target", "tenant_id", "target", "at", "id"),
)

# The entries that a keeper has yet to chain.
audit_pending = Table(
    "audit_pending",
    metadata,
    _owner("entry_id", "audit_entry.id", primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("at", Timestamp, nullable=False),
    Index("ix_audit_pending_at", "tenant_id", "at", "entry_id"),
)

# The chain of a tenant's entries: `leaf` is the hash of an entry, `hash` that of the previous link's hash
# and the leaf.
audit_link = Table(
    "audit_link",
    metadata,
    _tenant_id(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Uuid, unique=True, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# Links that a keeper has signed.
audit_head = Table(
    "audit_head",
    metadata,
    _tenant_id(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("signed_at", Timestamp, nullable=False),
    Column("key_id", Text, primary_key=True),
    Column("signature", LargeBinary, nullable=False),
)

# The last link that was deleted after its retention, from which the chain continues.
audit_cut = Table(
    "audit_cut",
    metadata,
    _tenant_id(primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("first_at", Timestamp, nullable=False),
    Column("last_at", Timestamp, nullable=False),
    Column("cut_at", Timestamp, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# How many days a tenant keeps its entries, if not as many as the installation; 0 is forever.
audit_retention = Table(
    "audit_retention",
    metadata,
    _tenant_id(primary_key=True),
    Column("days", Integer, nullable=False),
)
