"""Telephone calls: numbers, trunks, scheduled starts and the limits of trunks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.sql_files import run_sql_files

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CALL_COLUMNS = {
    "from_number": sa.Text(),
    "to_number": sa.Text(),
    "trunk_id": sa.Uuid(),
    "phone_number_id": sa.Uuid(),
    "room_name": sa.Text(),
    "caller_identity": sa.Text(),
    "scheduled_for": sa.DateTime(timezone=True),
    "ringing_seconds": sa.Integer(),
    "calling_hours": JSONB(),
}
LOG_COLUMNS = {
    "due_at": sa.DateTime(timezone=True),
    "trunk_id": sa.Uuid(),
    "dial_claimed_at": sa.DateTime(timezone=True),
    "sip_status": sa.Integer(),
    "answered_by": sa.Text(),
}
INDEXES = {
    "ix_call_room_name": "call (room_name) where room_name is not null",
    "ix_call_phone_number": "call (tenant_id, phone_number, created_at)"
    " where phone_number is not null",
    "ix_call_log_claimable": "call_log (coalesce(due_at, created_at))"
    " where ended_at is null and worker_id is null",
    "ix_call_log_trunk": "call_log (trunk_id)"
    " where ended_at is null and dial_claimed_at is not null",
}
UNIQUE_INDEX = "ix_call_room_name"
OLD_INDEXES = {
    "ix_call_log_unclaimed": "call_log (created_at) where ended_at is null and worker_id is null",
}


def upgrade() -> None:
    create_trunk_usage()
    for name, kind in CALL_COLUMNS.items():
        op.execute(f"alter table call add column if not exists {name} {_sql(kind)}")
    for name, kind in LOG_COLUMNS.items():
        op.execute(f"alter table call_log add column if not exists {name} {_sql(kind)}")
    run_sql_files("0013_phone_facts.sql", "0013_tenant_standing.sql")
    # Each of these may be interrupted, and continues from there when it is repeated.
    with op.get_context().autocommit_block():
        for name, what in INDEXES.items():
            unique = "unique" if name == UNIQUE_INDEX else ""
            op.execute(f"create {unique} index concurrently if not exists {name} on {what}")
        for name in OLD_INDEXES:
            op.execute(f"drop index concurrently if exists {name}")


def _sql(kind: sa.types.TypeEngine[object]) -> str:
    return str(kind.compile(dialect=op.get_bind().dialect))


def create_trunk_usage() -> None:
    if sa.inspect(op.get_bind()).has_table("trunk_usage"):
        return
    op.create_table(
        "trunk_usage",
        sa.Column("trunk_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_dial_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trunk_id"],
            ["outbound_trunk.id"],
            name=op.f("fk_trunk_usage_trunk_id_outbound_trunk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_trunk_usage_tenant_id_tenant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trunk_id", name=op.f("pk_trunk_usage")),
    )
    op.create_index(op.f("ix_trunk_usage_tenant_id"), "trunk_usage", ["tenant_id"])


def downgrade() -> None:
    run_sql_files("0013_undo_phone_facts.sql", "0013_undo_tenant_standing.sql")
    for name in INDEXES:
        op.execute(f"drop index {name}")
    for name, what in OLD_INDEXES.items():
        op.execute(f"create index {name} on {what}")
    for name in LOG_COLUMNS:
        op.drop_column("call_log", name)
    for name in CALL_COLUMNS:
        op.drop_column("call", name)
    op.drop_table("trunk_usage")
