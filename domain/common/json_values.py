"""JSON values, and the limits on their depth and size."""

from __future__ import annotations

import json
from typing import Any

MAX_JSON_DEPTH = 32
MAX_DOCUMENT_DEPTH = 64
"""For values of a request: a bundle contains values that are as deep as MAX_JSON_DEPTH themselves."""
MAX_JSON_LENGTH = 262_144

TOO_DEEP = f"nested more than {MAX_JSON_DEPTH} levels deep"
NOT_JSON = "not JSON: it contains NaN, an infinity or an unpaired surrogate"
NUL = "not text: it contains a NUL character"

_NESTED = (dict, list, tuple)


def is_too_deep(value: Any, max_depth: int = MAX_JSON_DEPTH) -> bool:
    """Whether the value is nested deeper than `max_depth`."""
    return _exceeded_limit(value, None, max_depth) == TOO_DEEP


def json_problem(value: Any, max_characters: int = MAX_JSON_LENGTH) -> str | None:
    """Why the value cannot be stored or sent as JSON, as the end of a sentence; None if it can."""
    exceeded = _exceeded_limit(value, max_characters)
    if exceeded is not None:
        return exceeded
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, TypeError):
        return NOT_JSON
    if len(text) > max_characters:
        return _too_large(max_characters)
    # An escaped backslash followed by "u0000" is not an escaped NUL.
    has_nul = "\\u0000" in text and "\\u0000" in text.replace("\\\\", "")
    return NUL if has_nul else None


def has_more_items(value: Any, max_items: int) -> bool:
    """Whether the lists and objects in the value have more than `max_items` items in total."""
    count, level = 0, [value]
    while level:
        nested = [v for v in level if isinstance(v, _NESTED)]
        count += sum([len(v) for v in nested])
        if count > max_items:
            return True
        level = [item for v in nested for item in (v.values() if isinstance(v, dict) else v)]
    return False


def _exceeded_limit(
    value: Any, max_characters: int | None, max_depth: int = MAX_JSON_DEPTH
) -> str | None:
    """The limit that the value exceeds. Reads little more than the limit allows: the size is
    estimated from below, as every item takes two characters or more."""
    # Level by level, so that a hostile value cannot exhaust the stack.
    size, level = 0, [value]
    for _ in range(max_depth):
        nested = [v for v in level if isinstance(v, _NESTED)]
        size += sum([2 * len(v) for v in nested]) + sum([len(v) for v in level if type(v) is str])
        # Formatting huge integers is slow; a decimal digit takes less than four bits.
        size += sum([v.bit_length() // 4 for v in level if type(v) is int])
        if max_characters is not None and size > max_characters:
            return _too_large(max_characters)
        if not nested:
            return None
        level = [item for v in nested for item in (v.values() if isinstance(v, dict) else v)]
    return TOO_DEEP


def _too_large(max_characters: int) -> str:
    return f"larger than {max_characters} characters"
