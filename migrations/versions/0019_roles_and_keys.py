"""Roles of tenants, keys with a role or from some addresses only, and secrets that name their hosts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from migrations.sql_files import run_sql_files

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_custom_role()
    op.add_column("api_key", sa.Column("role", sa.Text(), nullable=True))
    op.add_column(
        "api_key",
        sa.Column("networks", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("api_key", sa.Column("replaced_by", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_api_key_tenant_id_created_at_id", "api_key", ["tenant_id", "created_at", "id"]
    )
    op.add_column("credential", sa.Column("hosts", ARRAY(sa.Text()), nullable=True))
    run_sql_files("0019_roles_of_keys.sql")


def create_custom_role() -> None:
    op.create_table(
        "custom_role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("spec", JSONB(), nullable=False),
        _timestamp("created_at"),
        _timestamp("updated_at"),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_custom_role_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_custom_role"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_custom_role_tenant_id_name"),
    )
    op.create_index(
        "ix_custom_role_tenant_id_created_at_id", "custom_role", ["tenant_id", "created_at", "id"]
    )


def _timestamp(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def downgrade() -> None:
    run_sql_files("0019_undo_roles_of_keys.sql")
    op.drop_column("credential", "hosts")
    op.drop_index("ix_api_key_tenant_id_created_at_id", "api_key")
    for name in ("replaced_by", "networks", "role"):
        op.drop_column("api_key", name)
    op.drop_table("custom_role")
