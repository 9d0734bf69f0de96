"""The words that slots and expressions are made of. One pass, linear in the length of the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z0-9_]{1,63}){0,7}")
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<NUMBER>-?\d{1,15}(?:\.\d{1,15})?(?![\w.]))
  | (?P<STRING>"(?:[^"\\]|\\["\\])*"|'(?:[^'\\]|\\['\\])*')
  | (?P<WORD>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
  | (?P<SIGN>==|!=|<=|>=|<|>|\(|\)|\[|\]|,|\||:)
    )""",
    re.VERBOSE,
)


MOST_TOKENS = 1_000


class Malformed(ValueError):
    """Text that cannot be read; `at` is the place, counted from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class Kind(StrEnum):
    NUMBER = "NUMBER"
    STRING = "STRING"
    WORD = "WORD"
    SIGN = "SIGN"
    END = "END"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    at: int

    @property
    def value(self) -> str | int | float:
        """Of a number or a string."""
        if self.kind is Kind.NUMBER:
            return float(self.text) if "." in self.text else int(self.text)
        return re.sub(r"\\(.)", r"\1", self.text[1:-1])


def tokens_of(text: str) -> list[Token]:
    """The tokens and an END; `Malformed` at the first thing that is none."""
    found: list[Token] = []
    at, length = 0, len(text.rstrip())
    while at < length:
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            place = length - len(rest.rstrip())
            raise Malformed(f"{rest[:12]!r} cannot be read here", place)
        kind = str(match.lastgroup)
        if len(found) >= MOST_TOKENS:
            raise Malformed(f"There may be {MOST_TOKENS} words and signs", at)
        found.append(Token(Kind(kind), match[kind], match.start(kind)))
        at = match.end()
    return [*found, Token(Kind.END, "", length)]


def is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None


def steps_of(text: str, at: int = 0) -> tuple[str, ...]:
    """The steps of a path; `Malformed` for anything else."""
    if not is_path(text):
        raise Malformed(f"{text[:80]!r} is not a path, as user.name is one", at)
    return tuple(text.split("."))


def look_up(steps: tuple[str, ...], context: Mapping[str, Any]) -> Any:
    """The value at a path; None when any step is missing."""
    value: Any = context
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
