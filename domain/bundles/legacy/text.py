"""Small things that every part of the conversion of older configs needs."""

from __future__ import annotations

import re
from typing import Any

# Bounded, so that a text full of braces takes no longer than any other.
PLACEHOLDER = re.compile(r"\{\{([^{}]{0,500})\}\}")


def without_empty(**fields: Any) -> dict[str, Any]:
    """What there is: None and what is empty is left out."""
    return {key: value for key, value in fields.items() if value not in (None, [], {}, "")}


def without_stray_braces(text: str) -> str:
    """All but those of slots."""
    parts = PLACEHOLDER.split(text)
    for place, part in enumerate(parts):
        bare = part.replace("{{", "").replace("}}", "")
        parts[place] = f"{{{{{part}}}}}" if place % 2 else bare
    return "".join(parts)


def shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
