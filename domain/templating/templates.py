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

from domain.templating.lexer import Kind, Malformed, Token, look_up, steps_of, tokens_of

LONGEST = 32_768
MOST_SLOTS = 100
MOST_FILTERS = 8
LONGEST_VALUE = 4_096
LONGEST_RESULT = 65_536

Context = Mapping[str, Any]
NO_DEFAULTS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    argument: Any = None


@dataclass(frozen=True, slots=True)
class Slot:
    """`path` is empty when `text` is written out in the slot."""

    path: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    text: str = ""

    def value(self, context: Context, defaults: Mapping[str, Any]) -> Any:
        return self.made_of(self.raw(context), defaults)

    def raw(self, context: Context) -> Any:
        return look_up(self.path, context) if self.path else self.text

    def made_of(self, value: Any, defaults: Mapping[str, Any]) -> Any:
        if value is None and self.path:
            value = defaults.get(".".join(self.path))
        for filter in self.filters:
            value = FILTERS[filter.name](value, filter.argument)
        return value


Template = tuple[str | Slot, ...]


@lru_cache(512)
def parse(text: str) -> Template:
    """`Malformed` names what is wrong and where."""
    if len(text) > LONGEST:
        raise Malformed(f"A template may be {LONGEST} characters long", LONGEST)
    parts: list[str | Slot] = []
    at = slots = 0
    while (start := text.find("{{", at)) >= 0:
        stop = _end_of_slot(text, start + 2)
        if at < start:
            parts.append(text[at:start])
        parts.append(_slot(text[start + 2 : stop], start + 2))
        at, slots = stop + 2, slots + 1
        if slots > MOST_SLOTS:
            raise Malformed(f"A template may have {MOST_SLOTS} slots", start)
    if at < len(text):
        parts.append(text[at:])
    return tuple(parts)


def render(text: str, context: Context, defaults: Mapping[str, Any] = NO_DEFAULTS) -> str:
    """The text with every slot filled; a missing value is its default, or nothing."""
    parts: list[str] = []
    large: dict[Slot, str] = {}
    room = LONGEST_RESULT
    for part in parse(text):
        words = part if isinstance(part, str) else _words(part, context, defaults, large)
        parts.append(words[:room])
        room -= len(words)
        if room <= 0:
            break
    return "".join(parts)


def _words(
    slot: Slot, context: Context, defaults: Mapping[str, Any], large: dict[Slot, str]
) -> str:
    """Of the slot. What may take long to write out is written once, however often it is wanted."""
    raw = slot.raw(context)
    if not isinstance(raw, dict | list | tuple):
        return as_text(slot.made_of(raw, defaults))[:LONGEST_VALUE]
    if slot not in large:
        large[slot] = as_text(slot.made_of(raw, defaults))[:LONGEST_VALUE]
    return large[slot]


def fill(value: Any, context: Context) -> Any:
    """`value` with slots filled in every string of it, however deep."""
    match value:
        case str():
            match parse(value):
                case (Slot() as whole,):
                    return whole.value(context, NO_DEFAULTS)
            return render(value, context)
        case Mapping():
            return {key: fill(item, context) for key, item in value.items()}
        case list() | tuple():
            return [fill(item, context) for item in value]
    return value


def look_up_text(path: str, context: Context) -> Any:
    """The value at a dotted path; None when any step is missing."""
    return look_up(tuple(path.split(".")), context)


def paths_in(template: Template) -> Iterator[tuple[str, ...]]:
    for part in template:
        if isinstance(part, Slot) and part.path:
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


def as_text(value: Any) -> str:
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
        raise Malformed("A slot opens here and is not closed by }}", start - 2)
    return stop


_INSIDE = re.compile(r"""(?:"(?:[^"\\]|\\.){0,600}"|'(?:[^'\\]|\\.){0,600}'|[^"'{}]){0,600}""")


def _slot(inside: str, at: int) -> Slot:
    try:
        tokens = tokens_of(inside)
        slot = _head(tokens[0])
        return Slot(slot.path, tuple(_filters(tokens[1:])), slot.text)
    except Malformed as problem:
        raise Malformed(problem.message, at + problem.at) from None


def _head(token: Token) -> Slot:
    if token.kind is Kind.STRING:
        return Slot((), text=str(token.value))
    if token.kind is Kind.WORD:
        return Slot(steps_of(token.text, token.at))
    raise Malformed("A slot holds a path, for instance {{ user.name }}", token.at)


def _filters(tokens: list[Token]) -> Iterator[Filter]:
    place = count = 0
    while tokens[place].kind is not Kind.END:
        bar, name = tokens[place], tokens[min(place + 1, len(tokens) - 1)]
        if bar.text != "|" or name.kind is not Kind.WORD:
            raise Malformed("After its path a slot takes filters, for instance | upper", bar.at)
        if name.text not in FILTERS:
            known = ", ".join(sorted(FILTERS))
            raise Malformed(f"There is no filter {name.text!r}; there are {known}", name.at)
        place, argument = place + 2, None
        if tokens[place].text == ":":
            value = tokens[place + 1]
            if value.kind not in (Kind.NUMBER, Kind.STRING):
                raise Malformed(f"{name.text} takes a number or a quoted text", value.at)
            place, argument = place + 2, value.value
        _check_argument(name, argument)
        count += 1
        if count > MOST_FILTERS:
            raise Malformed(f"A slot may have {MOST_FILTERS} filters", bar.at)
        yield Filter(name.text, argument)


def _check_argument(name: Token, argument: Any) -> None:
    wanted = _TAKES.get(name.text)
    if wanted is None and argument is not None:
        raise Malformed(f"{name.text} takes nothing", name.at)
    if wanted is not None and not wanted(argument):
        raise Malformed(_HOW[name.text], name.at)


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
    "upper": lambda value, _: as_text(value)[:LONGEST_VALUE].upper(),
    "lower": lambda value, _: as_text(value)[:LONGEST_VALUE].lower(),
    "trim": lambda value, _: as_text(value)[:LONGEST_VALUE].strip(),
    "default": lambda value, other: other if value is None or value == "" else value,
    "json": lambda value, _: json.dumps(value, ensure_ascii=False, default=str),
    "number": _number,
    "round": _round,
    "date": _date,
}

_DATE = re.compile(r"(?:[^%]|%[aAbBdHIjmMpSyYZ%]){1,60}")
_TAKES: dict[str, Callable[[Any], bool]] = {
    "default": lambda given: given is not None,
    "number": lambda given: given is None or (isinstance(given, int) and 0 <= given <= 9),
    "round": lambda given: given is None or (isinstance(given, int) and 0 <= given <= 9),
    "date": lambda given: isinstance(given, str) and _DATE.fullmatch(given) is not None,
}
_HOW = {
    "default": 'default takes the other value, for instance default: "there"',
    "number": "number takes the count of decimals, 0 to 9",
    "round": "round takes the count of decimals, 0 to 9",
    "date": 'date takes a pattern, for instance date: "%d %B %Y"',
}
