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


MAX_TOKENS = 1_000


class TemplateSyntaxError(ValueError):
    """Text that cannot be read; `at` is the place, counted from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = at


class TokenKind(StrEnum):
    NUMBER = "NUMBER"
    STRING = "STRING"
    WORD = "WORD"
    SIGN = "SIGN"
    END = "END"


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    position: int

    @property
    def value(self) -> str | int | float:
        """Of a number or a string."""
        if self.kind is TokenKind.NUMBER:
            return float(self.text) if "." in self.text else int(self.text)
        return re.sub(r"\\(.)", r"\1", self.text[1:-1])


def tokenize(text: str) -> list[Token]:
    """The tokens and an END; `Malformed` at the first thing that is none."""
    found: list[Token] = []
    at, length = 0, len(text.rstrip())
    while at < length:
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            place = length - len(rest.rstrip())
            raise TemplateSyntaxError(f"{rest[:12]!r} cannot be read here", place)
        kind = str(match.lastgroup)
        if len(found) >= MAX_TOKENS:
            raise TemplateSyntaxError(f"There may be {MAX_TOKENS} words and signs", at)
        found.append(Token(TokenKind(kind), match[kind], match.start(kind)))
        at = match.end()
    return [*found, Token(TokenKind.END, "", length)]


def is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None


def parse_path(text: str, at: int = 0) -> tuple[str, ...]:
    """The steps of a path; `Malformed` for anything else."""
    if not is_path(text):
        raise TemplateSyntaxError(f"{text[:80]!r} is not a path, as user.name is one", at)
    return tuple(text.split("."))


def look_up(segments: tuple[str, ...], context: Mapping[str, Any]) -> Any:
    """The value at a path; None when any step is missing."""
    value: Any = context
    for step in segments:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
