"""What one call does differently from its workflow about machines that answer"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("answering", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("call", "answering")
