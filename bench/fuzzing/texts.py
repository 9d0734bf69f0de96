"""Inputs for templates and conditions, with a context that they do not expect."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

from bench.fuzzing.generators import chance, mutate, nested, value
from bench.fuzzing.run import Target
from domain.templating import expressions, templates
from domain.templating.validation import check_condition, check_template

NAMES = ("name", "a", "b", "tags", "long", "many", "odd", "0", "1", "__class__", "x" * 63)
NAMESPACES = ("user", "workflow", "flags", "agent", "params", "call")
UNKNOWN_NAMESPACES = ("secret", "os", "not", "_")
FILTERS = (
    *("upper", "lower", "trim", "json", "number", "number: 2", "round", "round: 9"),
    *('default: "x"', "default: 3", 'date: "%d %B %Y"', 'date: "%%"'),
)
INVALID_FILTERS = ("safe", "upper: 1", 'date: "%c"', "default", "number: 10", "round: -1", "")
LITERALS = ("1", "-2.5", "'a'", '"b"', "true", "false", "null", "'Ada'", "999999999999999")
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")
CONTEXTS = 100
Case = tuple[str, Any]


def path(random: Random) -> str:
    segments = [random.choice(NAMES) for _ in range(random.choice((0, 1, 1, 1, 2, 3, 8)))]
    return ".".join(
        [random.choice(UNKNOWN_NAMESPACES if chance(random, 0.01) else NAMESPACES), *segments]
    )


@lru_cache
def context(number: int) -> Any:
    """One of several contexts, with values as large as tools may store."""
    random = Random(number)
    odd = {name: value(random, NAMES) for name in NAMES}
    large = {
        "name": "Ada",
        "long": "ab" * random.choice((1, 4_000, 30_000)),
        "many": list(range(random.choice((1, 600, 3_000)))),
        "odd": nested(random.choice((1, 30)), 1),
    }
    return {
        namespace: random.choice((odd, large, {}, None, "a", [odd])) for namespace in NAMESPACES
    }


def template(random: Random) -> Case:
    parts = []
    for _ in range(random.choice((1, 1, 2, 5, 30, 101))):
        filters = random.choices(FILTERS, k=random.choice((0, 0, 1, 2, 8)))
        if chance(random, 0.01):
            filters.append(random.choice(INVALID_FILTERS))
        head = random.choice(LITERALS) if chance(random, 0.1) else path(random)
        parts.append(f"{{{{ {' | '.join([head, *filters])} }}}}")
        parts.append(random.choice((" ", "", "Hello, ", "}} {", "{ {")))
    return mutate(random, "".join(parts)), context(random.randrange(CONTEXTS))


def condition(random: Random) -> Case:
    return mutate(random, _expression(random, random.choice((0, 1, 2, 3)))), context(
        random.randrange(CONTEXTS)
    )


def _expression(random: Random, depth: int) -> str:
    if depth == 0:
        return _comparison(random)
    inner = [_expression(random, depth - 1) for _ in range(random.choice((1, 2, 3, 8)))]
    match random.randrange(4):
        case 0:
            return f"({inner[0]})"
        case 1:
            return f"not {inner[0]}"
        case _:
            return random.choice((" and ", " or ")).join(inner)


def _comparison(random: Random) -> str:
    left, right = _term(random), _term(random)
    match random.randrange(4):
        case 0:
            return left
        case 1:
            return f"{left} is {random.choice(('', 'not '))}empty"
        case _:
            return f"{left} {random.choice(OPERATORS)} {right}"


def _term(random: Random) -> str:
    if chance(random, 0.1):
        return f"[{', '.join(random.choices(LITERALS, k=random.choice((0, 1, 3, 60))))}]"
    return path(random) if chance(random, 0.6) else random.choice(LITERALS)


def _render(case: Case) -> None:
    text, context_ = case
    # Rendered before it is checked, because a template may have been stored before the check existed.
    rendered = templates.render(text, context_)
    assert len(rendered) <= templates.MAX_RENDERED_LENGTH
    check_template(text, ("input",))
    assert "{{" in text or rendered == text[: templates.MAX_RENDERED_LENGTH]


def _evaluate(case: Case) -> None:
    text, context_ = case
    result = expressions.evaluate_bool(text, context_)
    tree = expressions.parse(text)
    assert (
        expressions.is_truthy(expressions.evaluate(expressions.Not(tree), context_)) is not result
    )
    check_condition(text, ("input",))


TEMPLATE = Target("template", template, _render, templates.parse.cache_clear)
EXPRESSION = Target("expression", condition, _evaluate, expressions.parse.cache_clear)
