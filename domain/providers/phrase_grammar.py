"""Phrases that a caller may say, as people who write them down would: `I need (an appointment | a
slot) [please]`. Ears that know no others hear them well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

MAX_PHRASES = 200
MAX_WORDS = 2_000
MAX_DEPTH = 8
_TOKEN = re.compile(r"\s*(?:([A-Za-z]+(?:['-][A-Za-z]+)*'?)|([()\[\]|]))")
_CLOSES = {"(": ")", "[": "]"}


class InvalidPhrase(ValueError):
    """The message is the end of a sentence that begins with the phrase."""


def phrases_problem(phrases: Any) -> str | None:
    """What is wrong with the list, as the end of a sentence; None when it will do."""
    if len(phrases) > MAX_PHRASES:
        return f"has more than {MAX_PHRASES} phrases"
    words = 0
    for phrase in phrases:
        if not isinstance(phrase, str):
            return "holds something that is not a text"
        try:
            words += sum(token.isalpha() for token in tokenize(phrase))
        except InvalidPhrase as bad:
            return f"holds {phrase[:60]!r}, which {bad}"
    return f"has more than {MAX_WORDS} words" if words > MAX_WORDS else None


def tokenize(phrase: str) -> list[str]:
    """Its words, in small letters, and its signs. `BadPhrase` where it cannot be read."""
    found = list(_split(phrase))
    open_: list[str] = []
    before = "("
    for token in found:
        if token in _CLOSES:
            open_.append(token)
        elif token in ")]" and (not open_ or _CLOSES[open_.pop()] != token):
            raise InvalidPhrase(f"has a {token} too many")
        if token in ")]|" and before in "([|":
            raise InvalidPhrase(f"has nothing before a {token}")
        if len(open_) > MAX_DEPTH:
            raise InvalidPhrase(f"is nested deeper than {MAX_DEPTH}")
        before = token
    if open_:
        raise InvalidPhrase(f"does not close a {open_[-1]}")
    if before in "(|":
        raise InvalidPhrase("ends with nothing to say")
    return found


def vocabulary(phrases: Sequence[str]) -> dict[str, str]:
    """As the ears know each word, and as it is written where it comes first."""
    written: dict[str, str] = {}
    for phrase in phrases:
        for word, _ in _TOKEN.findall(phrase):
            if word:
                written.setdefault(word.lower(), word)
    return written


def _split(phrase: str) -> Iterator[str]:
    at, text = 0, phrase.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            odd = text[at:].lstrip()[:1]
            raise InvalidPhrase(f"holds {odd!r}; there are only words, ( | ) and [ ]")
        at = match.end()
        yield (match[1] or match[2]).lower()
