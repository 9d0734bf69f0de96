"""Text with slots: `Hello {{ user.name | default: "there" }}`.

A slot holds a path into the call's context or a quoted text, then filters. A string that is one slot
and nothing else keeps the value's type. Values are data: what comes out of a slot is never read as a
template again. All limits are fixed, so rendering is bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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

MAX_TEMPLATE_LENGTH = 32_768
MAX_PLACEHOLDERS = 100
MAX_FILTERS = 8
MAX_VALUE_LENGTH = 4_096
MAX_RENDERED_LENGTH = 65_536

Namespaces = Mapping[str, Any]
NO_DEFAULTS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    argument: Any = None


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`path` is empty when `text` is written out in the slot."""

    path: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    text: str = ""

    def value(self, context: Namespaces, defaults: Mapping[str, Any]) -> Any:
        return self.apply_filters(self.raw(context), defaults)

    def raw(self, context: Namespaces) -> Any:
        return look_up(self.path, context) if self.path else self.text

    def apply_filters(self, value: Any, defaults: Mapping[str, Any]) -> Any:
        if value is None and self.path:
            value = defaults.get(".".join(self.path))
        for filter in self.filters:
            value = FILTERS[filter.name](value, filter.argument)
        return value


Template = tuple[str | Placeholder, ...]


@lru_cache(512)
def parse(text: str) -> Template:
    """`Malformed` names what is wrong and where."""
    if len(text) > MAX_TEMPLATE_LENGTH:
        raise TemplateSyntaxError(
            f"A template may be {MAX_TEMPLATE_LENGTH} characters long", MAX_TEMPLATE_LENGTH
        )
    parts: list[str | Placeholder] = []
    at = slots = 0
    while (start := text.find("{{", at)) >= 0:
        stop = _end_of_slot(text, start + 2)
        if at < start:
            parts.append(text[at:start])
        parts.append(_slot(text[start + 2 : stop], start + 2))
        at, slots = stop + 2, slots + 1
        if slots > MAX_PLACEHOLDERS:
            raise TemplateSyntaxError(f"A template may have {MAX_PLACEHOLDERS} slots", start)
    if at < len(text):
        parts.append(text[at:])
    return tuple(parts)


def render(text: str, context: Namespaces, defaults: Mapping[str, Any] = NO_DEFAULTS) -> str:
    """The text with every slot filled; a missing value is its default, or nothing."""
    parts: list[str] = []
    large: dict[Placeholder, str] = {}
    room = MAX_RENDERED_LENGTH
    for part in parse(text):
        words = (
            part if isinstance(part, str) else _render_placeholder(part, context, defaults, large)
        )
        parts.append(words[:room])
        room -= len(words)
        if room <= 0:
            break
    return "".join(parts)


def _render_placeholder(
    slot: Placeholder,
    context: Namespaces,
    defaults: Mapping[str, Any],
    large: dict[Placeholder, str],
) -> str:
    """Of the slot. What may take long to write out is written once, however often it is wanted."""
    raw = slot.raw(context)
    if not isinstance(raw, dict | list | tuple):
        return value_to_text(slot.apply_filters(raw, defaults))[:MAX_VALUE_LENGTH]
    if slot not in large:
        large[slot] = value_to_text(slot.apply_filters(raw, defaults))[:MAX_VALUE_LENGTH]
    return large[slot]


def render_value(value: Any, context: Namespaces) -> Any:
    """`value` with slots filled in every string of it, however deep."""
    match value:
        case str():
            match parse(value):
                case (Placeholder() as whole,):
                    return whole.value(context, NO_DEFAULTS)
            return render(value, context)
        case Mapping():
            return {key: render_value(item, context) for key, item in value.items()}
        case list() | tuple():
            return [render_value(item, context) for item in value]
    return value


def look_up_path(path: str, context: Namespaces) -> Any:
    """The value at a dotted path; None when any step is missing."""
    return look_up(tuple(path.split(".")), context)


def paths_in(template: Template) -> Iterator[tuple[str, ...]]:
    for part in template:
        if isinstance(part, Placeholder) and part.path:
            yield part.path


def strings_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every string of a JSON value, with the way to it."""
    match value:
        case str():
            yield path, value
        case Mapping():
            for key, item in value.items():
                yield from strings_in(item, (*path, str(key)))
        case list() | tuple():
            for place, item in enumerate(value):
                yield from strings_in(item, (*path, str(place)))


def value_to_text(value: Any) -> str:
    """How a value is spoken or sent: text as it is, the rest as JSON, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


# ---- slots ---------------------------------------------------------------------------------


def _end_of_slot(text: str, start: int) -> int:
    """Where `}}` stands; not inside of a quoted text."""
    match = _INSIDE.match(text, start)
    assert match is not None
    stop = match.end()
    if text[stop : stop + 2] != "}}":
        raise TemplateSyntaxError("A slot opens here and is not closed by }}", start - 2)
    return stop


_INSIDE = re.compile(r"""(?:"(?:[^"\\]|\\.){0,600}"|'(?:[^'\\]|\\.){0,600}'|[^"'{}]){0,600}""")


def _slot(inside: str, at: int) -> Placeholder:
    try:
        tokens = tokenize(inside)
        slot = _head(tokens[0])
        return Placeholder(slot.path, tuple(_filters(tokens[1:])), slot.text)
    except TemplateSyntaxError as problem:
        raise TemplateSyntaxError(problem.message, at + problem.position) from None


def _head(token: Token) -> Placeholder:
    if token.kind is TokenKind.STRING:
        return Placeholder((), text=str(token.value))
    if token.kind is TokenKind.WORD:
        return Placeholder(parse_path(token.text, token.position))
    raise TemplateSyntaxError("A slot holds a path, for instance {{ user.name }}", token.position)


def _filters(tokens: list[Token]) -> Iterator[Filter]:
    place = count = 0
    while tokens[place].kind is not TokenKind.END:
        bar, name = tokens[place], tokens[min(place + 1, len(tokens) - 1)]
        if bar.text != "|" or name.kind is not TokenKind.WORD:
            raise TemplateSyntaxError(
                "After its path a slot takes filters, for instance | upper", bar.position
            )
        if name.text not in FILTERS:
            known = ", ".join(sorted(FILTERS))
            raise TemplateSyntaxError(
                f"There is no filter {name.text!r}; there are {known}", name.position
            )
        place, argument = place + 2, None
        if tokens[place].text == ":":
            value = tokens[place + 1]
            if value.kind not in (TokenKind.NUMBER, TokenKind.STRING):
                raise TemplateSyntaxError(
                    f"{name.text} takes a number or a quoted text", value.position
                )
            place, argument = place + 2, value.value
        _check_argument(name, argument)
        count += 1
        if count > MAX_FILTERS:
            raise TemplateSyntaxError(f"A slot may have {MAX_FILTERS} filters", bar.position)
        yield Filter(name.text, argument)


def _check_argument(name: Token, argument: Any) -> None:
    wanted = _ARGUMENT_CHECKS.get(name.text)
    if wanted is None and argument is not None:
        raise TemplateSyntaxError(f"{name.text} takes nothing", name.position)
    if wanted is not None and not wanted(argument):
        raise TemplateSyntaxError(_ARGUMENT_HELP[name.text], name.position)


# ---- filters: total functions, whatever they are given --------------------------------------


def _number(value: Any, places: int | None) -> Any:
    number = _as_number(value)
    if number is None:
        return value
    return f"{number:,}" if places is None else f"{number:,.{places}f}"


def _round(value: Any, places: int | None) -> Any:
    number = _as_number(value)
    if number is None:
        return value
    return round(number, places) if places else round(number)


def _as_number(value: Any) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not abs(number) < 1e15:
        return None
    return int(number) if number.is_integer() else number


def _date(value: Any, pattern: str) -> Any:
    try:
        return datetime.fromisoformat(value).strftime(pattern)
    except (ValueError, TypeError):
        return value


FILTERS: dict[str, Callable[[Any, Any], Any]] = {
    "upper": lambda value, _: value_to_text(value)[:MAX_VALUE_LENGTH].upper(),
    "lower": lambda value, _: value_to_text(value)[:MAX_VALUE_LENGTH].lower(),
    "trim": lambda value, _: value_to_text(value)[:MAX_VALUE_LENGTH].strip(),
    "default": lambda value, other: other if value is None or value == "" else value,
    "json": lambda value, _: json.dumps(value, ensure_ascii=False, default=str),
    "number": _number,
    "round": _round,
    "date": _date,
}

_DATE = re.compile(r"(?:[^%]|%[aAbBdHIjmMpSyYZ%]){1,60}")
_ARGUMENT_CHECKS: dict[str, Callable[[Any], bool]] = {
    "default": lambda given: given is not None,
    "number": lambda given: given is None or (isinstance(given, int) and 0 <= given <= 9),
    "round": lambda given: given is None or (isinstance(given, int) and 0 <= given <= 9),
    "date": lambda given: isinstance(given, str) and _DATE.fullmatch(given) is not None,
}
_ARGUMENT_HELP = {
    "default": 'default takes the other value, for instance default: "there"',
    "number": "number takes the count of decimals, 0 to 9",
    "round": "round takes the count of decimals, 0 to 9",
    "date": 'date takes a pattern, for instance date: "%d %B %Y"',
}
