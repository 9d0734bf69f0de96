"""Write schema.graphql and docs/scopes.md from the code: `python -m graph.export_schema`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from strawberry import Schema

from graph.schema.build import build_schema
from graph.schema.scope_page import scope_page

ROOT = Path(__file__).parent.parent
SCHEMA_FILE = ROOT / "schema.graphql"
SCOPES_FILE = ROOT / "docs" / "scopes.md"


@cache
def _schema() -> Schema:
    return build_schema()


def schema_text() -> str:
    return _schema().as_str() + "\n"


def scopes_text() -> str:
    return scope_page(_schema()._schema)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text())
    SCOPES_FILE.write_text(scopes_text())
