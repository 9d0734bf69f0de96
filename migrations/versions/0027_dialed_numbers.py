"""The numbers that were dialled, by trunk and time; one order in which batches of events lock calls and trunks

Everything here may be interrupted, and continues when it is repeated."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from migrations.sql_files import run_sql_files

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BATCH = 2_000

# The calls that are or will be counted: a limit applies to the calls of an hour.
FILL = f"""
    with batch as materialized (
        select l.call_id from call_log l
         where l.call_id > :after and l.trunk_id is not null and l.dialed_number is null
           and (l.ended_at is null or l.dial_claimed_at > now() - interval '1 hour')
         order by l.call_id limit {BATCH} for update),
    filled as (
        update call_log l set dialed_number = c.phone_number
          from batch join call c on c.id = batch.call_id
         where l.call_id = batch.call_id)
    select call_id from batch order by call_id desc limit 1
"""
INDEX = """
    create index concurrently if not exists ix_call_log_dialed
        on call_log (trunk_id, dialed_number, dial_claimed_at) where dial_claimed_at is not null
"""


def upgrade() -> None:
    op.execute("alter table call_log add column if not exists dialed_number text")
    run_sql_files("0027_dialed_numbers.sql")
    with op.get_context().autocommit_block():
        op.execute(INDEX)
        fill()


def fill() -> None:
    """As a role that sees all: row-level security is forced on the owner, too."""
    connection = op.get_bind()
    statement = sa.text(FILL)
    op.execute("set role studio_service")
    last: UUID | None = UUID(int=0)
    while last is not None:
        last = connection.scalar(statement, {"after": last})
    op.execute("reset role")


def downgrade() -> None:
    run_sql_files("0027_undo_dialed_numbers.sql")
    op.execute("drop index ix_call_log_dialed")
    op.drop_column("call_log", "dialed_number")
