"""What lists of calls filter and sort by, as rows of their own; the load of workers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.sql_files import run_sql_files

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
ALL = "using (true) with check (true)"
TABLES = ("ended_call", "call_label")
DEFINERS = ("draft_list_versions(uuid[])", "worker_load(uuid)", "waiting_calls(uuid)")


def upgrade() -> None:
    op.add_column("worker_process", sa.Column("voice_capacity", sa.Integer(), nullable=True))
    op.add_column("worker_process", sa.Column("host", sa.Text(), nullable=True))
    create_ended_call()
    create_call_label()
    protect()
    run_sql_files("0023_lookups.sql")
    for function in DEFINERS:
        give_to_service(function)
    # Last, as calls wait for the triggers from here on until the transaction is over.
    run_sql_files("0023_ended_calls.sql")


def create_ended_call() -> None:
    """Without its indexes, which are built after the rows of older calls have been added."""
    op.create_table(
        "ended_call",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        _foreign_key("ended_call", "call_id", "call"),
        _foreign_key("ended_call", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_ended_call")),
    )


def create_call_label() -> None:
    op.create_table(
        "call_label",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        _foreign_key("call_label", "call_id", "call"),
        _foreign_key("call_label", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "name", "value", "created_at", "call_id", name=op.f("pk_call_label")
        ),
    )
    op.create_index(op.f("ix_call_label_call_id"), "call_label", ["call_id"])


def _foreign_key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete="CASCADE"
    )


def protect() -> None:
    """Here and not only in grants.sql, because calls end while the next revision runs."""
    for table in TABLES:
        for statement in (
            f"alter table {table} enable row level security",
            f"alter table {table} force row level security",
            f"create policy tenant_only on {table} using ({MINE}) with check ({MINE})",
            f"create policy service_all on {table} to studio_service {ALL}",
            f"grant select, insert on {table} to studio_api",
            f"grant select, insert, update, delete on {table} to studio_service",
        ):
            op.execute(statement)


def give_to_service(function: str) -> None:
    """The function bypasses row-level security."""
    for statement in (
        f"revoke execute on function {function} from public",
        "grant create on schema public to studio_service",
        f"alter function {function} owner to studio_service",
        "revoke create on schema public from studio_service",
        f"grant execute on function {function} to studio_api",
    ):
        op.execute(statement)


def downgrade() -> None:
    run_sql_files("0023_undo_lists.sql")
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in ("host", "voice_capacity"):
        op.drop_column("worker_process", column)
