"""Write schema.graphql from the code: `python -m graph.export_schema`."""

from __future__ import annotations

from pathlib import Path

from graph.schema.build import build_schema

SCHEMA_FILE = Path(__file__).parent.parent / "schema.graphql"


def schema_text() -> str:
    return build_schema().as_str() + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text())
