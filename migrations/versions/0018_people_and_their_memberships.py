"""People who belong to several tenants, sessions, invitations, and changes that take effect at once"""

from __future__ import annotations

from migrations.sql_files import run_sql_files

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_files("0018_people.sql", "0018_access.sql", "0018_security.sql")


def downgrade() -> None:
    run_sql_files("0018_undo_people.sql")
