"""The tables, as SQLAlchemy sees them. Rules that live in SQL are in migrations/.

Every table that belongs to a tenant carries `tenant_id` and is under row-level security.
`call` never changes once written; what moves in a call is in its `call_log` row, under whose
lock every event gets its number."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
    }


class TenantRow(Base):
    __tablename__ = "tenant"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TenantOwned(Base):
    """A row of one tenant."""

    __abstract__ = True
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))


class UserRow(TenantOwned):
    __tablename__ = "app_user"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (Index(None, "tenant_id"),)


class ApiKeyRow(TenantOwned):
    __tablename__ = "api_key"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    key_id: Mapped[str | None]
    """The entry of SECRET_KEY that the hash was made under; null: not used since that is kept."""
    created_by: Mapped[str | None]
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (Index(None, "tenant_id"),)


class RefreshTokenRow(TenantOwned):
    __tablename__ = "refresh_token"
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    family: Mapped[UUID]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "family"), Index(None, "tenant_id"))


class KnownAddressRow(TenantOwned):
    """A network that somebody signed in from, as HMAC-SHA256 under a key from SECRET_KEY."""

    __tablename__ = "known_address"
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True
    )
    network: Mapped[bytes] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (Index(None, "tenant_id"),)


class TenantSettingsRow(Base):
    __tablename__ = "tenant_settings"
    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int]
    spec: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DataKeyRow(Base):
    """The key that seals a tenant's credentials, wrapped."""

    __tablename__ = "data_key"
    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True
    )
    key_id: Mapped[str]
    wrapped: Mapped[bytes]


class CredentialRow(TenantOwned):
    __tablename__ = "credential"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    last_four: Mapped[str]
    sealed: Mapped[bytes]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str]
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "name"),)


class DraftRow(TenantOwned):
    """What people edit: a spec under a name, with a revision that grows."""

    __abstract__ = True
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    revision: Mapped[int]
    spec: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AgentRow(DraftRow):
    __tablename__ = "agent"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index(None, "tenant_id", "created_at", "id"),
    )


class ToolRow(DraftRow):
    __tablename__ = "tool"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index(None, "tenant_id", "created_at", "id"),
    )


class WorkflowRow(DraftRow):
    __tablename__ = "workflow"
    published: Mapped[UUID | None]
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index(None, "tenant_id", "created_at", "id"),
    )


class VersionRow(TenantOwned):
    """Outlives its workflow: calls refer to it for as long as they are kept."""

    __tablename__ = "workflow_version"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    workflow_id: Mapped[UUID]
    number: Mapped[int]
    checksum: Mapped[str]
    note: Mapped[str | None]
    published_at: Mapped[datetime]
    published_by: Mapped[str]
    snapshot: Mapped[dict[str, Any]]
    __table_args__ = (
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


class CallRow(TenantOwned):
    """What a call was started with."""

    __tablename__ = "call"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    direction: Mapped[str]
    workflow_id: Mapped[UUID]
    version_id: Mapped[UUID] = mapped_column(ForeignKey("workflow_version.id"))
    user_id: Mapped[str | None]
    phone_number: Mapped[str | None]
    user_context: Mapped[dict[str, Any]]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    max_seconds: Mapped[int]
    created_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "version_id"),
    )


class CallLogRow(TenantOwned):
    """What moves in a call. Narrow, so that an update stays within its page.

    `kind`, `workflow_id` and `user_id` are copies of the call's, made by a trigger, because lists
    of calls are filtered by them and by the state at once. `created_at` is a copy, too."""

    __tablename__ = "call_log"
    call_id: Mapped[UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int] = mapped_column(server_default="0")
    head: Mapped[int] = mapped_column(server_default="0")
    producer_seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str]
    active_node: Mapped[str | None]
    worker_id: Mapped[UUID | None]
    deadline_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]
    spent: Mapped[int] = mapped_column(BigInteger, server_default="0")
    kind: Mapped[str | None]
    workflow_id: Mapped[UUID | None]
    user_id: Mapped[str | None]
    takeovers: Mapped[int] = mapped_column(server_default="0")
    """By workers that wrote nothing to the log, in a row."""
    __table_args__ = (
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
        Index(
            "ix_call_log_unclaimed",
            "created_at",
            postgresql_where=text("ended_at is null and worker_id is null"),
        ),
        Index(
            "ix_call_log_held",
            "worker_id",
            postgresql_where=text("ended_at is null and worker_id is not null"),
        ),
        Index("ix_call_log_deadline", "deadline_at", postgresql_where=text("ended_at is null")),
        Index("ix_call_log_ended", "ended_at", postgresql_where=text("ended_at is not null")),
        {"postgresql_with": {"fillfactor": "50"}},
    )


class TenantMonthRow(Base):
    """What the calls of a tenant that ended in a month of UTC took. Locked last of all, and only
    by the end of a call."""

    __tablename__ = "tenant_month"
    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True
    )
    month: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(server_default="0")
    talk_ms: Mapped[int] = mapped_column(BigInteger, server_default="0")
    spent: Mapped[int] = mapped_column(BigInteger, server_default="0")
    __table_args__ = ({"postgresql_with": {"fillfactor": "50"}},)


class EventRow(TenantOwned):
    """`body` is json, not jsonb: the text that was stored is the text that comes back."""

    __tablename__ = "call_event"
    call_id: Mapped[UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class RecordingRow(TenantOwned):
    """Of a voice call, once a worker has begun to record it. `cleared`: the store holds of it what
    it should, and no keeper need look."""

    __tablename__ = "recording"
    call_id: Mapped[UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int]
    state: Mapped[str]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    cleared: Mapped[bool] = mapped_column(server_default=text("false"))
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    missing_ms: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str | None]
    ready_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None]
    __table_args__ = (
        Index(
            "ix_recording_deleted_due",
            text("(state = 'DELETED')"),
            "due_at",
            postgresql_where=text("not cleared"),
        ),
    )


class CommandRow(TenantOwned):
    __tablename__ = "call_command"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    place: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "ix_call_command_waiting", "call_id", "place", postgresql_where=text("done_at is null")
        ),
        Index(None, "call_id"),
    )


class IdempotencyRow(TenantOwned):
    __tablename__ = "idempotency"
    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    call_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (Index(None, "created_at"),)


class ReferenceRow(TenantOwned):
    """A draft (`user_id`, `user_name`) that uses another by its name: an agent a tool, or a workflow
    an agent (`used_kind`, `used_name`). Kept by triggers on the drafts."""

    __tablename__ = "draft_reference"
    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True
    )
    used_kind: Mapped[str] = mapped_column(primary_key=True)
    used_name: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_name: Mapped[str]
    __table_args__ = (Index(None, "user_id"),)


class WorkerProcessRow(Base):
    """A process that holds calls. Belongs to the platform, not to a tenant."""

    __tablename__ = "worker_process"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    capacity: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=func.now())
