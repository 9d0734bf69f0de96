"""Takeovers without progress are counted, and the end of a call applies what asked for it"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent.parent


def upgrade() -> None:
    op.add_column(
        "call_log", sa.Column("takeovers", sa.Integer(), server_default="0", nullable=False)
    )
    run_script((HERE / "takeovers.sql").read_text())


def downgrade() -> None:
    before = (HERE / "budgets.sql").read_text()
    end_call = before.split("-- The one end of a call")[1].split("-- What a tenant has used")[0]
    run_script(f"-- The one end of a call{end_call}")
    op.drop_column("call_log", "takeovers")


def run_script(script: str) -> None:
    """Many statements at once, which only the plain driver connection takes."""
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.run_async(lambda raw: raw.execute(script))
