"""Rules for names, e-mail addresses and free text in requests."""

from __future__ import annotations

import re

from domain.common.errors import InvalidInput, Path

AGENT_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
SURROGATE = re.compile("[\ud800-\udfff]")
MAX_SLUG_LENGTH = 63
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Names of tools, nodes and context keys; every model accepts them as function names."""

DNS_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
EMAIL = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{DNS_LABEL}(?:\.{DNS_LABEL})*")
"""The addresses that `<input type="email">` accepts, in lower case."""
MAX_EMAIL_LENGTH = 254


def normalized_email(text: str) -> str:
    """The form in which e-mail addresses are stored and compared."""
    return text.strip().lower()


def check_email(email: str, path: Path) -> None:
    if len(email) > MAX_EMAIL_LENGTH or not EMAIL.fullmatch(email):
        raise InvalidInput(
            f"{path[-1]} must be an e-mail address, for instance owner@acme.example, of at most "
            f"{MAX_EMAIL_LENGTH} characters.",
            path,
        )


def check_name(name: str, path: Path, pattern: re.Pattern[str] = AGENT_NAME) -> None:
    if not pattern.fullmatch(name):
        separators = "hyphens" if pattern is AGENT_NAME else "underscores"
        raise InvalidInput(
            f"{path[-1]} must start with a lower-case letter and contain only lower-case "
            f"letters, digits and {separators}, at most 63 characters.",
            path,
        )


def check_text(text: str | None, path: Path, *, max_length: int, min_length: int = 0) -> None:
    if text is None:
        return
    if "\x00" in text:
        raise InvalidInput(f"{path[-1]} must not contain a NUL character.", path)
    if SURROGATE.search(text):
        raise InvalidInput(f"{path[-1]} must not contain an unpaired surrogate.", path)
    if min_length and len(text.strip()) < min_length:
        raise InvalidInput(f"{path[-1]} must not be empty.", path)
    if len(text) > max_length:
        raise InvalidInput(
            f"{path[-1]} is {len(text)} characters long; {max_length} are allowed.", path
        )
