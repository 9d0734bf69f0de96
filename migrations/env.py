"""Runs each revision in its own transaction, on the connection of persistence/migrate.py."""

from __future__ import annotations

from alembic import context

from persistence.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run `python -m persistence.migrate`; it opens the connection.")
# An earlier read may have left a transaction open. Alembic starts one transaction per revision only
# if none is open.
connection.rollback()
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_server_default=False,
    transaction_per_migration=True,
    on_version_apply=context.config.attributes.get("applied"),
)
with context.begin_transaction():
    context.run_migrations()
