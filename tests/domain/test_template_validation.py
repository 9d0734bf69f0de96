"""Templates and conditions that are refused with a position, and values of unusual types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.common.errors import InvalidInput
from domain.templating.expressions import evaluate_bool
from domain.templating.lexer import TemplateSyntaxError
from domain.templating.templates import render, render_value
from domain.templating.validation import check_condition, check_template
from tests.support.cpu import cpu_seconds
from tests.support.hostile_corpus import load_corpus

CASES = load_corpus("templates")
PATH = ("input", "text")
Check = Callable[[str, tuple[str, ...]], None]


def text_of(case: dict[str, Any]) -> str:
    return str(case["template"] if "template" in case else case["condition"])


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_this_message(name: str) -> None:
    case = CASES[name]
    check: Check = check_template if "template" in case else check_condition
    with pytest.raises(InvalidInput) as refused:
        check(text_of(case), PATH)
    assert (refused.value.message, refused.value.path) == (case["says"], PATH)
    assert refused.value.code == "INVALID_INPUT"
    # At most 0.002 measured; exponential matching takes minutes.
    assert cpu_seconds(lambda: check(text_of(case), PATH), refusal=(InvalidInput,)) < 0.1


@pytest.mark.parametrize("name", CASES)
def test_invalid_templates_stored_earlier_render_or_fail_cleanly(name: str) -> None:
    """Stored before a rule existed: it renders or raises `TemplateSyntaxError`, nothing else."""
    case = CASES[name]
    text = text_of(case)
    run: Callable[[str, Any], object] = render if "template" in case else evaluate_bool
    try:
        done = type(run(text, SEEN))
    except TemplateSyntaxError as problem:
        done, within = TemplateSyntaxError, 0 <= problem.position <= len(text)
    else:
        within = True
    assert (done in (str, bool, TemplateSyntaxError), within) == (True, True)


HUGE = 10**400
SEEN: dict[str, Any] = {
    "user": {
        "huge": HUGE,
        "nan": float("nan"),
        "inf": float("inf"),
        "half": "\ud800",
        "markup": "{{user.secret}} {{ 1 }} }}",
        "long": "x" * 65_536,
        "many": list(range(20_000)),
        "year1": "0001-01-01",
        "nodate": "2024-13-45T99:99",
        "tags": [True, 1, "1"],
        "empty": {},
    }
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{user.huge | round}}", str(HUGE)),
        ("{{user.huge | number: 2}}", str(HUGE)),
        ("{{user.nan | number: 2}}", "NaN"),
        ("{{user.inf | round: 9}}", "Infinity"),
        ("{{user.markup}}", "{{user.secret}} {{ 1 }} }}"),
        ("{{user.long}}", "x" * 4_096),
        ("{{user.long}}" * 100, "x" * 65_536),
        ("{{user.year1 | date: '%d.%m.'}}", "01.01."),
        ("{{user.nodate | date: '%Y'}}", "2024-13-45T99:99"),
        ("{{user.tags.99999999999999999999}}|{{user.tags.000001}}|{{user.tags.x}}", "|1|"),
        ("{{user.keys}}{{user.__class__}}{{user.empty.items}}", ""),
        ("{{user.tags | date: '%Y'}}", '[true, 1, "1"]'),
        ("{{ 'a' | number | round | date: '%Y' | json }}", '"a"'),
    ],
)
def test_odd_values_render_as_text(template: str, text: str) -> None:
    assert render(template, SEEN) == text


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ("user.huge > 1.5", True),
        ("user.huge == 1.5", False),
        ("user.nan == user.nan", False),
        ("user.nan < 1 or user.nan >= 1", False),
        ("user.inf > user.huge", True),
        ("user.half == 'x'", False),
        ("true in user.tags and 1 in user.tags and '1' in user.tags", True),
        ("user.tags in user.tags", False),
        ("19999 in user.many", False),
        ("user in user", False),
        ("user.empty in 'x'", False),
        ("user.empty is empty and user.huge is not empty", True),
        ("user.empty < user.empty or user.tags >= user.tags", False),
        ("null in null", False),
        ("not not not null", True),
    ],
)
def test_odd_values_are_compared_without_an_error(condition: str, held: bool) -> None:
    assert evaluate_bool(condition, SEEN) is held


def test_a_lone_placeholder_keeps_its_value() -> None:
    assert render_value({"a": "{{user.huge}}", "b": ["{{user.many}}"]}, SEEN) == {
        "a": HUGE,
        "b": [SEEN["user"]["many"]],
    }
