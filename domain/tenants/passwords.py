"""What a new password must be, after NIST SP 800-63B revision 4, section 3.1.1.2: long, of any
characters, and nothing that somebody who knows the person or the product would try first."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from domain.common.errors import InvalidInput
from domain.common.text_validation import check_text

MIN_LENGTH, MAX_LENGTH = 15, 1_024
MIN_UNPREDICTABLE = 8
"""Characters that are left when known words are taken out and sequences count as one."""

COMMON = (
    *("agentstudio", "correcthorsebatterystaple", "password", "changeme", "iloveyou", "letmein"),
    *("welcome", "qwerty", "secret", "studio", "admin"),
)
SEQUENCES = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SEQUENTIAL_PAIRS = {
    pair for row in SEQUENCES for way in (row, row[::-1]) for pair in pairwise(way)
}
_IGNORED = str.maketrans("", "", " -_.@")


def normalize_password(password: str) -> str:
    """The same password typed on another keyboard gives the same characters."""
    return unicodedata.normalize("NFC", password)


def password_problems(password: str, known: Iterable[str] = ()) -> list[str]:
    """What is wrong with a new password, in sentences. `known` holds what others know of the
    account: the address, the name of the tenant."""
    text, problems = normalize_password(password), []
    try:
        check_text(text, ("The password",), max_length=MAX_LENGTH)
    except InvalidInput as error:
        problems.append(error.message)
    if len(text) < MIN_LENGTH:
        problems.append(
            f"The password is too short: it has {len(text)} of at least {MIN_LENGTH} characters. "
            "A few words that do not belong together are easy to remember."
        )
    elif _unpredictable_length(text, known) < MIN_UNPREDICTABLE:
        problems.append(
            "The password can be guessed: it is made of the address, the tenant's or the product's "
            "name, common words, repeated characters or sequences."
        )
    return problems


def _unpredictable_length(text: str, known: Iterable[str]) -> int:
    rest = _normalize_for_matching(text[:MAX_LENGTH])
    for word in sorted({*COMMON, *_words(known)}, key=len, reverse=True):
        rest = rest.replace(word, "")
    rest = rest[: _period(rest)]
    return len(rest[:1]) + sum(
        a != b and (a, b) not in _SEQUENTIAL_PAIRS for a, b in pairwise(rest)
    )


def _words(known: Iterable[str]) -> set[str]:
    """Of an address also its parts; two letters are no word."""
    parts = {part for each in known for part in (each, *each.split("@"), *each.split("."))}
    return {word for part in parts if len(word := _normalize_for_matching(part)) > 2}


def _normalize_for_matching(text: str) -> str:
    return text.casefold().translate(_IGNORED)


def _period(text: str) -> int:
    """The length of the piece that the text repeats; its own length when it repeats none."""
    lengths = range(1, len(text) // 2 + 1)
    return next((n for n in lengths if text[n:] == text[:-n]), len(text))
