"""Callers on hold, attestation of callers, and the pauses and daily limits of outbound trunks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.sql_files import run_sql_files

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CALL_COLUMNS = {
    "hold_after_seconds": sa.Integer(),
    "hold_seconds": sa.Integer(),
    "attestation": sa.Text(),
}
USAGE_COLUMNS = ("talk_ms", "refusals", "refused_since", "paused_until", "pause_reason")
LOGGED_COLUMNS = ("is_pause_logged", "near_limit_on")


def upgrade() -> None:
    for name, kind in CALL_COLUMNS.items():
        op.add_column("call", sa.Column(name, kind, nullable=True))
    add_usage_columns()
    create_held_call()
    create_dialed_region()
    run_sql_files("0017_limits_of_trunks.sql")


def add_usage_columns() -> None:
    for column in (
        sa.Column("talk_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("is_pause_logged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("near_limit_on", sa.Date(), nullable=True),
    ):
        op.add_column("trunk_usage", column)


def create_held_call() -> None:
    op.create_table(
        "held_call",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("lobby_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        _timestamp("held_at"),
        _timestamp("renewed_at"),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_held_call_call_id_call"), ondelete="CASCADE"
        ),
        _tenant_key("held_call"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_held_call")),
    )
    op.create_index(op.f("ix_held_call_tenant_id"), "held_call", ["tenant_id"])


def create_dialed_region() -> None:
    op.create_table(
        "dialed_region",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        _timestamp("first_at"),
        _tenant_key("dialed_region"),
        sa.PrimaryKeyConstraint("tenant_id", "region", name=op.f("pk_dialed_region")),
    )


def _timestamp(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _tenant_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id_tenant"), ondelete="CASCADE"
    )


def downgrade() -> None:
    run_sql_files("0017_undo_limits_of_trunks.sql")
    op.drop_table("dialed_region")
    op.drop_table("held_call")
    for name in (*USAGE_COLUMNS, *LOGGED_COLUMNS):
        op.drop_column("trunk_usage", name)
    for name in CALL_COLUMNS:
        op.drop_column("call", name)
