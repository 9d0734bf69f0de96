"""Values as JSON has them, and how far they may go."""

from __future__ import annotations

import json
from typing import Any

MAX_JSON_DEPTH = 32
MAX_JSON_LENGTH = 262_144

TOO_DEEP = f"nested more than {MAX_JSON_DEPTH} deep"
NOT_JSON = "not JSON: it holds NaN, an infinity or half a character"
NUL = "not text: it holds a NUL character"

_NESTED = (dict, list, tuple)


def is_too_deep(value: Any) -> bool:
    """Nested deeper than any value may be."""
    return _exceeded_limit(value, None) == TOO_DEEP


def json_problem(value: Any, max_characters: int = MAX_JSON_LENGTH) -> str | None:
    """Why it cannot be kept or sent as JSON; `most` is in characters."""
    passed = _exceeded_limit(value, max_characters)
    if passed is not None:
        return passed
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, TypeError):
        return NOT_JSON
    if len(text) > max_characters:
        return _too_large(max_characters)
    # A backslash that is written out is doubled.
    has_nul = "\\u0000" in text and "\\u0000" in text.replace("\\\\", "")
    return NUL if has_nul else None


def has_more_items(value: Any, max_items: int) -> bool:
    """Whether lists and objects in it hold more than `most` items together."""
    count, level = 0, [value]
    while level:
        nested = [v for v in level if isinstance(v, _NESTED)]
        count += sum([len(v) for v in nested])
        if count > max_items:
            return True
        level = [item for v in nested for item in (v.values() if isinstance(v, dict) else v)]
    return False


def _exceeded_limit(value: Any, most: int | None) -> str | None:
    """Seen without looking at much more than what may be: an item takes two characters or more."""
    # Level by level, so that a hostile value cannot exhaust the stack.
    size, level = 0, [value]
    for _ in range(MAX_JSON_DEPTH):
        nested = [v for v in level if isinstance(v, _NESTED)]
        size += sum([2 * len(v) for v in nested]) + sum([len(v) for v in level if type(v) is str])
        # Writing out huge numbers is slow; a digit is less than four bits.
        size += sum([v.bit_length() // 4 for v in level if type(v) is int])
        if most is not None and size > most:
            return _too_large(most)
        if not nested:
            return None
        level = [item for v in nested for item in (v.values() if isinstance(v, dict) else v)]
    return TOO_DEEP


def _too_large(most: int) -> str:
    return f"larger than {most} characters"
