"""graphql-eslint finds nothing in the schema beyond the exceptions, each of which has a reason."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from graph.export_schema import SCHEMA_FILE
from tests.support.npm import install
from tests.support.paths import ROOT

LINT = ROOT / "tests" / "schema_lint"


def test_the_schema_has_no_findings_but_exceptions_with_a_reason(tmp_path: Path) -> None:
    install(LINT, tmp_path, "lint.mjs")
    shutil.copy(SCHEMA_FILE, tmp_path / "schema.graphql")
    done = subprocess.run(
        ["node", str(tmp_path / "lint.mjs"), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["rules"] > 20
    found = {(each["rule"], each["at"]) for each in result["findings"]}
    exceptions: list[dict[str, Any]] = json.loads((LINT / "exceptions.json").read_text())
    assert [each for each in exceptions if len(each["reason"].split()) < 4] == []
    known = {(each["rule"], name) for each in exceptions for name in each["names"]}
    assert sorted(found - known) == [], "fix the schema, or add an exception with its reason"
    assert sorted(known - found) == [], "these exceptions are not needed any more"
