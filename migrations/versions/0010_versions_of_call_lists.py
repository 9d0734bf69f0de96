"""Whether anything changed in a tenant's lists of calls, told without looking them up"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What a list shows of a call changes only until the call ends, so the calls that are going on and
# the newest call of all tell of every change. Like the other functions of the API that look past
# row-level security, it belongs to studio_service.
VERSIONS = """
create function call_list_versions(p_tenants uuid[]) returns table (tenant_id uuid, version text)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id,
           concat_ws(' ',
               (select max(c.created_at) from call c where c.tenant_id = t.id),
               (select sum(hashtextextended(
                           concat_ws(' ', l.call_id, l.state, l.answered_at, l.active_node), 0))
                  from call_log l where l.tenant_id = t.id and l.ended_at is null))
      from unnest(p_tenants) t(id)
$$
"""


def upgrade() -> None:
    for statement in (
        VERSIONS,
        "revoke execute on function call_list_versions(uuid[]) from public",
        "grant create on schema public to studio_service",
        "alter function call_list_versions(uuid[]) owner to studio_service",
        "revoke create on schema public from studio_service",
        "grant execute on function call_list_versions(uuid[]) to studio_api",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop function call_list_versions(uuid[])")
