"""Conditions over the call's context."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.templating.expressions import (
    And,
    Compare,
    Literal,
    Or,
    Path,
    evaluate,
    evaluate_bool,
    parse,
)
from domain.templating.lexer import TemplateSyntaxError
from tests.support.cpu import cpu_seconds

SEEN: dict[str, Any] = {
    "user": {"name": "Ada", "visits": 3, "plan": "pro", "tags": ["a", "b"], "none": {}},
    "flags": {"urgent": True, "late": False},
    "workflow": {"size": 2.5, "note": "", "deep": {"er": [1, {"est": "x"}]}},
}

TRUE = [
    "flags.urgent",
    "not flags.late",
    "not flags.unheard_of",
    "user.visits == 3",
    "user.visits == 3.0",
    "user.visits != '3'",
    "user.visits > workflow.size",
    "user.visits >= 3 and user.visits <= 3",
    'user.plan in ["pro", "team"]',
    'user.plan not in ["free"]',
    '"a" in user.tags',
    "'Ad' in user.name",
    '"visits" in user',
    "workflow.note is empty",
    "workflow.none is empty",
    "user.none is empty",
    "user.tags is not empty",
    "user.visits is not empty",
    "flags.late == false",
    "flags.urgent != 1",
    "workflow.gone == null",
    'workflow.deep.er.1.est == "x"',
    "flags.late or flags.urgent and user.visits == 3",
    "(flags.urgent or flags.late) and not (flags.late and flags.urgent)",
    "not not flags.urgent",
    '"b" > "a"',
    r'"say \"hi\"" == "say \"hi\""',
    "true",
]


@pytest.mark.parametrize("text", TRUE)
def test_a_true_condition_has_a_false_negation(text: str) -> None:
    assert evaluate_bool(text, SEEN)
    assert not evaluate_bool(f"not ({text})", SEEN)


@pytest.mark.parametrize(
    "text", ["user.name > 3", "user.name < 3", "user.tags > 1", "flags.urgent > 0", "null < 1"]
)
def test_incomparable_values_have_no_order(text: str) -> None:
    assert not evaluate_bool(text, SEEN)


def test_and_binds_closer_than_or() -> None:
    first, second = Path(("user", "a")), Path(("user", "b"))
    tree = parse("user.a or user.b and user.a == 1")
    assert tree == Or((first, And((second, Compare("==", first, Literal(1))))))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 0),
        ("user.name ==", 12),
        ("user.name = 1", 10),
        ("(user.name", 10),
        ("user.name)", 9),
        ("user.name in [1, 2", 18),
        ("user.name in [1 2]", 16),
        ("user.name is", 12),
        ("user.name is full", 13),
        ("user.name and or user.b", 14),
        ("user..name", 4),
        ("user.name === 1", 12),
        ("__import__('os')", 10),
        ("user.name + 1 > 2", 10),
        ("'open", 0),
        ("1..2", 0),
        ("flags.a; flags.b", 7),
        ("not", 3),
    ],
)
def test_syntax_errors_name_their_position(text: str, at: int) -> None:
    with pytest.raises(TemplateSyntaxError) as refused:
        parse(text)
    assert refused.value.position == at


def test_hostile_expressions_are_bounded() -> None:
    for text in ("(" * 500 + "1" + ")" * 500, "not " * 450 + "1", "[" + "1," * 600 + "1]"):
        # At most 0.002 measured.
        assert cpu_seconds(partial(evaluate_bool, text, SEEN), refusal=(TemplateSyntaxError,)) < 0.2
    with pytest.raises(TemplateSyntaxError, match="nested"):
        parse("(" * 100 + "1" + ")" * 100)
    with pytest.raises(TemplateSyntaxError, match="parts"):
        parse(" and ".join(["1"] * 250))


WORDS = ["user.a", "flags.b", "and", "or", "not", "in", "is", "empty", "(", ")", "[", "]", ","]
WORDS += ["==", "<", "1", "2.5", "'x'", '"y"', "true", "null", ".", "|", "\x00", "é"]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join),
    st.dictionaries(
        st.sampled_from(["user", "flags"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
            ),
            max_leaves=4,
        ),
    ),
)
def test_any_text_is_refused_or_has_a_value(text: str, context: Any) -> None:
    try:
        tree = parse(text)
    except TemplateSyntaxError:
        return
    assert evaluate_bool(text, context) == bool(evaluate(tree, context))
