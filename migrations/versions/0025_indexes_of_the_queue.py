"""Indexes of the queue: of the calls in which people wait, and of the calls to dial, by trunk

Everything here may be interrupted, and continues when it is repeated."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_call_log_waiting": "call_log (coalesce(due_at, created_at))"
    " where ended_at is null and worker_id is null"
    " and (trunk_id is null or dial_claimed_at is not null)",
    "ix_call_log_to_dial": "call_log (trunk_id, coalesce(due_at, created_at))"
    " where ended_at is null and worker_id is null"
    " and trunk_id is not null and dial_claimed_at is null",
}
# Workers of the previous release use the index of the calls that have not ended instead.
OLD_INDEXES = {
    "ix_call_log_claimable": "call_log (coalesce(due_at, created_at))"
    " where ended_at is null and worker_id is null",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, what in INDEXES.items():
            op.execute(f"create index concurrently if not exists {name} on {what}")
        for name in OLD_INDEXES:
            op.execute(f"drop index concurrently if exists {name}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"drop index {name}")
    for name, what in OLD_INDEXES.items():
        op.execute(f"create index {name} on {what}")
