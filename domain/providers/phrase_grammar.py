"""A small grammar for the phrases a caller may say: `I need (an appointment | a slot) [please]`.
Local speech recognition that is limited to such phrases recognises them well."""

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
    """The message is the end of a sentence that starts with the phrase."""


def phrases_problem(phrases: Any) -> str | None:
    """Why the list is invalid, as the end of a sentence; None if it is valid."""
    if len(phrases) > MAX_PHRASES:
        return f"has more than {MAX_PHRASES} phrases"
    words = 0
    for phrase in phrases:
        if not isinstance(phrase, str):
            return "contains a value that is not a string"
        try:
            words += sum(token.isalpha() for token in tokenize(phrase))
        except InvalidPhrase as error:
            return f"contains {phrase[:60]!r}, which {error}"
    return f"has more than {MAX_WORDS} words" if words > MAX_WORDS else None


def tokenize(phrase: str) -> list[str]:
    """The words of a phrase, in lower case, and its operators. Raises `InvalidPhrase`."""
    tokens = list(_split(phrase))
    open_: list[str] = []
    before = "("
    for token in tokens:
        if token in _CLOSES:
            open_.append(token)
        elif token in ")]" and (not open_ or _CLOSES[open_.pop()] != token):
            raise InvalidPhrase(f"has an unmatched {token}")
        if token in ")]|" and before in "([|":
            raise InvalidPhrase(f"has nothing before a {token}")
        if len(open_) > MAX_DEPTH:
            raise InvalidPhrase(f"is nested more than {MAX_DEPTH} levels deep")
        before = token
    if open_:
        raise InvalidPhrase(f"does not close a {open_[-1]}")
    if before in "(|":
        raise InvalidPhrase("has nothing to say at its end")
    return tokens


def vocabulary(phrases: Sequence[str]) -> dict[str, str]:
    """Each word in lower case, as the recogniser knows it, with the spelling of its first use."""
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
            unexpected = text[at:].lstrip()[:1]
            raise InvalidPhrase(f"contains {unexpected!r}; only words, ( | ) and [ ] are allowed")
        at = match.end()
        yield (match[1] or match[2]).lower()
