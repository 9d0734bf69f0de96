"""Text with slots: `{{ path }}` looks a value up in the call's context.

A string that is one slot and nothing else keeps the value's type. Values are data: what comes
out of a slot is never read as a template again. All limits are fixed, so rendering is bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidInput, Path

READABLE = frozenset({"user", "call", "params", "workflow", "flags", "agent"})
WRITABLE = frozenset({"workflow", "flags", "agent"})

MOST_SLOTS = 100
LONGEST_VALUE = 4_096

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z0-9_]{1,63}){0,7}")
_SLOT = re.compile(r"\{\{([^{}]{0,600})\}\}")


def is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None


def look_up(path: str, context: Mapping[str, Any]) -> Any:
    """The value at a dotted path; None when any step is missing."""
    value: Any = context
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def render(template: str, context: Mapping[str, Any]) -> str:
    """The text with every slot filled; a missing value leaves its slot empty."""
    return _SLOT.sub(lambda slot: _as_text(look_up(slot[1].strip(), context)), template)


def fill(value: Any, context: Mapping[str, Any]) -> Any:
    """`value` with slots filled in every string of it, however deep."""
    match value:
        case str():
            whole = _SLOT.fullmatch(value)
            return look_up(whole[1].strip(), context) if whole else render(value, context)
        case Mapping():
            return {key: fill(item, context) for key, item in value.items()}
        case list() | tuple():
            return [fill(item, context) for item in value]
    return value


def check_template(value: Any, path: Path) -> None:
    """`InvalidInput` for a slot that is no path into the context."""
    match value:
        case str():
            slots = _SLOT.findall(value)
            if len(slots) > MOST_SLOTS:
                raise InvalidInput(f"A template may have {MOST_SLOTS} slots.", path)
            for slot in slots:
                _check_slot(slot.strip(), path)
        case Mapping():
            for key, item in value.items():
                check_template(item, (*path, str(key)))
        case list() | tuple():
            for place, item in enumerate(value):
                check_template(item, (*path, str(place)))


def _check_slot(slot: str, path: Path) -> None:
    if not is_path(slot) or slot.split(".")[0] not in READABLE:
        raise InvalidInput(
            f"{{{{ {slot} }}}} is not a path into the context; "
            f"paths begin with {', '.join(sorted(READABLE))}.",
            path,
        )


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:LONGEST_VALUE]
