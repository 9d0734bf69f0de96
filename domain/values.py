"""Values as JSON has them, and how far they may go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

DEEPEST = 32

TOO_DEEP = f"nested more than {DEEPEST} deep"
NO_JSON = "not JSON: it holds NaN, an infinity or half a character"
NUL = "not text: it holds a NUL character"


def unfit(value: Any) -> str | None:
    """Why it cannot be kept or sent as JSON."""
    if is_deep(value):
        return TOO_DEEP
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except ValueError:
        return NO_JSON
    # A backslash that is written out is doubled.
    return NUL if "\\u0000" in text.replace("\\\\", "") else None


def is_deep(value: Any) -> bool:
    """Nested deeper than any value may be."""
    # Level by level, so that a hostile value cannot exhaust the stack.
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        depth += 1
        inner = [
            v.values() if isinstance(v, Mapping) else v
            for v in level
            if isinstance(v, Mapping | list | tuple)
        ]
        level = [item for items in inner for item in items]
    return depth > DEEPEST
