"""Configurations of other products are refused by name, and no other configuration is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.bundles.foreign_formats import check_format
from domain.bundles.imports import import_documents, import_value
from domain.bundles.yaml_json import parse_document
from domain.common.errors import InvalidInput, UnsupportedFormat
from tests.support.paths import CORPUS, ROOT

FOREIGN = sorted((CORPUS / "foreign").glob("*.json"))
LEGACY = sorted((CORPUS / "legacy").glob("*.json"))
BUNDLES = [*sorted((ROOT / "local" / "demos").glob("*.yaml")), CORPUS / "base_workflow.yaml"]


@pytest.mark.parametrize("file", FOREIGN, ids=lambda file: file.stem)
def test_a_configuration_of_another_product_is_refused_by_name(file: Path) -> None:
    case = json.loads(file.read_text())
    with pytest.raises(UnsupportedFormat) as refused:
        import_value(case["value"])
    error = refused.value
    assert (error.format, list(error.path or ())) == (case["product"], case["path"])
    assert error.message == (
        f"This looks like {case['what']} of {case['product']}, which cannot be imported. Rewrite it "
        "as a bundle of agents, tools and workflows; docs/bundles.md shows the format."
    )


def test_every_product_has_several_samples() -> None:
    products = [json.loads(file.read_text())["product"] for file in FOREIGN]
    named = ("Vapi", "Retell", "ElevenLabs", "Dograh", "Bland", "Pipecat Flows")
    assert all(products.count(product) >= 2 for product in named)


@pytest.mark.parametrize("file", [*LEGACY, *BUNDLES], ids=lambda file: file.stem)
def test_no_other_configuration_is_refused(file: Path) -> None:
    check_format(parse_document(file.read_text()).value)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"items": []},
        [{"language": "en"}],
        {"language": "en"},
        {"temperature": 1},
        {"nodes": [], "edges": []},
        {"nodes": [{"id": "a", "type": "start"}], "connections": {}},
        {"name": "x", "description": "y", "parameters": {"a": 1}},
        {"tenant": {}},
    ],
    ids=str,
)
def test_a_value_that_is_no_configuration_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        import_value(value)


def test_all_files_of_other_products_are_named_at_once() -> None:
    values = [json.loads(file.read_text())["value"] for file in FOREIGN]
    with pytest.raises(InvalidInput) as refused:
        import_documents([*values, {"agent": []}])
    formats = [p.format for p in refused.value.problems if isinstance(p, UnsupportedFormat)]
    assert len(formats) == len(FOREIGN)
    assert len(refused.value.problems) == len(FOREIGN) + 1
