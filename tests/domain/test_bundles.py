"""Bundles: a written bundle is read back unchanged, and errors name their place."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as steps
from hypothesis import strategies as st

from domain.bundles.imports import import_documents, import_text
from domain.bundles.model import Bundle, merge_bundles, read_bundle, verify_bundle, write_bundle
from domain.bundles.structuring import structure, unstructure
from domain.bundles.yaml_json import MAX_FILE_BYTES, DocumentError, parse_document
from domain.bundles.yaml_writer import write_yaml, write_yaml_pure_python
from domain.common.errors import InvalidInput
from domain.common.findings import FindingCode
from domain.tenants.settings import Endpoint, TenantSettings
from tests.support.cpu import cpu_seconds
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION
from tests.support.strategies import BUNDLES, JSON

# Texts that the two emitters of PyYAML write differently: emoji, keys without letters, long keys.
LETTERS = st.text("ab \n\t:#-'|>%@&*!?{}[],\u2028\ue000\ufeff😀é0.e5", max_size=120)
KEYS = LETTERS | st.text("x", min_size=90, max_size=140) | st.sampled_from(["yes", "null", "é"])
TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | LETTERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
WHOLE = Bundle(
    agents=(RECEPTION, BOOKING),
    tools=(BOOK,),
    workflows=(CLINIC,),
    settings=TenantSettings(endpoints=(Endpoint(name="crm", url="https://crm.example.com"),)),
)


@steps(max_examples=150, deadline=None)
@given(BUNDLES)
def test_a_written_bundle_is_read_back_unchanged(bundle: Bundle) -> None:
    plain = unstructure(bundle)
    assert structure(Bundle, json.loads(json.dumps(plain))) == bundle
    assert parse_document(write_yaml(plain)).value == plain


@steps(max_examples=200, deadline=None)
@given(JSON)
def test_any_json_survives_yaml(value: Any) -> None:
    assert json.dumps(parse_document(write_yaml({"x": value})).value) == json.dumps({"x": value})


@steps(max_examples=200, deadline=None)
@given(TEXTS)
def test_both_yaml_emitters_write_the_same(value: Any) -> None:
    assert write_yaml({"agents": [value], "x": value}) == write_yaml_pure_python(
        {"agents": [value], "x": value}
    )


@pytest.mark.parametrize("text", ["Hello.\n\n", "\n\n", "...\n\n", "a\n...\n\n\n"])
@pytest.mark.parametrize("emit", [write_yaml, write_yaml_pure_python])
def test_texts_that_end_with_empty_lines_do_not_end_the_document(
    emit: Callable[[Any], str], text: str
) -> None:
    value = {"agents": [{"name": "a", "system": text}, text], "tools": [{"name": "t"}]}
    written = emit(value)
    assert "\n...\n" not in written
    assert parse_document(written).value == value


def test_defaults_are_not_written() -> None:
    assert write_bundle(Bundle(workflows=(CLINIC,))) == {
        "workflows": [
            {
                "slug": "clinic",
                "nodes": [
                    {"id": "reception", "agent": "reception", "isEntry": True},
                    {"id": "booking", "agent": "booking", "isExit": True},
                ],
                "connections": [
                    {
                        "source": "reception",
                        "target": "booking",
                        "description": "wants an appointment",
                    }
                ],
                "sharedContext": ["slot"],
            }
        ]
    }


def test_long_texts_are_blocks_whose_lines_can_be_compared() -> None:
    prompt = {"prompt": {"system": "You are kind.\n\n- Greet.\n- Listen.\n"}}
    assert write_yaml(prompt) == (
        "prompt:\n  system: |\n    You are kind.\n\n    - Greet.\n    - Listen.\n"
    )


def test_parameters_may_be_a_parameters_list() -> None:
    listed = [{"name": "slot", "type": "string", "required": True}]
    tool = {
        "name": "book_appointment",
        "description": "Books an appointment.",
        "parametersList": listed,
        "actions": write_bundle(Bundle(tools=(BOOK,)))["tools"][0]["actions"],
    }
    assert read_bundle({"tools": [tool]}).tools == (BOOK,)


# ---- what is wrong -------------------------------------------------------------------------


def changed(*way: Any, to: Any) -> dict[str, Any]:
    plain: Any = json.loads(json.dumps(write_bundle(WHOLE)))
    place = plain
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = to
    return dict(plain)


@pytest.mark.parametrize(
    ("way", "to", "reported"),
    [
        (("agent",), [], "'agent' is not a known key; did you mean 'agents'?"),
        (("agents", 0, "promt"), {}, "'promt' is not a known key; did you mean 'prompt'?"),
        (("agents",), {}, "Expected a list, not an object."),
        (
            ("agents", 0, "prompt", "system"),
            3,
            'Expected text, not 3 (in YAML, put it in "quotes").',
        ),
        (
            ("agents", 0, "prompt", "interruptibleGreeting"),
            "yes",
            "Expected true or false, not 'yes'.",
        ),
        (
            ("workflows", 0, "nodes", 0, "is_entry"),
            True,
            "'is_entry' is not a known key; did you mean 'isEntry'?",
        ),
        (
            ("workflows", 0, "connections", 0, "description"),
            None,
            "Expected text, not null; omit the key to use its default.",
        ),
        (
            ("workflows", 0, "connections", 0, "mayRepeat"),
            1.5,
            "Expected a whole number, not 1.5.",
        ),
        (
            ("workflows", 0, "connections", 0, "contextPolicy"),
            "full",
            "'full' is not a valid value; did you mean FULL?",
        ),
        (("tools", 0, "actions", 0), {"flag.set": {}}, "'flag.set' is not a known key"),
        (("tools", 0, "actions", 0), {}, "this one is empty."),
        (("tools", 0, "actions", 0, "endCall"), True, "this one has 'contextSet', 'endCall'."),
        (("tools", 0, "actions"), [], "A tool must have at least one action."),
        (("settings", "endpoints", 0, "url"), "crm", "url must start with https://"),
        (("agents", 1, "name"), "reception", "'reception' is listed twice, at 0 and 1."),
    ],
)
def test_errors_name_their_place(way: tuple[Any, ...], to: Any, reported: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        import_text(json.dumps(changed(*way, to=to)))
    assert reported in refused.value.message
    said, given = refused.value.path or (), tuple(map(str, way))
    assert given[: len(said)] == said[: len(given)]


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", "The file is empty."),
        ("a: 1\na: 2\n", "The key 'a' occurs twice in one object. (line 2)"),
        ('{"a": 1, "a": 2}', "The key 'a' occurs twice in one object."),
        ("a: &x [1]\nb: *x\n", "Aliases (*name) are not supported; write the value out. (line 2)"),
        ("a: !!python/name:os.system x\n", "Tags (!name) are not supported. (line 1)"),
        (
            "a: 1\n---\nb: 2\n",
            "A file must contain only one document; a second one starts here. (line 2)",
        ),
        ("? [a]\n: b\n", "A key must be text, not a list or an object. (line 1)"),
        ('{"a": 1', "This is not JSON: Expecting ',' delimiter (line 1)"),
        ('{"a": NaN}', "NaN is not a valid JSON number."),
        ("[" * 100_000, "The document is nested more than 64 levels deep."),
        ("a: " + "[" * 1_000, "The document is nested more than 64 levels deep. (line 1)"),
        ("a:\n\t- b\n", "This is not YAML: found character that cannot start any token (line 2)"),
        (b"\xff\xfe\x00", "The file is not text in UTF-8."),
        (b" " * (MAX_FILE_BYTES + 1), "The file is larger than 32 MiB."),
    ],
)
def test_text_that_is_not_a_document_is_refused_with_its_line(
    text: bytes | str, reported: str
) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_document(text)
    assert refused.value.message == reported


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu", strict=True)
    )
    with pytest.raises(DocumentError, match="Aliases"):
        import_text(bomb)


def test_only_the_json_subset_of_yaml_is_accepted() -> None:
    text = "a: no\nb: 12:30\nc: 2026-01-01\nd: 0x1F\ne: 1e3\nf: +49\n1: x\n"
    assert parse_document(text).value == {
        "a": "no",
        "b": "12:30",
        "c": "2026-01-01",
        "d": "0x1F",
        "e": 1000.0,
        "f": "+49",
        "1": "x",
    }


@pytest.mark.parametrize(
    "text", [write_yaml(write_bundle(WHOLE)), json.dumps(write_bundle(WHOLE), indent=1)]
)
def test_every_path_has_its_line(text: str) -> None:
    document = parse_document(text)
    line = document.line_of(("workflows", "0", "nodes", "1", "isExit"))
    assert line is not None
    assert "isExit" in text.splitlines()[line - 1]
    nearest = document.line_of(("workflows", "0", "nodes", "1", "nowhere"))
    assert nearest is not None
    assert nearest <= line


@steps(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60) | st.text("{}[]:,-&*!|>'\"\n a1", max_size=40))
def test_any_text_is_a_bundle_or_refused(text: bytes | str) -> None:
    with suppress(InvalidInput):
        assert isinstance(import_text(text).bundle, Bundle)
    assert cpu_seconds(lambda: import_text(text), refusal=(InvalidInput,)) < 1


# ---- several files -------------------------------------------------------------------------


def test_several_files_form_one_bundle() -> None:
    files = [write_bundle(Bundle(agents=(a,))) for a in WHOLE.agents]
    files += [write_bundle(Bundle(tools=WHOLE.tools, workflows=WHOLE.workflows))]
    together = import_documents(files).bundle
    assert together == Bundle(agents=WHOLE.agents, tools=WHOLE.tools, workflows=WHOLE.workflows)


def test_an_item_in_two_files_is_refused() -> None:
    one = Bundle(tools=(BOOK,), settings=TenantSettings())
    with pytest.raises(InvalidInput, match="'book_appointment' is listed twice"):
        merge_bundles([Bundle(tools=(BOOK,)), Bundle(tools=(BOOK,))])
    with pytest.raises(InvalidInput, match="Two files contain settings"):
        merge_bundles([one, Bundle(settings=TenantSettings())])


def test_every_workflow_is_verified_with_the_rest_of_the_bundle() -> None:
    bundle = Bundle(agents=(BOOKING, RECEPTION), workflows=(CLINIC,))
    [(slug, finding)] = verify_bundle(bundle)
    assert (slug, finding.code) == ("clinic", FindingCode.UNKNOWN_TOOL)
    assert verify_bundle(WHOLE) == ()
