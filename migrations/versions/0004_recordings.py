"""Recordings"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ALL = "using (true) with check (true)"
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "recording",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", time, nullable=False),
        sa.Column("due_at", time, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cleared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("missing_ms", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("ready_at", time, nullable=True),
        sa.Column("deleted_at", time, nullable=True),
        sa.Column("deleted_by", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_recording_call_id_call"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_recording_tenant_id_tenant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recording")),
    )
    op.create_index(
        "ix_recording_due", "recording", ["due_at"], postgresql_where=sa.text("not cleared")
    )
    for statement in (
        "alter table recording enable row level security",
        "alter table recording force row level security",
        f"create policy tenant_only on recording using ({MINE}) with check ({MINE})",
        f"create policy service_all on recording to studio_service {ALL}",
        "grant select, update on recording to studio_api",
        "grant select, insert, update, delete on recording to studio_service",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("recording")
