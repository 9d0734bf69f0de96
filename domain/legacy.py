"""Configs of the system that this one follows, older and newer, turned into a bundle.

One object, a list, or `{"agents": […], "tools": […], "workflows": […]}`; as it was edited, or as
its REST API answers it, with the substance inside `config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.errors import InvalidInput, Path
from domain.legacy_agents import agent
from domain.legacy_calls import settings
from domain.legacy_text import Converter
from domain.legacy_tools import tool
from domain.legacy_workflows import check_handoffs, nodes_by_agent, shared_keys, workflow
from domain.notes import ImportNote

KINDS = ("agents", "tools", "workflows")
MOST_THINGS = 3_000

Thing = tuple[Any, Path, str | None]
"""What was given, where it stands, and its kind where that is known."""

_OLD_KEYS = frozenset(
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
_NEW_KEYS = frozenset(
    [
        "displayName",
        "isEntry",
        "isExit",
        "skipCondition",
        "sharedContext",
        "contextPassed",
        "contextPolicy",
        "onSuccess",
        "onFailure",
        "parametersList",
        "defaultLanguage",
        "interruptibleGreeting",
        "minEndpointing",
        "autoDisconnect",
        "maxEndpointing",
        "maxDuration",
        "isDefault",
        "mayRepeat",
    ]
)
_INSIDE = ("prompt", "session", "stt", "tts", "llm", "vad", "settings")
_LISTS = ("nodes", "connections", "actions", "on_success", "on_failure")


def is_legacy(value: Any) -> bool:
    """Whether it is written in the words of the other system."""
    if isinstance(value, list):
        return True
    if not isinstance(value, Mapping):
        return False
    if _of(value) is not None or "tenant" in value or isinstance(value.get("items"), list):
        return True
    listed = [
        part
        for kind in KINDS
        for _, each in _entries(value.get(kind))
        if isinstance(each, Mapping)
        for part in _parts(each)
    ]
    if any(part.keys() & _NEW_KEYS for part in listed):
        return False  # ours, with a slip in it that reading will tell
    there = value.get("settings")
    if isinstance(there, Mapping) and there.keys() & {"api_config", "default_language"}:
        return True
    return any(isinstance(value.get(kind), Mapping) for kind in KINDS) or any(
        map(_has_old_words, listed)
    )


def convert(*roots: tuple[Any, Path]) -> tuple[dict[str, Any], tuple[ImportNote, ...]]:
    """One bundle out of one or several values and their places: plain JSON, still to be read and
    checked; and a note of every change."""
    to = Converter()
    found = _sorted_out([thing for value, path in roots for thing in _things(value, path)], to)
    workflows = [each for each, _ in found["workflows"]]
    to.shared = shared_keys(workflows)
    to.nodes = nodes_by_agent(workflows)
    given = [(each, path) for root in roots for each, path in _settings_in(*root)]
    to.endpoints = _known(given, "endpoints")
    to.api = _known(given, "api_config")
    made: dict[str, Any] = {
        "agents": [],
        "tools": [tool(to.item(each, at)) for each, at in found["tools"]],
        "workflows": [workflow(to.item(each, at)) for each, at in found["workflows"]],
    }
    for each, at in found["agents"]:
        hints = {"name": each.get("name"), "handoffs": each.get("handoffs")}
        made["agents"].append(agent(to.item({**each, "handoffs": None}, at)))
        check_handoffs(to.item(hints, at), made["workflows"])
    for each, at in given[:1]:
        made["settings"] = settings(to.item(each, at))
    for _, at in given[1:]:
        to.dropped(at, "The settings stand somewhere else already.")
    return {key: items for key, items in made.items() if items}, tuple(to.notes)


def _known(given: list[tuple[Mapping[str, Any], Path]], key: str) -> Mapping[str, Any]:
    found = next((each[key] for each, _ in given if key in each), None)
    return found if isinstance(found, Mapping) else {}


def _parts(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The item, and what has a structure of its own in it; what users named is not looked at."""
    yield item
    for key in _INSIDE:
        if isinstance(inside := item.get(key), Mapping):
            yield inside
    for key in _LISTS:
        if isinstance(listed := item.get(key), list):
            yield from (part for part in listed if isinstance(part, Mapping))


def _has_old_words(part: Mapping[str, Any]) -> bool:
    return (
        bool(part.keys() & _OLD_KEYS)
        or isinstance(part.get("prompt"), str)
        or isinstance(part.get("voices"), Mapping)
        or isinstance(part.get("type"), str)
    )


def _sorted_out(
    things: list[Thing], to: Converter
) -> dict[str, list[tuple[Mapping[str, Any], Path]]]:
    """Every agent, tool and workflow, with the place it stands at."""
    found: dict[str, list[tuple[Mapping[str, Any], Path]]] = {kind: [] for kind in KINDS}
    if len(things) > MOST_THINGS:
        raise InvalidInput(f"At most {MOST_THINGS} things are taken at once.")
    for each, at, kind in things:
        if not isinstance(each, Mapping):
            to.dropped(at, "An object belongs here.")
            continue
        flat = _unwrapped(each)
        kind = kind or _of(flat) or ""
        if kind not in found:
            to.dropped(at, "This is no agent, tool or workflow.")
            continue
        found[kind].append((flat, at))
    return found


def _things(value: Any, path: Path) -> list[Thing]:
    if isinstance(value, list):
        return [(each, (*path, str(n)), None) for n, each in enumerate(value)]
    if not isinstance(value, Mapping):
        raise InvalidInput("An object or a list belongs here.", path)
    if isinstance(value.get("items"), list):
        return _things(value["items"], (*path, "items"))
    if _of(_unwrapped(value)) is not None:
        return [(value, path, None)]
    known = (*KINDS, "settings", "tenant")
    others: list[Thing] = [(None, (*path, key), None) for key in value if key not in known]
    return others + [
        (each, (*path, kind, name), kind)
        for kind in KINDS
        for name, each in _entries(value.get(kind))
    ]


def _entries(value: Any) -> Sequence[tuple[str, Any]]:
    """Of a list, of a page of one, or of a map by name."""
    if isinstance(value, Mapping):
        if isinstance(value.get("items"), list):
            return _entries(value["items"])
        return [(k, {"name": k, **v} if isinstance(v, Mapping) else v) for k, v in value.items()]
    return [(str(n), each) for n, each in enumerate(value)] if isinstance(value, list) else ()


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    inside = value.get("config")
    if not isinstance(inside, Mapping):
        return value
    return {**inside, **{key: each for key, each in value.items() if key != "config"}}


def _of(value: Mapping[str, Any]) -> str | None:
    """What kind of thing it is, by what only that has."""
    value = _unwrapped(value)
    if "nodes" in value or "connections" in value:
        return "workflows"
    if "actions" in value or "parameters" in value:
        return "tools"
    if "prompt" in value or "system_prompt" in value:
        return "agents"
    return None


def _settings_in(value: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    for way in (("settings",), ("tenant", "settings")):
        found = value
        for key in way:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            yield found, (*path, *way)
