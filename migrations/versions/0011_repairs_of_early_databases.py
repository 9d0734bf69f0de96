"""Repairs databases that ran early forms of 0007 and 0008"""

from __future__ import annotations

from alembic import op

from migrations.sql_files import run_sql_files

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The early 0007 gave this index the name of an index that it replaces.
    op.execute("alter index if exists ix_recording_due rename to ix_recording_deleted_due")
    # The function of the early 0008 acknowledged END commands for one end reason only.
    run_sql_files("0008_end_call.sql")


def downgrade() -> None:
    """There is nothing to undo, because 0007 and 0008 result in the same."""
