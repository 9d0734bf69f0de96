"""What was given: is it in the words of the older system, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.common.errors import InvalidInput, Path

KINDS = ("agents", "tools", "workflows")

FoundItem = tuple[Any, Path, str | None]
"""What was given, where it stands, and its kind where that is known."""

UNKNOWN_KIND = "nothing"
"""The kind of what there is no place for."""

_LEGACY_KEYS = frozenset(
    [
        "config",
        "display_name",
        "is_active",
        "tenant_id",
        "created_at",
        "updated_at",
        "shared_context",
        "handoffs",
        "default_language",
        "on_success",
        "on_failure",
        "voice_id",
        "agent_name",
        "is_entry",
        "is_exit",
        "skip_condition",
        "source_id",
        "target_id",
        "context_passed",
        "greeting_interruptible",
        "min_endpointing_delay",
        "language",
        "auto_disconnect_timeout",
        "temperature",
        "activation_threshold",
        "interim_results",
        "api_config",
        "default_value",
        "supported_languages",
    ]
)
_CURRENT_KEYS = frozenset(
    [
        *("displayName", "interruptibleGreeting", "defaultLanguage", "minEndpointing"),
        *("maxEndpointing", "autoDisconnect", "maxDuration", "isEntry", "isExit", "isDefault"),
        *("skipCondition", "sharedContext", "contextPassed", "contextPolicy", "mayRepeat"),
        *("onSuccess", "onFailure", "parametersList", "contextSet", "contextGet", "apiCall"),
        *("contextDelete", "flagSet", "flagClear", "mcpCall", "endCall", "transferCall"),
    ]
)
_INSIDE = ("prompt", "session", "stt", "tts", "llm", "vad", "settings")
_LISTS = ("nodes", "connections", "actions", "on_success", "on_failure")


def is_legacy(value: Any) -> bool:
    """A bundle of ours with a slip in it is not: reading will tell the slip."""
    if not isinstance(value, list | Mapping):
        return False
    found = [each for each, _, _ in find_items(value, ()) if isinstance(each, Mapping)]
    inside = [part for each in found for part in _parts(each)]
    if any(part.keys() & _CURRENT_KEYS for part in inside):
        return False
    if isinstance(value, list) or "tenant" in value or isinstance(value.get("items"), list):
        return True
    there = value.get("settings")
    return (
        detect_kind(value) is not None
        or (isinstance(there, Mapping) and bool(there.keys() & {"api_config", "default_language"}))
        or any(isinstance(value.get(kind), Mapping) for kind in KINDS)
        or any(map(_has_legacy_keys, inside))
    )


def _parts(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The item, and what has a structure of its own in it; what users named is not looked at."""
    yield item
    item = unwrap_config(item)
    for key in _INSIDE:
        if isinstance(inside := item.get(key), Mapping):
            yield inside
    for key in _LISTS:
        if isinstance(listed := item.get(key), list):
            yield from (part for part in listed if isinstance(part, Mapping))


def _has_legacy_keys(part: Mapping[str, Any]) -> bool:
    return (
        bool(part.keys() & _LEGACY_KEYS)
        or isinstance(part.get("prompt"), str)
        or isinstance(part.get("voices"), Mapping)
        or isinstance(part.get("type"), str)
    )


def find_items(value: Any, path: Path) -> list[FoundItem]:
    if isinstance(value, list):
        return [(each, (*path, str(n)), None) for n, each in enumerate(value)]
    if not isinstance(value, Mapping):
        raise InvalidInput("An object or a list belongs here.", path)
    if isinstance(value.get("items"), list):
        return find_items(value["items"], (*path, "items"))
    if detect_kind(unwrap_config(value)) is not None:
        return [(value, path, None)]
    return [
        *_unknown_items(value, path),
        *(
            (each, (*path, kind, name), kind)
            for kind in KINDS
            for name, each in _entries(value.get(kind))
        ),
    ]


def _unknown_items(value: Mapping[str, Any], path: Path) -> Iterator[FoundItem]:
    """What is neither of a kind nor settings, to be told."""
    for key, each in value.items():
        if key in KINDS and isinstance(each, list | Mapping | None):
            continue
        if key == "tenant" and isinstance(each, Mapping):
            inside = (k for k in each if k not in ("settings", "id"))
            yield from ((each[k], (*path, key, k), UNKNOWN_KIND) for k in inside)
        elif key != "settings":
            yield each, (*path, key), UNKNOWN_KIND


def _entries(value: Any) -> Sequence[tuple[str, Any]]:
    """Of a list, of a page of one, or of a map by name."""
    if isinstance(value, Mapping):
        if isinstance(value.get("items"), list):
            return _entries(value["items"])
        return [(k, {"name": k, **v} if isinstance(v, Mapping) else v) for k, v in value.items()]
    return [(str(n), each) for n, each in enumerate(value)] if isinstance(value, list) else ()


def unwrap_config(value: Mapping[str, Any]) -> Mapping[str, Any]:
    inside = value.get("config")
    if not isinstance(inside, Mapping):
        return value
    return {**inside, **{key: each for key, each in value.items() if key != "config"}}


def detect_kind(value: Mapping[str, Any]) -> str | None:
    """What kind of thing it is, by what only that has."""
    value = unwrap_config(value)
    if "nodes" in value or "connections" in value:
        return "workflows"
    if "actions" in value or "parameters" in value:
        return "tools"
    if "prompt" in value or "system_prompt" in value:
        return "agents"
    return None
