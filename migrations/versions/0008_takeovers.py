"""Takeovers without progress are counted, and the end of a call applies what asked for it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.sql_files import run_sql_files

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "call_log", sa.Column("takeovers", sa.Integer(), server_default="0", nullable=False)
    )
    run_sql_files("0008_end_call.sql")


def downgrade() -> None:
    run_sql_files("0005_end_call.sql")
    op.drop_column("call_log", "takeovers")
