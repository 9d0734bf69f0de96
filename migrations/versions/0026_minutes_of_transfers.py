"""When the phones of transfers were answered, so that their minutes count for the day of their trunk"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.sql_files import run_sql_files

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "transfer_leg", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True)
    )
    run_sql_files("0026_minutes_of_transfers.sql")


def downgrade() -> None:
    run_sql_files("0026_undo_minutes_of_transfers.sql")
    op.drop_column("transfer_leg", "answered_at")
