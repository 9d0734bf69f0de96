"""Transfers, which are counted against the limits of trunks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ALL = "using (true) with check (true)"
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "transfer_leg",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("trunk_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["call.id"],
            name="fk_transfer_leg_call_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name="fk_transfer_leg_tenant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_leg"),
    )
    op.create_index("ix_transfer_leg_call_id", "transfer_leg", ["call_id"])
    op.create_index(
        "ix_transfer_leg_tenant_id_number_claimed_at",
        "transfer_leg",
        ["tenant_id", "number", "claimed_at"],
    )
    op.create_index(
        "ix_transfer_leg_trunk",
        "transfer_leg",
        ["trunk_id"],
        postgresql_where=sa.text("released_at is null"),
    )
    for statement in (
        "alter table transfer_leg enable row level security",
        "alter table transfer_leg force row level security",
        f"create policy tenant_only on transfer_leg using ({MINE}) with check ({MINE})",
        f"create policy service_all on transfer_leg to studio_service {ALL}",
        "grant select on transfer_leg to studio_api",
        "grant select, insert, update, delete on transfer_leg to studio_service",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("transfer_leg")
