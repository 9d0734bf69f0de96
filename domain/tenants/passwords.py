"""Rules for new passwords, after NIST SP 800-63B revision 4, section 3.1.1.2: long, made of any
characters, and not what an attacker who knows the user or the product would try first."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from domain.common.errors import InvalidInput
from domain.common.text_validation import check_text

MIN_LENGTH, MAX_PASSWORD_LENGTH = 15, 1_024
MIN_UNPREDICTABLE = 8
"""Characters that must remain after known words are removed and sequences are counted as one."""

COMMON = (
    *("agentstudio", "correcthorsebatterystaple", "password", "changeme", "iloveyou", "letmein"),
    *("welcome", "qwerty", "secret", "studio", "admin"),
)
SEQUENCES = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SEQUENTIAL_PAIRS = {
    pair for row in SEQUENCES for sequence in (row, row[::-1]) for pair in pairwise(sequence)
}
_IGNORED = str.maketrans("", "", " -_.@")


def normalize_password(password: str) -> str:
    """Normalize to NFC, so that a password typed on another keyboard yields the same characters."""
    return unicodedata.normalize("NFC", password)


def password_problems(password: str, known: Iterable[str] = ()) -> list[str]:
    """The problems of a new password, as sentences. `known` holds what an attacker may know about
    the account: the e-mail address and the name of the tenant."""
    text, problems = normalize_password(password), []
    try:
        check_text(text, ("The password",), max_length=MAX_PASSWORD_LENGTH)
    except InvalidInput as error:
        problems.append(error.message)
    if len(text) < MIN_LENGTH:
        problems.append(
            f"The password is too short: it has {len(text)} of at least {MIN_LENGTH} characters. "
            "Several unrelated words are easy to remember."
        )
    elif _unpredictable_length(text, known) < MIN_UNPREDICTABLE:
        problems.append(
            "The password is easy to guess: it consists of the e-mail address, the name of the "
            "tenant or the product, common words, repeated characters or sequences."
        )
    return problems


def _unpredictable_length(text: str, known: Iterable[str]) -> int:
    rest = _normalize_for_matching(text[:MAX_PASSWORD_LENGTH])
    for word in sorted({*COMMON, *_words(known)}, key=len, reverse=True):
        rest = rest.replace(word, "")
    rest = rest[: _period(rest)]
    return len(rest[:1]) + sum(
        a != b and (a, b) not in _SEQUENTIAL_PAIRS for a, b in pairwise(rest)
    )


def _words(known: Iterable[str]) -> set[str]:
    """The known words and, of an e-mail address, its parts; shorter than three letters do not
    count."""
    parts = {part for each in known for part in (each, *each.split("@"), *each.split("."))}
    return {word for part in parts if len(word := _normalize_for_matching(part)) > 2}


def _normalize_for_matching(text: str) -> str:
    return text.casefold().translate(_IGNORED)


def _period(text: str) -> int:
    """The length of the shortest block whose repetition forms the text; else the text's length."""
    lengths = range(1, len(text) // 2 + 1)
    return next((n for n in lengths if text[n:] == text[:-n]), len(text))
