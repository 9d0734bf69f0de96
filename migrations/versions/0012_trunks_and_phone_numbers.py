"""Trunks and telephone numbers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ALL = "using (true) with check (true)"
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
TRUNKS = ("outbound_trunk", "inbound_trunk")


def _time(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _create_trunks(table: str) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("spec", JSONB(), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=f"fk_{table}_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("tenant_id", "name", name=f"uq_{table}_tenant_id_name"),
    )
    op.create_index(f"ix_{table}_tenant_id_created_at_id", table, ["tenant_id", "created_at", "id"])


def _create_phone_numbers() -> None:
    op.create_table(
        "phone_number",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=True),
        sa.Column("inbound_trunk_id", sa.Uuid(), nullable=True),
        sa.Column("outbound_trunk_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("spec", JSONB(), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflow.id"], name="fk_phone_number_workflow_id"
        ),
        sa.ForeignKeyConstraint(
            ["inbound_trunk_id"], ["inbound_trunk.id"], name="fk_phone_number_inbound_trunk_id"
        ),
        sa.ForeignKeyConstraint(
            ["outbound_trunk_id"], ["outbound_trunk.id"], name="fk_phone_number_outbound_trunk_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_phone_number_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_phone_number"),
        sa.UniqueConstraint("number", name="uq_phone_number_number"),
    )
    for columns in (
        ["tenant_id", "created_at", "id"],
        ["workflow_id"],
        ["inbound_trunk_id"],
        ["outbound_trunk_id"],
    ):
        op.create_index(f"ix_phone_number_{'_'.join(columns)}", "phone_number", columns)


def _for_all_tenants(statement: str) -> None:
    """Row-level security binds the owner of the tables, but not this role."""
    op.execute("set local role studio_service")
    op.execute(statement)
    op.execute("reset role")


def upgrade() -> None:
    for table in TRUNKS:
        _create_trunks(table)
    _create_phone_numbers()
    op.create_table(
        "installation",
        sa.Column("is_this", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.PrimaryKeyConstraint("is_this", name="pk_installation"),
    )
    for table in (*TRUNKS, "phone_number"):
        for statement in (
            f"alter table {table} enable row level security",
            f"alter table {table} force row level security",
            f"create policy tenant_only on {table} using ({MINE}) with check ({MINE})",
            f"create policy service_all on {table} to studio_service {ALL}",
            f"grant select, insert, update, delete on {table} to studio_api, studio_service",
        ):
            op.execute(statement)
    # Keys that may change credentials belong to owners and admins, who may change trunks, too.
    _for_all_tenants("""
        update api_key set scopes = scopes || '{telephony:read,telephony:write}'::text[]
         where 'credentials:write' = any(scopes)
    """)


def downgrade() -> None:
    _for_all_tenants("""
        update api_key
           set scopes = array_remove(array_remove(scopes, 'telephony:read'), 'telephony:write')
    """)
    for table in ("installation", "phone_number", *TRUNKS):
        op.drop_table(table)
