"""Text with placeholders: `Hello {{ user.name | default: "there" }}`.

A placeholder holds a path into the call's context or a quoted text, followed by filters. A string
that consists of a single placeholder keeps the type of the value. Values are data: a rendered value
is never parsed as a template again. All limits are fixed, so rendering time is bounded."""

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
MAX_SYNTAX_ERRORS = 20

Namespaces = Mapping[str, Any]
NO_DEFAULTS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    argument: Any = None


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A path, or a literal `text` (then `path` is empty), and the filters applied to its value."""

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
    """Parse a template; `TemplateSyntaxError` says what is wrong and where."""
    parts: list[str | Placeholder] = []
    for part in _parts(text):
        if isinstance(part, TemplateSyntaxError):
            raise part
        parts.append(part)
    return tuple(parts)


def parse_leniently(text: str) -> tuple[Template, tuple[TemplateSyntaxError, ...]]:
    """The valid parts of a template, and its errors, of which there are at most
    MAX_SYNTAX_ERRORS."""
    parts: list[str | Placeholder] = []
    errors: list[TemplateSyntaxError] = []
    for part in _parts(text):
        if not isinstance(part, TemplateSyntaxError):
            parts.append(part)
            continue
        errors.append(part)
        if len(errors) == MAX_SYNTAX_ERRORS:
            break
    return tuple(parts), tuple(errors)


def _parts(text: str) -> Iterator[str | Placeholder | TemplateSyntaxError]:
    """The parts of a template in order; an invalid placeholder is an error."""
    if len(text) > MAX_TEMPLATE_LENGTH:
        yield TemplateSyntaxError(
            f"A template may be at most {MAX_TEMPLATE_LENGTH} characters long", MAX_TEMPLATE_LENGTH
        )
        return
    position = placeholders = 0
    while (start := text.find("{{", position)) >= 0:
        if position < start:
            yield text[position:start]
        try:
            stop = _end_of_placeholder(text, start + 2)
        except TemplateSyntaxError as unclosed:
            yield unclosed
            position = start + 2
            continue
        try:
            yield _placeholder(text[start + 2 : stop], start + 2)
        except TemplateSyntaxError as invalid:
            yield invalid
        position, placeholders = stop + 2, placeholders + 1
        if placeholders > MAX_PLACEHOLDERS:
            yield TemplateSyntaxError(
                f"A template may have at most {MAX_PLACEHOLDERS} placeholders", start
            )
            return
    if position < len(text):
        yield text[position:]


def render(text: str, context: Namespaces, defaults: Mapping[str, Any] = NO_DEFAULTS) -> str:
    """Fill every placeholder; a missing value becomes its default, or the empty string."""
    parts: list[str] = []
    large: dict[Placeholder, str] = {}
    remaining = MAX_RENDERED_LENGTH
    for part in parse(text):
        rendered = (
            part if isinstance(part, str) else _render_placeholder(part, context, defaults, large)
        )
        parts.append(rendered[:remaining])
        remaining -= len(rendered)
        if remaining <= 0:
            break
    return "".join(parts)


def _render_placeholder(
    placeholder: Placeholder,
    context: Namespaces,
    defaults: Mapping[str, Any],
    large: dict[Placeholder, str],
) -> str:
    """The text of one placeholder. Lists and objects, which may be slow to serialize, are cached
    in `large`, so that repeating a placeholder costs nothing."""
    raw = placeholder.raw(context)
    if not isinstance(raw, dict | list | tuple):
        return value_to_text(placeholder.apply_filters(raw, defaults))[:MAX_VALUE_LENGTH]
    if placeholder not in large:
        text = value_to_text(placeholder.apply_filters(raw, defaults))
        large[placeholder] = text[:MAX_VALUE_LENGTH]
    return large[placeholder]


def render_value(value: Any, context: Namespaces) -> Any:
    """Fill the placeholders in every string of a JSON value, at any depth."""
    match value:
        case str():
            match parse(value):
                case (Placeholder() as only,):
                    return only.value(context, NO_DEFAULTS)
            return render(value, context)
        case Mapping():
            return {key: render_value(item, context) for key, item in value.items()}
        case list() | tuple():
            return [render_value(item, context) for item in value]
    return value


def look_up_path(path: str, context: Namespaces) -> Any:
    """The value at a dotted path; None if any segment is missing."""
    return look_up(tuple(path.split(".")), context)


def paths_in(template: Template) -> Iterator[tuple[str, ...]]:
    for part in template:
        if isinstance(part, Placeholder) and part.path:
            yield part.path


def strings_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every string of a JSON value, with the path to it."""
    match value:
        case str():
            yield path, value
        case Mapping():
            for key, item in value.items():
                yield from strings_in(item, (*path, str(key)))
        case list() | tuple():
            for index, item in enumerate(value):
                yield from strings_in(item, (*path, str(index)))


def value_to_text(value: Any) -> str:
    """The value as it is spoken or sent: strings unchanged, null as "", everything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


# ---- placeholders --------------------------------------------------------------------------


def _end_of_placeholder(text: str, start: int) -> int:
    """The position of the closing `}}`; braces inside quoted text do not count."""
    match = _INSIDE.match(text, start)
    assert match is not None
    stop = match.end()
    if text[stop : stop + 2] != "}}":
        raise TemplateSyntaxError("The placeholder that opens here is not closed by }}", start - 2)
    return stop


_INSIDE = re.compile(r"""(?:"(?:[^"\\]|\\.){0,600}"|'(?:[^'\\]|\\.){0,600}'|[^"'{}]){0,600}""")


def _placeholder(inside: str, offset: int) -> Placeholder:
    try:
        tokens = tokenize(inside)
        head = _head(tokens[0])
        return Placeholder(head.path, tuple(_filters(tokens[1:])), head.text)
    except TemplateSyntaxError as problem:
        raise TemplateSyntaxError(problem.message, offset + problem.position) from None


def _head(token: Token) -> Placeholder:
    if token.kind is TokenKind.STRING:
        return Placeholder((), text=str(token.value))
    if token.kind is TokenKind.WORD:
        return Placeholder(parse_path(token.text, token.position))
    raise TemplateSyntaxError(
        "A placeholder starts with a path, for example {{ user.name }}", token.position
    )


def _filters(tokens: list[Token]) -> Iterator[Filter]:
    index = count = 0
    while tokens[index].kind is not TokenKind.END:
        bar, name = tokens[index], tokens[min(index + 1, len(tokens) - 1)]
        if bar.text != "|" or name.kind is not TokenKind.WORD:
            raise TemplateSyntaxError(
                "After the path, a placeholder may only have filters, for example | upper",
                bar.position,
            )
        if name.text not in FILTERS:
            known = ", ".join(sorted(FILTERS))
            raise TemplateSyntaxError(
                f"There is no filter {name.text!r}; the filters are {known}", name.position
            )
        index, argument = index + 2, None
        if tokens[index].text == ":":
            value = tokens[index + 1]
            if value.kind not in (TokenKind.NUMBER, TokenKind.STRING):
                raise TemplateSyntaxError(
                    f"The argument of {name.text} must be a number or a quoted text",
                    value.position,
                )
            index, argument = index + 2, value.value
        _check_argument(name, argument)
        count += 1
        if count > MAX_FILTERS:
            raise TemplateSyntaxError(
                f"A placeholder may have at most {MAX_FILTERS} filters", bar.position
            )
        yield Filter(name.text, argument)


def _check_argument(name: Token, argument: Any) -> None:
    is_valid = _ARGUMENT_CHECKS.get(name.text)
    if is_valid is None and argument is not None:
        raise TemplateSyntaxError(f"The filter {name.text} takes no argument", name.position)
    if is_valid is not None and not is_valid(argument):
        raise TemplateSyntaxError(_ARGUMENT_HELP[name.text], name.position)


# ---- filters: total functions, which never raise on any value ------------------------------


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


def _is_decimal_count(argument: Any) -> bool:
    return argument is None or (isinstance(argument, int) and 0 <= argument <= 9)


_DATE = re.compile(r"(?:[^%]|%[aAbBdHIjmMpSyYZ%]){1,60}")
_ARGUMENT_CHECKS: dict[str, Callable[[Any], bool]] = {
    "default": lambda argument: argument is not None,
    "number": _is_decimal_count,
    "round": _is_decimal_count,
    "date": lambda argument: isinstance(argument, str) and _DATE.fullmatch(argument) is not None,
}
_ARGUMENT_HELP = {
    "default": 'default needs the value to use instead, for example default: "there"',
    "number": "The argument of number is the number of decimals, 0 to 9",
    "round": "The argument of round is the number of decimals, 0 to 9",
    "date": 'date needs a pattern, for example date: "%d %B %Y"',
}
