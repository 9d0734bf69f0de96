"""The calls of older releases in the lists of calls, the indexes of lists, and tokens without a session

Everything here may be interrupted, and continues when it is repeated. It takes no lock that calls wait
for: each batch locks its calls only against being deleted."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BATCH = 2_000

# When it is repeated, calls that have their rows are skipped, except for those that may have ended
# while it was interrupted: their row is from the trigger, which has not read their earlier events.
FILL = f"""
    with batch as materialized (
        select c.id from call c join call_log l on l.call_id = c.id
         where c.id > :after
           and (l.ended_at is null or l.ended_at > now() - interval '7 days'
                or not exists (select from ended_call e where e.call_id = c.id))
         order by c.id limit {BATCH} for key share of c),
    ended as (
        insert into ended_call (call_id, tenant_id, created_at, kind, direction, workflow_id,
                                version_id, user_id, phone_number, end_reason, duration_ms, spent)
        select c.id, c.tenant_id, c.created_at, c.kind, c.direction, c.workflow_id, c.version_id,
               c.user_id, c.phone_number, l.end_reason,
               case when l.answered_at is null then 0
                    else round(extract(epoch from l.ended_at - l.answered_at) * 1000) end, l.spent
          from batch join call c on c.id = batch.id join call_log l on l.call_id = c.id
         where l.ended_at is not null and l.end_reason is not null
        on conflict do nothing),
    labels as (
        insert into call_label (tenant_id, name, value, created_at, call_id)
        select c.tenant_id, m.name, m.value, c.created_at, c.id
          from batch join call c on c.id = batch.id join call_log l on l.call_id = c.id
         cross join metadata_labels(c.metadata) m
         where l.ended_at is not null and c.metadata <> '{{}}'
        on conflict do nothing),
    participants as (
        insert into call_label (tenant_id, name, value, created_at, call_id)
        select distinct l.tenant_id, p.name, left(p.value, 200), l.created_at, l.call_id
          from batch join call_log l on l.call_id = batch.id
          join call_event e on e.call_id = l.call_id
         cross join lateral (
               select 'agent', e.body ->> 'agent' where e.kind = 'node_entered' union all
               select 'tool', e.body ->> 'tool' where e.kind = 'tool_started') p (name, value)
         where e.kind in ('node_entered', 'tool_started') and p.value is not null
        on conflict do nothing)
    select id from batch order by id desc limit 1
"""
INDEXES = {
    "ix_ended_call_created_at": "ended_call (tenant_id, created_at, call_id)",
    "ix_ended_call_duration": "ended_call (tenant_id, duration_ms, call_id)",
    "ix_ended_call_spent": "ended_call (tenant_id, spent, call_id)",
    "ix_ended_call_outcome": "ended_call"
    " (tenant_id, end_reason, kind, direction, created_at, call_id)",
    "ix_ended_call_workflow": "ended_call"
    " (tenant_id, workflow_id, end_reason, kind, direction, created_at, call_id, version_id)",
    "ix_ended_call_user": "ended_call"
    " (tenant_id, user_id, end_reason, kind, direction, created_at, call_id, workflow_id)"
    " where user_id is not null",
    "ix_ended_call_phone_number": "ended_call"
    " (tenant_id, phone_number, end_reason, kind, direction, created_at, call_id)"
    " where phone_number is not null",
    "ix_agent_updated_at": "agent (tenant_id, updated_at, id)",
    "ix_tool_updated_at": "tool (tenant_id, updated_at, id)",
    "ix_workflow_updated_at": "workflow (tenant_id, updated_at, id)",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        fill()
        for name, what in INDEXES.items():
            op.execute(f"create index concurrently if not exists {name} on {what}")
        op.execute("analyze ended_call, call_label")
        delete_tokens_without_session()
        op.execute("alter table refresh_token validate constraint fk_refresh_token_family")


def fill() -> None:
    """As a role that sees all: row-level security is forced on the owner, too."""
    connection = op.get_bind()
    statement = sa.text(FILL)
    op.execute("set role studio_service")
    last: UUID | None = UUID(int=0)
    while last is not None:
        last = connection.scalar(statement, {"after": last})
    op.execute("reset role")


def delete_tokens_without_session() -> None:
    """Revision 0018 has made no session of tokens that could not be used any more."""
    op.execute("set role studio_service")
    op.execute(
        "delete from refresh_token r where not exists (select from session s where s.id = r.family)"
    )
    op.execute("reset role")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"drop index {name}")
