"""What calls spend, and the months of tenants"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.sql_files import run_sql_files

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ALL = "using (true) with check (true)"
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
DROP = """
    drop function append_events(uuid[], int[], bigint[], int[], text[], text[], text[],
                                timestamptz[], text[], json[]{more})
"""


def upgrade() -> None:
    op.add_column(
        "call_log", sa.Column("spent", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_table(
        "tenant_month",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("talk_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_tenant_month_tenant_id_tenant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "month", name=op.f("pk_tenant_month")),
        postgresql_with={"fillfactor": "50"},
    )
    for statement in (
        "alter table tenant_month enable row level security",
        "alter table tenant_month force row level security",
        f"create policy tenant_only on tenant_month using ({MINE}) with check ({MINE})",
        f"create policy service_all on tenant_month to studio_service {ALL}",
        "grant select, insert, update on tenant_month to studio_api, studio_service",
        DROP.format(more=""),
    ):
        op.execute(statement)
    run_sql_files("0005_append_events.sql", "0005_end_call.sql", "0005_tenant_standing.sql")


def downgrade() -> None:
    op.execute("drop function tenant_standing(uuid, timestamptz)")
    op.execute("drop function end_call(uuid, int, boolean, text, text, text)")
    op.execute(DROP.format(more=", bigint[]"))
    run_sql_files("0001_append_events.sql", "0001_end_call.sql")
    op.drop_table("tenant_month")
    op.drop_column("call_log", "spent")
