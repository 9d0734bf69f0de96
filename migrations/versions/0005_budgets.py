"""What calls spend, and the months of tenants"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ALL = "using (true) with check (true)"
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
HERE = Path(__file__).parent.parent
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
    run_script((HERE / "budgets.sql").read_text())


def downgrade() -> None:
    op.execute("drop function tenant_standing(uuid, timestamptz)")
    op.execute("drop function end_call(uuid, int, boolean, text, text, text)")
    op.execute(DROP.format(more=", bigint[]"))
    # The two that were there before stand first in their file.
    run_script((HERE / "functions.sql").read_text().split("-- What the API may know")[0])
    op.drop_table("tenant_month")
    op.drop_column("call_log", "spent")


def run_script(script: str) -> None:
    """Many statements at once, which only the plain driver connection takes."""
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.run_async(lambda raw: raw.execute(script))
