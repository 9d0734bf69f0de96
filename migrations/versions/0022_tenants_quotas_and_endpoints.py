"""Suspension, deletion and quotas of tenants, operators, and endpoints of credentials"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.sql_files import run_sql_files

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

Timestamp = sa.DateTime(timezone=True)
TENANT_COLUMNS = (
    *("suspended_at", "suspension_reason", "delete_at", "delete_requested_at"),
    *("delete_requested_by", "quotas"),
)
CREDENTIAL_COLUMNS = ("base_url", "region", "header_names", "sealed_endpoint")


def upgrade() -> None:
    add_columns()
    create_installation_operator()
    create_tenant_usage()
    create_deleted_tenant()
    run_sql_files("0022_tenants.sql")


def add_columns() -> None:
    for column in (
        sa.Column("suspended_at", Timestamp, nullable=True),
        sa.Column("suspension_reason", sa.Text(), nullable=True),
        sa.Column("delete_at", Timestamp, nullable=True),
        sa.Column("delete_requested_at", Timestamp, nullable=True),
        sa.Column("delete_requested_by", sa.Text(), nullable=True),
        sa.Column("quotas", postgresql.JSONB(), server_default="{}", nullable=False),
    ):
        op.add_column("tenant", column)
    for column in (
        sa.Column("base_url", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("header_names", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("sealed_endpoint", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("credential", column)


def create_installation_operator() -> None:
    op.create_table(
        "installation_operator",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("added_at", Timestamp, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_installation_operator")),
    )


def create_tenant_usage() -> None:
    op.create_table(
        "tenant_usage",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("storage_bytes", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", Timestamp, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_tenant_usage_tenant_id_tenant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant_usage")),
    )


def create_deleted_tenant() -> None:
    """The id is not a foreign key: the row is what remains of a tenant."""
    op.create_table(
        "deleted_tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("requested_at", Timestamp, nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("started_at", Timestamp, server_default=sa.text("now()"), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", Timestamp, nullable=True),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_tenant")),
    )


def downgrade() -> None:
    run_sql_files("0022_undo_tenants.sql")
    op.drop_table("deleted_tenant")
    op.drop_table("tenant_usage")
    op.drop_table("installation_operator")
    for name in CREDENTIAL_COLUMNS:
        op.drop_column("credential", name)
    for name in TENANT_COLUMNS:
        op.drop_column("tenant", name)
