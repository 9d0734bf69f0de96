"""Conditions: `flags.urgent and (workflow.size > 3 or user.plan in ["pro", "team"])`.

    or       and ("or" and)*
    and      not ("and" not)*
    not      "not" not | test
    test     term [("==" | "!=" | "<" | "<=" | ">" | ">=" | ["not"] "in") term
                  | "is" ["not"] "empty"]
    term     path | number | string | "true" | "false" | "null" | "[" literals "]" | "(" or ")"

Evaluating an expression never fails and has no side effects: a missing value is null, and values
that cannot be compared are neither equal nor ordered. Length, size and depth are bounded, so
evaluation time is bounded too."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.templating.lexer import (
    TemplateSyntaxError,
    Token,
    TokenKind,
    look_up,
    parse_path,
    tokenize,
)

MAX_EXPRESSION_LENGTH = 2_000
MAX_EXPRESSION_NODES = 200
MAX_SEARCHED_ITEMS = 500
"""How many items of a list `in` searches."""
MAX_EXPRESSION_DEPTH = 32

Namespaces = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    inner: Expression


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison; `op` is one of == != < <= > >= in."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class IsEmpty:
    inner: Expression


Expression = Literal | Path | Not | And | Or | Compare | IsEmpty

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}
_KEYWORDS = {"and", "or", "not", "in", "is", "empty", *_CONSTANTS}


@lru_cache(4_096)
def parse(text: str) -> Expression:
    """Parse an expression; `TemplateSyntaxError` says what is wrong and where."""
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise TemplateSyntaxError(
            f"An expression may be at most {MAX_EXPRESSION_LENGTH} characters long",
            MAX_EXPRESSION_LENGTH,
        )
    return _Parser(tokenize(text)).parse()


def evaluate_bool(text: str, context: Namespaces) -> bool:
    """Whether the condition is true in this context; `TemplateSyntaxError` if it is not valid."""
    return is_truthy(evaluate(parse(text), context))


def is_truthy(value: Any) -> bool:
    """False for null, false, zero and empty values."""
    return bool(value)


def evaluate(expression: Expression, context: Namespaces) -> Any:
    match expression:
        case Path(segments):
            return look_up(segments, context)
        case Literal(value):
            return value
        case Compare(op, left, right):
            return compare(op, evaluate(left, context), evaluate(right, context))
        case And(parts):
            return all(evaluate(part, context) for part in parts)
        case Or(parts):
            return any(evaluate(part, context) for part in parts)
        case Not(inner):
            return not evaluate(inner, context)
        case IsEmpty(inner):
            return is_empty(evaluate(inner, context))


def is_empty(value: Any) -> bool:
    """True for null and an empty string, list or object; numbers and booleans are never empty."""
    return value is None or (isinstance(value, str | list | tuple | Mapping) and len(value) == 0)


def paths_in(expression: Expression) -> Iterator[tuple[str, ...]]:
    match expression:
        case Path(segments):
            yield segments
        case Compare(_, left, right):
            yield from paths_in(left)
            yield from paths_in(right)
        case And(parts) | Or(parts):
            for part in parts:
                yield from paths_in(part)
        case Not(inner) | IsEmpty(inner):
            yield from paths_in(inner)


def strict_equal(left: Any, right: Any) -> bool:
    """Equality that keeps booleans apart from numbers: 1 equals 1.0, but neither equals true."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def compare(op: str, left: Any, right: Any) -> bool:
    """The result of comparing two values with an operator of `Compare`."""
    if op == "==":
        return strict_equal(left, right)
    if op == "!=":
        return not strict_equal(left, right)
    if op == "in":
        return _contains(left, right)
    if _is_number(left) and _is_number(right):
        return _ORDER[op](left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _ORDER[op](left, right)
    return False


def _contains(item: Any, container: Any) -> bool:
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    if isinstance(container, Mapping):
        return isinstance(item, str) and item in container
    if not isinstance(container, list | tuple):
        return False
    searched = container[:MAX_SEARCHED_ITEMS]
    return item in searched and any(strict_equal(item, each) for each in searched)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._nodes = 0
        self._depth = 0

    def parse(self) -> Expression:
        expression = self._or()
        if self._current.kind is not TokenKind.END:
            raise self._unexpected("and, or, or the end")
        return expression

    # ---- the grammar -----------------------------------------------------------------------

    def _or(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_EXPRESSION_DEPTH:
            raise TemplateSyntaxError(
                f"An expression may be nested at most {MAX_EXPRESSION_DEPTH} levels deep",
                self._current.position,
            )
        parts = [self._and()]
        while self._accept("or"):
            parts.append(self._and())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else self._counted(Or(tuple(parts)))

    def _and(self) -> Expression:
        parts = [self._not()]
        while self._accept("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else self._counted(And(tuple(parts)))

    def _not(self) -> Expression:
        negations = 0
        while self._accept("not"):
            negations += 1
        inner = self._test()
        return self._counted(Not(inner)) if negations % 2 else inner

    def _test(self) -> Expression:
        left = self._term()
        token = self._current
        if token.text in ("==", "!=", *_ORDER) and token.kind is TokenKind.SIGN:
            self._position += 1
            return self._counted(Compare(token.text, left, self._term()))
        if self._accept("in"):
            return self._counted(Compare("in", left, self._term()))
        if self._accept("not"):
            self._expect("in")
            return self._counted(Not(Compare("in", left, self._term())))
        if self._accept("is"):
            negated = self._accept("not")
            self._expect("empty")
            test = self._counted(IsEmpty(left))
            return self._counted(Not(test)) if negated else test
        return left

    def _term(self) -> Expression:
        token = self._current
        if self._accept("("):
            inner = self._or()
            self._expect(")")
            return inner
        if self._accept("["):
            return self._counted(Literal(self._list()))
        if token.kind is TokenKind.WORD and token.text not in _KEYWORDS:
            self._position += 1
            return self._counted(Path(parse_path(token.text, token.position)))
        return self._counted(Literal(self._literal()))

    def _list(self) -> tuple[Any, ...]:
        items: list[Any] = []
        while not self._accept("]"):
            if items:
                self._expect(",")
            items.append(self._literal())
            self._count()
        return tuple(items)

    def _literal(self) -> Any:
        token = self._current
        self._position += 1
        if token.kind in (TokenKind.NUMBER, TokenKind.STRING):
            return token.value
        if token.kind is TokenKind.WORD and token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        self._position -= 1
        raise self._unexpected("a value")

    # ---- tokens ----------------------------------------------------------------------------

    @property
    def _current(self) -> Token:
        return self._tokens[self._position]

    def _accept(self, text: str) -> bool:
        token = self._current
        if token.text == text and token.kind in (TokenKind.WORD, TokenKind.SIGN):
            self._position += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._unexpected(f"{text!r}")

    def _unexpected(self, expected: str) -> TemplateSyntaxError:
        token = self._current
        found = "the end" if token.kind is TokenKind.END else f"{token.text[:30]!r}"
        return TemplateSyntaxError(f"Expected {expected}, found {found}", token.position)

    def _counted(self, node: Expression) -> Expression:
        self._count()
        return node

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_EXPRESSION_NODES:
            raise TemplateSyntaxError(
                f"An expression may have at most {MAX_EXPRESSION_NODES} parts",
                self._current.position,
            )
