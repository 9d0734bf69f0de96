"""Runs revisions on the connection that persistence/migrate.py opens, each in a transaction of its
own."""

from __future__ import annotations

from alembic import context

from persistence.tables import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run `python -m persistence.migrate`; it opens the connection.")
# A command before this one may have read something; whoever begins inside of a transaction would
# not be given one for each revision.
connection.rollback()
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_server_default=False,
    transaction_per_migration=True,
    on_version_apply=context.config.attributes.get("applied"),
)
with context.begin_transaction():
    context.run_migrations()
