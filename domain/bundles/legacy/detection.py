"""Detects whether an input is a legacy config, and finds the items in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.common.errors import InvalidInput, Path

KINDS = ("agents", "tools", "workflows")

FoundItem = tuple[Any, Path, str | None]
"""A value, its path, and its kind (one of KINDS); None if the kind is still to be detected."""

UNKNOWN_KIND = "nothing"
"""The kind of values that a bundle has no place for."""

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
    """Whether a value is a legacy config: at least one of its items must be one. A current bundle
    with an error is none, so that reading it reports the error."""
    if not isinstance(value, list | Mapping):
        return False
    found = [(each, kind) for each, _, kind in find_items(value, ()) if isinstance(each, Mapping)]
    if any(part.keys() & _CURRENT_KEYS for each, _ in found for part in _parts(each)):
        return False
    if isinstance(value, Mapping) and _has_legacy_frame(value):
        return any(kind in KINDS or _is_item(each) for each, kind in found) or _has_settings(value)
    return any(
        _is_item(each)
        if kind is None
        else kind in KINDS and any(map(_has_legacy_keys, _parts(each)))
        for each, kind in found
    )


def _has_legacy_frame(value: Mapping[str, Any]) -> bool:
    """Whether the items are arranged as only the legacy system does."""
    return (
        "tenant" in value
        or _has_settings(value)
        or any(isinstance(value.get(kind), Mapping) for kind in KINDS)
    )


def _has_settings(value: Mapping[str, Any]) -> bool:
    tenant = value.get("tenant")
    places = (
        value.get("settings"),
        tenant.get("settings") if isinstance(tenant, Mapping) else None,
    )
    return any(
        isinstance(settings, Mapping) and settings.keys() & {"api_config", "default_language"}
        for settings in places
    )


def _is_item(value: Mapping[str, Any]) -> bool:
    """Whether an object outside of a list of its kind is an agent, a tool or a workflow."""
    item = unwrap_config(value)
    nodes, parameters = item.get("nodes"), item.get("parameters")
    match detect_kind(item):
        case "workflows":
            return isinstance(nodes, list) and (
                "slug" in item
                or any(isinstance(n, Mapping) and n.keys() & {"agent_name", "agent"} for n in nodes)
            )
        case "tools":
            return isinstance(item.get("actions"), list) or isinstance(parameters, list)
        case "agents":
            return True
    return False


def _parts(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The item and its parts with a fixed structure, without objects whose keys users choose."""
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
        raise InvalidInput("Expected an object or a list.", path)
    if isinstance(value.get("items"), list):
        return [*find_items(value["items"], (*path, "items")), *_items_by_kind(value, path)]
    if detect_kind(unwrap_config(value)) is not None:
        return [(value, path, None)]
    return [*_unknown_items(value, path), *_items_by_kind(value, path)]


def _items_by_kind(value: Mapping[str, Any], path: Path) -> Iterator[FoundItem]:
    for kind in KINDS:
        for name, each in _entries(value.get(kind)):
            yield each, (*path, kind, name), kind


def _unknown_items(value: Mapping[str, Any], path: Path) -> Iterator[FoundItem]:
    """Values that are neither of a known kind nor settings, so that they can be reported."""
    for key, each in value.items():
        if key in KINDS and isinstance(each, list | Mapping | None):
            continue
        if key == "tenant" and isinstance(each, Mapping):
            inside = (k for k in each if k != "id" and not _is_settings(k, each[k]))
            yield from ((each[k], (*path, key, k), UNKNOWN_KIND) for k in inside)
        elif not _is_settings(key, each):
            yield each, (*path, key), UNKNOWN_KIND


def _is_settings(key: str, value: Any) -> bool:
    return key == "settings" and isinstance(value, Mapping | None)


def _entries(value: Any) -> Sequence[tuple[str, Any]]:
    """The entries of a list, of a page of a list, or of an object whose keys are names."""
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
    """The kind of an item, detected by keys that only this kind has; None if there are none."""
    value = unwrap_config(value)
    if "nodes" in value or "connections" in value:
        return "workflows"
    if "actions" in value or "parameters" in value:
        return "tools"
    if "prompt" in value or "system_prompt" in value:
        return "agents"
    return None
