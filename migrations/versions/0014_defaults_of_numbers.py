"""What calls start with because of their number: a language, and whether they are recorded"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("call", sa.Column("is_recorded", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("call", "is_recorded")
    op.drop_column("call", "language")
