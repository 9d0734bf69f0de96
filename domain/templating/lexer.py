"""The tokens of placeholders and expressions, produced in one pass over the text."""

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
    """A template or expression is not valid; `position` is the offset of the error, from 0."""

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
        """The number or the unescaped string that a NUMBER or STRING token stands for."""
        if self.kind is TokenKind.NUMBER:
            return float(self.text) if "." in self.text else int(self.text)
        return re.sub(r"\\(.)", r"\1", self.text[1:-1])


def tokenize(text: str) -> list[Token]:
    """The tokens, followed by END; raises `TemplateSyntaxError` at the first invalid character."""
    tokens: list[Token] = []
    position, length = 0, len(text.rstrip())
    while position < length:
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            start = length - len(rest.rstrip())
            raise TemplateSyntaxError(f"{rest[:12]!r} is not valid here", start)
        kind = str(match.lastgroup)
        if len(tokens) >= MAX_TOKENS:
            raise TemplateSyntaxError(
                f"There may be at most {MAX_TOKENS} words and operators", position
            )
        tokens.append(Token(TokenKind(kind), match[kind], match.start(kind)))
        position = match.end()
    return [*tokens, Token(TokenKind.END, "", length)]


def is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None


def parse_path(text: str, at: int = 0) -> tuple[str, ...]:
    """The segments of a path; raises `TemplateSyntaxError` if the text is not a path."""
    if not is_path(text):
        raise TemplateSyntaxError(f"{text[:80]!r} is not a path such as user.name", at)
    return tuple(text.split("."))


def look_up(segments: tuple[str, ...], context: Mapping[str, Any]) -> Any:
    """The value at a path; None if any segment is missing."""
    value: Any = context
    for segment in segments:
        if isinstance(value, Mapping):
            value = value.get(segment)
        elif isinstance(value, list | tuple) and segment.isdigit() and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return None
    return value
