"""Converts configs of the legacy system, in their older and newer forms, to a bundle.

The input is one object, a list, or `{"agents": […], "tools": […], "workflows": […]}`. It may be
as edited, or as returned by the REST API of that system, which nests the content in `config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domain.bundles.import_report import ImportNote
from domain.bundles.legacy.agents import agent
from domain.bundles.legacy.api_calls import settings
from domain.bundles.legacy.converter import Converter
from domain.bundles.legacy.detection import KINDS, FoundItem, detect_kind, find_items, unwrap_config
from domain.bundles.legacy.text import shorten
from domain.bundles.legacy.tools import tool
from domain.bundles.legacy.workflows import check_handoffs, nodes_by_agent, shared_keys, workflow
from domain.common.errors import InvalidInput, Path

MAX_ITEMS = 3_000


def convert(*roots: tuple[Any, Path]) -> tuple[dict[str, Any], tuple[ImportNote, ...]]:
    """Convert one or more pairs of value and path to one bundle. Returns its JSON, which is
    not checked yet, and a note on each change."""
    converter = Converter()
    items = _group_by_kind(
        [item for value, path in roots for item in find_items(value, path)], converter
    )
    workflows = [each for each, _ in items["workflows"]]
    converter.shared_keys = shared_keys(workflows)
    converter.node_by_agent = nodes_by_agent(workflows)
    settings_items = [(each, path) for root in roots for each, path in _settings_in(*root)]
    converter.endpoints = _first_mapping(settings_items, "endpoints")
    converter.api_defaults = _first_mapping(settings_items, "api_config")
    bundle: dict[str, Any] = {
        "agents": [],
        "tools": [tool(converter.item(each, at)) for each, at in items["tools"]],
        "workflows": [workflow(converter.item(each, at)) for each, at in items["workflows"]],
    }
    for each, at in items["agents"]:
        hints = {"name": each.get("name"), "handoffs": each.get("handoffs")}
        bundle["agents"].append(agent(converter.item({**each, "handoffs": None}, at)))
        check_handoffs(converter.item(hints, at), bundle["workflows"])
    for each, at in settings_items[:1]:
        bundle["settings"] = settings(converter.item(each, at))
    for _, at in settings_items[1:]:
        converter.dropped(at, "These settings are ignored because other settings come first.")
    return {key: value for key, value in bundle.items() if value}, tuple(converter.notes)


def _first_mapping(
    settings_items: list[tuple[Mapping[str, Any], Path]], key: str
) -> Mapping[str, Any]:
    found = next((each[key] for each, _ in settings_items if key in each), None)
    return found if isinstance(found, Mapping) else {}


def _group_by_kind(
    items: list[FoundItem], converter: Converter
) -> dict[str, list[tuple[Mapping[str, Any], Path]]]:
    """All agents, tools and workflows by kind, with their paths."""
    found: dict[str, list[tuple[Mapping[str, Any], Path]]] = {kind: [] for kind in KINDS}
    if len(items) > MAX_ITEMS:
        raise InvalidInput(f"At most {MAX_ITEMS} items can be imported at once.")
    for each, at, kind in items:
        if not isinstance(each, Mapping):
            converter.dropped(at, f"This is not an agent, a tool or a workflow: {shorten(each)}.")
            continue
        flat = unwrap_config(each)
        kind = kind or detect_kind(flat) or ""
        if kind not in found:
            converter.dropped(at, "This is not an agent, a tool or a workflow.")
            continue
        found[kind].append((flat, at))
    return found


def _settings_in(value: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    for inner_path in (("settings",), ("tenant", "settings")):
        found = value
        for key in inner_path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            yield found, (*path, *inner_path)
