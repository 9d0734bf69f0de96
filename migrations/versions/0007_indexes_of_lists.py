"""Indexes for every filter of the list of calls, and for the order in which recordings are tended

Everything here may be interrupted, and goes on from there when it is done again."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BATCH = 20_000

FILL = f"""
    with batch as (
        select call_id from call_log where call_id > :after and kind is null
         order by call_id limit {BATCH} for update),
    filled as (
        update call_log l
           set kind = c.kind, workflow_id = c.workflow_id, user_id = c.user_id
          from batch join call c on c.id = batch.call_id
         where l.call_id = batch.call_id)
    select call_id from batch order by call_id desc limit 1
"""
# A name stands for one definition, so an index that is there already need not be built anew; one that
# was left half-built is dropped before the revisions.
INDEXES = {
    "ix_call_log_state": "call_log (tenant_id, state, kind, created_at, call_id)",
    "ix_call_log_workflow": "call_log (tenant_id, workflow_id, state, kind, created_at, call_id)",
    "ix_call_log_user": "call_log"
    " (tenant_id, user_id, state, kind, created_at, call_id, workflow_id)"
    " where user_id is not null",
    "ix_recording_deleted_due": "recording ((state = 'DELETED'), due_at) where not cleared",
}
OLD_INDEXES = {
    "ix_recording_due": "recording (due_at) where not cleared",
    "ix_call_tenant_id_workflow_id_created_at_id": "call (tenant_id, workflow_id, created_at, id)",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        fill()
        for name, what in INDEXES.items():
            op.execute(f"create index concurrently if not exists {name} on {what}")
        for name in OLD_INDEXES:
            op.execute(f"drop index concurrently if exists {name}")


def fill() -> None:
    """As a role that sees all: row-level security is forced on the owner, too. In batches, so that no
    call waits for more than one of them."""
    connection = op.get_bind()
    op.execute("set role studio_service")
    last: UUID | None = UUID(int=0)
    while last is not None:
        last = connection.scalar(sa.text(FILL), {"after": last})
    op.execute("reset role")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"drop index {name}")
    for name, what in OLD_INDEXES.items():
        op.execute(f"create index {name} on {what}")
