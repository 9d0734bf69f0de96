"""The tables for SQLAlchemy. Functions, triggers, policies and grants are in migrations/.

Every table of a tenant has a `tenant_id` column and row-level security. A `call` row never changes
once written. The changing state of a call is in its `call_log` row, under whose lock every event
gets its number."""

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
    """The entry of SECRET_KEY that the hash was made with; null for a key that has not been used
    since this column was added."""
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
    """A network that a user signed in from, as an HMAC-SHA256 under a key from SECRET_KEY."""

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
    """The key that encrypts a tenant's credentials, itself wrapped by a key from SECRET_KEY."""

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
    """An editable document: a spec with a name, whose revision grows with each edit."""

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
    """A version outlives its workflow, because calls refer to it for as long as they are stored."""

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
    """The parameters that a call was started with."""

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
    """The changing state of a call. The row is narrow, so that an update stays within its page.

    A trigger copies `kind`, `workflow_id` and `user_id` from the call, because lists of calls are
    filtered by them together with the state. `created_at` is a copy, too."""

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
    """Consecutive takeovers by workers that wrote nothing to the log."""
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
    """The usage of a tenant's calls that ended in a calendar month (UTC). Only the end of a call
    locks this row, after all others."""

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
    """An event. `body` is json rather than jsonb, so that the stored text is returned unchanged."""

    __tablename__ = "call_event"
    call_id: Mapped[UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class RecordingRow(TenantOwned):
    """The recording of a voice call, created when a worker starts to record. `cleared` is true once
    the store contains exactly what it should, so that no keeper has work left."""

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
    """A reference by name from a draft (`user_id`, `user_name`) to another (`used_kind`,
    `used_name`): from an agent to a tool, or from a workflow to an agent. Triggers on the drafts
    maintain it."""

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
    """A worker process, which holds calls of any tenant."""

    __tablename__ = "worker_process"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    capacity: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=func.now())
