"""The findings about legacy configurations: invalid ones have exactly the expected, valid ones none."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from domain.bundles.imports import ImportedBundle, import_value
from domain.bundles.model import verify_bundle
from domain.bundles.yaml_json import parse_document
from tests.domain.test_verification import put_at
from tests.support.hostile_corpus import CorpusLoader
from tests.support.paths import CORPUS


def read(name: str) -> Any:
    return yaml.load((CORPUS / name).read_text(), CorpusLoader)


BASE = parse_document((CORPUS / "base_legacy.yaml").read_text()).value
INVALID, VALID = read("invalid_legacy.yaml"), read("valid_legacy.yaml")


def imported_from(case: dict[str, Any]) -> ImportedBundle:
    config = copy.deepcopy(BASE)
    for path, value in case["set"].items():
        put_at(config, path.split("."), value)
    return import_value(config)


def findings_of(imported: ImportedBundle) -> list[str]:
    found = (*imported.findings, *(finding for _, finding in verify_bundle(imported.bundle)))
    return [f"{f.code.value} {f.severity.value[0]} {'.'.join(f.path)}" for f in found]


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_configuration_has_exactly_these_findings(name: str) -> None:
    case = INVALID[name]
    assert findings_of(imported_from(case)) == case["expect"]


@pytest.mark.parametrize("name", VALID)
def test_a_valid_configuration_has_no_findings(name: str) -> None:
    case = VALID[name]
    imported = imported_from(case)
    assert findings_of(imported) == []
    notes = [f"{n.kind} {'.'.join(n.path)}: {n.message}" for n in imported.notes]
    assert case.get("note", notes[0]) in notes


def test_a_tool_whose_action_cannot_be_converted_does_not_claim_success() -> None:
    imported = imported_from(INVALID["the only action is of an unknown type"])
    [tool] = [tool for tool in imported.bundle.tools if tool.name == "save_date"]
    [action] = tool.actions
    assert (action.type, tool.on_success[0].type) == ("validate", "flag.set")
