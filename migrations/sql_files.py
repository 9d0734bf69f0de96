"""Runs the SQL files in versions/sql/. Each belongs to the revision whose number it carries, and is as
frozen as that revision."""

from __future__ import annotations

from pathlib import Path

from alembic import op

FOLDER = Path(__file__).parent / "versions" / "sql"


def run_sql_files(*names: str) -> None:
    """A file may contain many statements, which only the plain driver connection takes at once."""
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    for name in names:
        script = (FOLDER / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
