"""`python -m graph.export_schema`: write schema.graphql from the code."""

from __future__ import annotations

from pathlib import Path

from graph.schema.build import build_schema

FILE = Path(__file__).parent.parent / "schema.graphql"


def text() -> str:
    return build_schema().as_str() + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
