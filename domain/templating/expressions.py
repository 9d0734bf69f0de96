"""Conditions: `flags.urgent and (workflow.size > 3 or user.plan in ["pro", "team"])`.

    or       and ("or" and)*
    and      not ("and" not)*
    not      "not" not | test
    test     term [("==" | "!=" | "<" | "<=" | ">" | ">=" | ["not"] "in") term
                  | "is" ["not"] "empty"]
    term     path | number | string | "true" | "false" | "null" | "[" literals "]" | "(" or ")"

An expression never fails while it runs and never does anything: what is missing is null, what cannot
be compared is not equal and not in order. Its length, size and depth are bounded, so its time is."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.templating.lexer import Kind, Malformed, Token, look_up, steps_of, tokens_of

LONGEST = 2_000
MOST_NODES = 200
MOST_ITEMS = 500
"""That `in` looks at, of a list."""
DEEPEST = 32

Context = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    steps: tuple[str, ...]


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
    """`sign` is one of == != < <= > >= in."""

    sign: str
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
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_KEPT = {"and", "or", "not", "in", "is", "empty", *_WORDS}


@lru_cache(4_096)
def parse(text: str) -> Expression:
    """`Malformed` names what is wrong and where."""
    if len(text) > LONGEST:
        raise Malformed(f"An expression may be {LONGEST} characters long", LONGEST)
    return _Parser(tokens_of(text)).whole()


def holds(text: str, context: Context) -> bool:
    """Is the condition true of this context? `Malformed` if it is no condition."""
    return truth(value_of(parse(text), context))


def truth(value: Any) -> bool:
    """null, false, zero and what is empty are not true."""
    return bool(value)


def value_of(expression: Expression, context: Context) -> Any:
    match expression:
        case Path(steps):
            return look_up(steps, context)
        case Literal(value):
            return value
        case Compare(sign, left, right):
            return compare(sign, value_of(left, context), value_of(right, context))
        case And(parts):
            return all(value_of(part, context) for part in parts)
        case Or(parts):
            return any(value_of(part, context) for part in parts)
        case Not(inner):
            return not value_of(inner, context)
        case IsEmpty(inner):
            return is_empty(value_of(inner, context))


def is_empty(value: Any) -> bool:
    """Missing, or a text, list or object with nothing in it; a number never is."""
    return value is None or (isinstance(value, str | list | tuple | Mapping) and len(value) == 0)


def paths_in(expression: Expression) -> Iterator[tuple[str, ...]]:
    match expression:
        case Path(steps):
            yield steps
        case Compare(_, left, right):
            yield from paths_in(left)
            yield from paths_in(right)
        case And(parts) | Or(parts):
            for part in parts:
                yield from paths_in(part)
        case Not(inner) | IsEmpty(inner):
            yield from paths_in(inner)


def same(left: Any, right: Any) -> bool:
    """Equal, and of one kind: 1 is 1.0, but neither is true."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def compare(sign: str, left: Any, right: Any) -> bool:
    """What a `Compare` of two values comes to."""
    if sign == "==":
        return same(left, right)
    if sign == "!=":
        return not same(left, right)
    if sign == "in":
        return _within(left, right)
    if _is_number(left) and _is_number(right):
        return _ORDER[sign](left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _ORDER[sign](left, right)
    return False


def _within(item: Any, held: Any) -> bool:
    if isinstance(held, str):
        return isinstance(item, str) and item in held
    if isinstance(held, Mapping):
        return isinstance(item, str) and item in held
    if not isinstance(held, list | tuple):
        return False
    looked_at = held[:MOST_ITEMS]
    return item in looked_at and any(same(item, each) for each in looked_at)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._nodes = 0
        self._depth = 0

    def whole(self) -> Expression:
        found = self._or()
        if self._now.kind is not Kind.END:
            raise self._surprise("and, or, or the end")
        return found

    # ---- the grammar -----------------------------------------------------------------------

    def _or(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Malformed(f"An expression may be nested {DEEPEST} deep", self._now.at)
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else self._made(Or(tuple(parts)))

    def _and(self) -> Expression:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else self._made(And(tuple(parts)))

    def _not(self) -> Expression:
        times = 0
        while self._take("not"):
            times += 1
        found = self._test()
        return self._made(Not(found)) if times % 2 else found

    def _test(self) -> Expression:
        left = self._term()
        token = self._now
        if token.text in ("==", "!=", *_ORDER) and token.kind is Kind.SIGN:
            self._place += 1
            return self._made(Compare(token.text, left, self._term()))
        if self._take("in"):
            return self._made(Compare("in", left, self._term()))
        if self._take("not"):
            self._need("in")
            return self._made(Not(Compare("in", left, self._term())))
        if self._take("is"):
            negated = self._take("not")
            self._need("empty")
            found = self._made(IsEmpty(left))
            return self._made(Not(found)) if negated else found
        return left

    def _term(self) -> Expression:
        token = self._now
        if self._take("("):
            found = self._or()
            self._need(")")
            return found
        if self._take("["):
            return self._made(Literal(self._list()))
        if token.kind is Kind.WORD and token.text not in _KEPT:
            self._place += 1
            return self._made(Path(steps_of(token.text, token.at)))
        return self._made(Literal(self._literal()))

    def _list(self) -> tuple[Any, ...]:
        items: list[Any] = []
        while not self._take("]"):
            if items:
                self._need(",")
            items.append(self._literal())
            self._count()
        return tuple(items)

    def _literal(self) -> Any:
        token = self._now
        self._place += 1
        if token.kind in (Kind.NUMBER, Kind.STRING):
            return token.value
        if token.kind is Kind.WORD and token.text in _WORDS:
            return _WORDS[token.text]
        self._place -= 1
        raise self._surprise("a value")

    # ---- tokens ----------------------------------------------------------------------------

    @property
    def _now(self) -> Token:
        return self._tokens[self._place]

    def _take(self, text: str) -> bool:
        token = self._now
        if token.text == text and token.kind in (Kind.WORD, Kind.SIGN):
            self._place += 1
            return True
        return False

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise self._surprise(f"{text!r}")

    def _surprise(self, wanted: str) -> Malformed:
        token = self._now
        found = "the end" if token.kind is Kind.END else f"{token.text[:30]!r}"
        return Malformed(f"Expected {wanted}, found {found}", token.at)

    def _made(self, node: Expression) -> Expression:
        self._count()
        return node

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise Malformed(f"An expression may have {MOST_NODES} parts", self._now.at)
