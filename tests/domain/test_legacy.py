"""Legacy configurations become bundles, and every change is noted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as steps
from hypothesis import strategies as st

from domain.bundles.import_report import NoteKind
from domain.bundles.imports import ImportedBundle, import_value
from domain.bundles.legacy.detection import is_legacy
from domain.bundles.model import Bundle, read_bundle, verify_bundle, write_bundle
from domain.bundles.yaml_json import parse_document
from domain.bundles.yaml_writer import write_yaml
from domain.common.errors import InvalidInput
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION
from tests.support.paths import CORPUS

LEGACY = sorted((CORPUS / "legacy").glob("*.json"))


def shown(imported: ImportedBundle) -> dict[str, Any]:
    notes = [f"{n.kind} {'.'.join(n.path)}: {n.message}" for n in imported.notes]
    findings = [f"{'.'.join(f.path)}: {f.message}" for f in imported.findings]
    return {"bundle": write_bundle(imported.bundle), "notes": notes, "findings": findings}


@pytest.mark.parametrize("file", LEGACY, ids=lambda file: file.stem)
def test_a_legacy_configuration_becomes_this_bundle_with_these_notes(file: Path) -> None:
    expected = parse_document((CORPUS / "converted" / f"{file.stem}.yaml").read_text())
    given = json.loads(file.read_text())
    assert is_legacy(given)
    assert shown(import_value(given)) == expected.value


@pytest.mark.parametrize("file", LEGACY, ids=lambda file: file.stem)
def test_a_converted_configuration_is_a_current_bundle(file: Path) -> None:
    bundle = import_value(json.loads(file.read_text())).bundle
    again = import_value(write_bundle(bundle))
    assert (again.bundle, again.notes) == (bundle, ())


def test_a_whole_legacy_tenant_converts_without_errors() -> None:
    given = json.loads((CORPUS / "legacy" / "whole-tenant.json").read_text())
    found = verify_bundle(import_value(given).bundle)
    assert [(f.code, f.path[1]) for _, f in found] == [
        ("NO_MODEL", "glucose"),
        ("NO_MODEL", "meal_logger".replace("_", "-")),
        ("UNDEFINED_VARIABLE", "meal-logger"),
    ]


def test_a_typo_in_a_current_bundle_is_not_detected_as_legacy() -> None:
    agent = {"name": "a", "display_name": "A", "prompt": {"system": "x"}, "defaultLanguage": "en"}
    with pytest.raises(InvalidInput, match="did you mean 'displayName'") as refused:
        import_value({"agents": [agent]})
    assert refused.value.path == ("agents", "0", "display_name")


def test_a_single_current_item_is_not_detected_as_legacy() -> None:
    for kind, things in write_bundle(Bundle(tools=(BOOK,), workflows=(CLINIC,))).items():
        with pytest.raises(InvalidInput, match="the known keys are agents, tools, workflows"):
            import_value(things[0])
        with pytest.raises(InvalidInput, match="not a list"):
            import_value(things)
        assert kind in ("tools", "workflows")


def test_a_current_bundle_is_left_unchanged() -> None:
    bundle = Bundle(agents=(RECEPTION, BOOKING), tools=(BOOK,), workflows=(CLINIC,))
    given = write_bundle(bundle)
    assert not is_legacy(given)
    assert import_value(given) == ImportedBundle(bundle=bundle)


@pytest.mark.parametrize(
    ("given", "path", "value"),
    [
        ({"key": "a", "value": 1}, "workflow.a", 1),
        ({"path": "workflow.a", "value": "params"}, "workflow.a", "{{params}}"),
        ({"path": "a[+]", "data": {"x": "params.x"}}, "workflow.a[+]", {"x": "{{params.x}}"}),
        ({"data": {"a": "{{now}}"}}, "workflow.a", "{{call.started_at}}"),
        ({"path": "user.name.first", "value": "A"}, "workflow.user_name_first", "A"),
        ({"path": "agents.meal.x", "value": True}, "agent.x", True),
    ],
)
def test_converted_values_are_written_to_writable_namespaces(
    given: dict[str, Any], path: str, value: Any
) -> None:
    tool = {"name": "t", "description": "d", "actions": [{"type": "context.set", **given}]}
    [step] = write_bundle(import_value(tool).bundle)["tools"][0]["actions"]
    assert step == {"contextSet": {"path": path, "value": value}}


def test_nothing_is_dropped_silently() -> None:
    agent = {
        "name": "a",
        "prompt": {"system": "x", "mood": "calm"},
        "session": {"echo": True},
        "colour": "red",
    }
    dropped = {n.path for n in import_value(agent).notes if n.kind is NoteKind.DROPPED}
    assert dropped == {("prompt", "mood"), ("session", "echo"), ("colour",)}
    around = {
        "agents": [{**agent, "config": {}}],
        "tools": 7,
        "flows": {},
        "tenant": {"plan": "PRO"},
    }
    dropped = {n.path for n in import_value(around).notes if n.kind is NoteKind.DROPPED}
    assert dropped >= {("tools",), ("flows",), ("tenant", "plan")}


def test_errors_of_converted_settings_lead_to_the_settings() -> None:
    settings = {"endpoints": {"crm": {"url": "ftp://crm.example.com"}}}
    value = {"tenant": {"settings": settings}, "agents": [{"name": "a", "system_prompt": "Hi."}]}
    with pytest.raises(InvalidInput, match="After conversion: ") as refused:
        import_value(value, ("bundle",))
    [problem] = refused.value.problems
    assert problem.path == ("bundle", "tenant", "settings")


def test_unclosed_braces_convert_in_linear_time() -> None:
    system = "Hi {{user_name}} " + "{{ " * 10_000
    [agent] = import_value({"name": "a", "prompt": {"system": system}}).bundle.agents
    assert agent.prompt.system.split() == ["Hi", "{{user.name}}"]
    with pytest.raises(InvalidInput) as refused:
        import_value({"name": "a", "prompt": {"system": "{{ " * 200_000 + "{"}})
    assert "200001 characters" in " ".join(each.message for each in refused.value.problems)


WORDS = st.sampled_from(
    [
        "name",
        "slug",
        "prompt",
        "system",
        "config",
        "nodes",
        "connections",
        "actions",
        "type",
        "key",
        "path",
        "value",
        "data",
        "rules",
        "condition",
        "endpoint",
        "url",
        "payload",
        "parameters",
        "tools",
        "agents",
        "workflows",
        "handoffs",
        "settings",
        "voices",
        "context.set",
        "webhook",
        "{{user_name}}",
        "flags.x",
        "params",
        "id",
        "source_id",
        "on_success",
        "items",
        "tts",
        "llm",
        "validate",
        "conditional",
        "then",
        "headers",
        "body",
        "query",
        "save_to",
        "position",
        "agent_name",
        "language",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)
FIXTURES = [json.loads(file.read_text()) for file in LEGACY]


@steps(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_a_bundle_or_refused(value: Any) -> None:
    _assert_imported_or_refused(value)


@steps(max_examples=150, deadline=None)
@given(st.sampled_from(FIXTURES), st.data())
def test_a_damaged_configuration_is_a_bundle_or_refused(value: Any, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        value = _damaged(value, data)
    _assert_imported_or_refused(value)


def _assert_imported_or_refused(value: Any) -> None:
    try:
        bundle = import_value(value).bundle
    except InvalidInput:
        return
    assert read_bundle(parse_document(write_yaml(write_bundle(bundle))).value) == bundle


def _damaged(value: Any, data: st.DataObject) -> Any:
    """The value with one part replaced by any JSON."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _damaged(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 9)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], _damaged(value[place], data), *value[place + 1 :]]
    return data.draw(JSON)


def test_the_other_items_of_a_file_with_a_page_are_imported_too() -> None:
    first = {"name": "first", "config": {"prompt": {"system": "One."}}, "is_active": True}
    second = {"name": "second", "prompt": "Two."}
    imported = import_value({"items": [first], "agents": [second], "total": 2})
    assert [agent.name for agent in imported.bundle.agents] == ["first", "second"]
