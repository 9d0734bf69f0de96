"""What lists of calls are filtered by, beside their state; references between drafts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
ALL = "using (true) with check (true)"

# A call is listed by facts that are stored with the call and by a state that is stored with its
# log, and no index spans two tables. The trigger copies the facts, which never change, so that
# releases on either side of this revision write them alike.
COPY_FACTS = """
    create function copy_facts_of_call() returns trigger language plpgsql as $$
    begin
        select c.kind, c.workflow_id, c.user_id into new.kind, new.workflow_id, new.user_id
          from call c where c.id = new.call_id;
        return new;
    end $$
"""
# Row-level security keeps GIN indexes on the specs from being used, as `@>` is not leakproof; so what
# a draft refers to is kept in rows of its own.
TOOLS_OF_AGENT = """
    select distinct {draft}.tenant_id, 'tool', tool, {draft}.id, {draft}.name
      from jsonb_array_elements_text({draft}.spec -> 'tools') as tool
"""
AGENTS_OF_WORKFLOW = """
    select distinct {draft}.tenant_id, 'agent', node ->> 'agent', {draft}.id, {draft}.name
      from jsonb_array_elements({draft}.spec -> 'nodes') as node
     where node ->> 'agent' is not null
"""
REFERENCES = {"agent": TOOLS_OF_AGENT, "workflow": AGENTS_OF_WORKFLOW}
INSERT = "insert into draft_reference (tenant_id, used_kind, used_name, user_id, user_name)"


def keep_references_of(table: str) -> None:
    op.execute(f"""
        create function keep_references_of_{table}() returns trigger language plpgsql as $$
        begin
            delete from draft_reference where user_id = coalesce(new.id, old.id);
            if tg_op <> 'DELETE' then
                {INSERT} {REFERENCES[table].format(draft="new")};
            end if;
            return null;
        end $$
    """)
    op.execute(
        f"create trigger keep_references after insert or delete or update of spec on {table}"
        f" for each row execute function keep_references_of_{table}()"
    )


# By default a table is vacuumed when a fifth of it is dead: too late for a log of millions of events.
VACUUM = {
    "call_event": (0.02, 0.05),
    "call_log": (0.05, 0.1),
    "call": (0.05, 0.1),
}


def upgrade() -> None:
    keep_references()
    # Last, as calls wait from here on until the transaction is over.
    add_facts()


def add_facts() -> None:
    for table, (dead, new) in VACUUM.items():
        op.execute(
            f"alter table {table} set (autovacuum_vacuum_scale_factor = {dead},"
            f" autovacuum_vacuum_insert_scale_factor = {new})"
        )
    op.add_column("call_log", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("call_log", sa.Column("workflow_id", sa.Uuid(), nullable=True))
    op.add_column("call_log", sa.Column("user_id", sa.Text(), nullable=True))
    op.execute(COPY_FACTS)
    op.execute(
        "create trigger copy_facts_of_call before insert on call_log"
        " for each row execute function copy_facts_of_call()"
    )


def keep_references() -> None:
    op.create_table(
        "draft_reference",
        sa.Column("used_kind", sa.Text(), nullable=False),
        sa.Column("used_name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_draft_reference_tenant_id_tenant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "used_kind", "used_name", "user_id", name=op.f("pk_draft_reference")
        ),
    )
    op.create_index(op.f("ix_draft_reference_user_id"), "draft_reference", ["user_id"])
    for statement in (
        "alter table draft_reference enable row level security",
        "alter table draft_reference force row level security",
        f"create policy tenant_only on draft_reference using ({MINE}) with check ({MINE})",
        f"create policy service_all on draft_reference to studio_service {ALL}",
        "grant select, insert, update, delete on draft_reference to studio_api, studio_service",
    ):
        op.execute(statement)
    for table in REFERENCES:
        keep_references_of(table)
    fill_references()


def fill_references() -> None:
    """Row-level security is forced on the owner, too, so this is done as a role that sees all."""
    op.execute("set local role studio_service")
    for table, refers in REFERENCES.items():
        op.execute(
            f"{INSERT} select refers.* from {table} draft"
            f" cross join lateral ({refers.format(draft='draft')}) refers"
        )
    op.execute("reset role")


def downgrade() -> None:
    for table in REFERENCES:
        op.execute(f"drop trigger keep_references on {table}")
        op.execute(f"drop function keep_references_of_{table}")
    op.drop_table("draft_reference")
    op.execute("drop trigger copy_facts_of_call on call_log")
    op.execute("drop function copy_facts_of_call")
    for table in VACUUM:
        op.execute(
            f"alter table {table} reset"
            " (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)"
        )
    for column in ("kind", "workflow_id", "user_id"):
        op.drop_column("call_log", column)
