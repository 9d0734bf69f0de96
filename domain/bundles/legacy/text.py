"""Text functions that all parts of the legacy conversion share."""

from __future__ import annotations

import re
from typing import Any

# Bounded, so that matching stays linear for a text full of braces.
PLACEHOLDER = re.compile(r"\{\{([^{}]{0,500})\}\}")


def without_empty(**fields: Any) -> dict[str, Any]:
    """The fields without None and empty values."""
    return {key: value for key, value in fields.items() if value not in (None, [], {}, "")}


def without_stray_braces(text: str) -> str:
    """Remove all double braces that do not belong to a placeholder."""
    parts = PLACEHOLDER.split(text)
    for index, part in enumerate(parts):
        bare = part.replace("{{", "").replace("}}", "")
        parts[index] = f"{{{{{part}}}}}" if index % 2 else bare
    return "".join(parts)


def shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
