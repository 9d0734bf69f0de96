"""The audit log: entries, the chain of their hashes, signed heads, and retention"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.sql_files import run_sql_files

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXES_OF_ENTRIES: dict[str, list[str]] = {
    "ix_audit_entry_at": [],
    "ix_audit_entry_actor": ["actor"],
    "ix_audit_entry_kind": ["kind"],
    "ix_audit_entry_target": ["target"],
}
TABLES = (
    *("audit_pending", "audit_link", "audit_head", "audit_cut", "audit_retention", "audit_entry"),
)


def upgrade() -> None:
    create_audit_entry()
    create_audit_pending()
    create_audit_link()
    create_audit_head()
    create_audit_cut()
    create_audit_retention()
    run_sql_files("0020_audit_log.sql")


def create_audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        _timestamp("at"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target_kind", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("target_name", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        _tenant_key("audit_entry"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    for name, columns in INDEXES_OF_ENTRIES.items():
        op.create_index(name, "audit_entry", ["tenant_id", *columns, "at", "id"])


def create_audit_pending() -> None:
    op.create_table(
        "audit_pending",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        _timestamp("at"),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["audit_entry.id"],
            name=op.f("fk_audit_pending_entry_id_audit_entry"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_pending")),
    )
    op.create_index("ix_audit_pending_at", "audit_pending", ["tenant_id", "at", "entry_id"])


def create_audit_link() -> None:
    op.create_table(
        "audit_link",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        _tenant_key("audit_link"),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_link_entry_id")),
    )


def create_audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        _timestamp("signed_at"),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        _tenant_key("audit_head"),
        sa.PrimaryKeyConstraint("tenant_id", "seq", "key_id", name=op.f("pk_audit_head")),
    )


def create_audit_cut() -> None:
    op.create_table(
        "audit_cut",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        _timestamp("first_at"),
        _timestamp("last_at"),
        _timestamp("cut_at"),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        _tenant_key("audit_cut"),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_cut")),
    )


def create_audit_retention() -> None:
    op.create_table(
        "audit_retention",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        _tenant_key("audit_retention"),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_retention")),
    )


def _timestamp(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _tenant_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id_tenant"), ondelete="CASCADE"
    )


def downgrade() -> None:
    run_sql_files("0020_undo_audit_log.sql")
    for table in TABLES:
        op.drop_table(table)
