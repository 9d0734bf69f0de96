"""The documentation agrees with the code."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from graphql import (
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoDeprecatedCustomRule,
    build_schema,
    parse,
    specified_rules,
    validate,
)

from domain.bundles.field_names import api_name
from domain.bundles.imports import import_text
from domain.bundles.model import verify_bundle
from domain.bundles.structuring import structure
from domain.bundles.yaml_json import parse_document
from domain.common.findings import FindingCode
from domain.common.settings import Settings
from domain.simulations.suites import EXPECTATION_VALIDATORS, read_suite
from domain.verification import answering
from domain.workflows.agents import Session, check_agent
from domain.workflows.answering import AnsweringSettings
from domain.workflows.interruptions import Interruption
from domain.workflows.model import WorkflowSpec, check_workflow
from domain.workflows.spoken_text_templates import find_spoken_text
from domain.workflows.spoken_texts import SpokenText
from tests.support.demo_workflow import CLINIC, RECEPTION
from tests.support.paths import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
CLIENTS = [
    *sorted((ROOT / "graph/web/pages/src").rglob("*.graphql")),
    *sorted((ROOT / "local").glob("*.py")),
    *sorted((ROOT / "bench").rglob("*.py")),
]
OPERATION = re.compile(r"\s*(query|mutation|subscription|\{ \w)")


def test_every_setting_is_shown_with_its_default_and_meaning() -> None:
    table = (ROOT / "docs" / "settings.md").read_text()
    expected = [
        f"| `{f.name.upper()}` | {f'`{f.default}`' if f.default != '' else ''} "
        f"| {f.metadata['help']} |"
        for f in fields(Settings)
    ]
    assert [line for line in table.splitlines() if line.startswith("| `")] == expected


def test_readme_is_short_and_runs_by_line_twenty() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    assert any("./studio up" in line for line in lines[:20])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_graphql_examples_are_valid(page: Path, schema: GraphQLSchema) -> None:
    examples = re.findall(r"```graphql\n(.*?)```", page.read_text(), re.DOTALL)
    for example in examples:
        assert problems_of(example, schema) == []


def test_no_client_of_ours_uses_what_is_deprecated(schema: GraphQLSchema) -> None:
    documents = [document for client in CLIENTS for document in documents_of(client)]
    assert len(documents) >= 30
    problems = [problem for document in documents for problem in problems_of(document, schema)]
    assert problems == []


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema.graphql").read_text())


def problems_of(document: str, schema: GraphQLSchema) -> list[GraphQLError]:
    return validate(schema, parse(document), [*specified_rules, NoDeprecatedCustomRule])


def documents_of(client: Path) -> list[str]:
    """The operations in a file. Those that are put together from parts are left out."""
    if client.suffix == ".graphql":
        return [client.read_text()]
    texts = [
        node.value
        for node in ast.walk(ast.parse(client.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [text for text in texts if OPERATION.match(text) and _is_complete(text)]


def _is_complete(text: str) -> bool:
    try:
        parse(text)
    except GraphQLSyntaxError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_every_finding_is_documented() -> None:
    text = (ROOT / "docs" / "findings.md").read_text()
    assert re.findall(r"^## ([A-Z_]+)$", text, re.MULTILINE) == [code.value for code in FindingCode]


def test_troubleshooting_quotes_messages_that_processes_log() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    rows = page[page.index("## Troubleshooting") :].splitlines()
    quotes = {
        quote.removesuffix(" …")
        for row in rows
        if row.startswith("| ")
        for quote in re.findall(r"`([^`]+)`", row.split("|")[1])
        if " " in quote and not quote.startswith("./studio")
    }
    assert len(quotes) >= 10
    messages = {
        node.value
        for folder in ("persistence", "worker", "graph")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [quote for quote in sorted(quotes) if not any(quote in text for text in messages)] == []


def test_bundles_in_the_docs_can_be_imported_and_have_no_errors() -> None:
    text = (ROOT / "docs" / "bundles.md").read_text()
    examples = re.findall(r"```(?:yaml|json)\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        assert verify_bundle(import_text(example).bundle) == ()


def test_the_spoken_texts_in_the_docs_are_those_that_agents_say() -> None:
    page = (ROOT / "docs" / "voice.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| .* \| (.*) \|$", page, re.MULTILINE)
    assert rows == [(each.value, find_spoken_text(each, "en")) for each in SpokenText]


def test_the_wording_in_the_docs_is_valid_and_spoken() -> None:
    page = (ROOT / "docs" / "voice.md").read_text()
    _, example = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    bundle = import_text(example).bundle
    assert verify_bundle(bundle) == ()
    assert bundle.settings is not None
    levels = (bundle.agents[0].spoken_texts, bundle.settings.spoken_texts)
    there, problem = SpokenText.STILL_THERE, SpokenText.TECHNICAL_PROBLEM
    assert find_spoken_text(there, "hi-IN", *levels) == "क्या आप सुन रहे हैं?"
    assert find_spoken_text(there, "en-IN", *levels).startswith("Are you there,")
    assert find_spoken_text(problem, "en-IN", *levels).startswith("Sorry, {{tenant.settings.")
    assert find_spoken_text(problem, "hi", *levels) == find_spoken_text(problem, "hi")


def test_the_interruption_settings_in_the_docs_are_sound_and_complete() -> None:
    page = (ROOT / "docs" / "voice.md").read_text()
    example, _ = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    session = structure(Session, parse_document(example).value["session"])
    check_agent(replace(RECEPTION, session=session))
    assert session.interruption.min_words == 2
    section = page[page.index("## Interruptions") : page.index("## Latency")]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert rows == [api_name(Interruption, field.name) for field in fields(Interruption)]


def test_the_answering_settings_in_the_docs_are_sound_and_complete() -> None:
    page = (ROOT / "docs" / "phone.md").read_text()
    section = page[page.index("## Who answered") : page.index("### Decision and action")]
    [example] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    workflow = structure(WorkflowSpec, parse_document(example).value["workflows"][0])
    check_workflow(replace(CLINIC, answering=workflow.answering))
    assert list(answering.findings(workflow)) == []
    names = {api_name(AnsweringSettings, field.name) for field in fields(AnsweringSettings)}
    assert names <= set(re.findall(r"\w+", section))


def test_the_suite_in_the_docs_can_be_read() -> None:
    page = (ROOT / "docs" / "simulations.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert [len(read_suite(parse_document(each).value, "x").cases) for each in examples] == [1]


def test_the_documented_expectations_are_the_existing_ones() -> None:
    page = (ROOT / "docs" / "simulations.md").read_text()
    table = page[page.index("| key |") : page.index("`expect` is an object")]
    named = {
        name
        for row in table.splitlines()
        if "|" in row
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert named == EXPECTATION_VALIDATORS.keys()
