"""Configs of the system that this one follows, older and newer, turned into a bundle.

One object, a list, or `{"agents": […], "tools": […], "workflows": […]}`; as it was edited, or as
its REST API answers it, with the substance inside `config`."""

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
    """One bundle out of one or several values and their places: plain JSON, still to be read and
    checked; and a note of every change."""
    to = Converter()
    found = _group_by_kind(
        [thing for value, path in roots for thing in find_items(value, path)], to
    )
    workflows = [each for each, _ in found["workflows"]]
    to.shared_keys = shared_keys(workflows)
    to.node_by_agent = nodes_by_agent(workflows)
    given = [(each, path) for root in roots for each, path in _settings_in(*root)]
    to.endpoints = _first_mapping(given, "endpoints")
    to.api_defaults = _first_mapping(given, "api_config")
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


def _first_mapping(given: list[tuple[Mapping[str, Any], Path]], key: str) -> Mapping[str, Any]:
    found = next((each[key] for each, _ in given if key in each), None)
    return found if isinstance(found, Mapping) else {}


def _group_by_kind(
    things: list[FoundItem], to: Converter
) -> dict[str, list[tuple[Mapping[str, Any], Path]]]:
    """Every agent, tool and workflow, with the place it stands at."""
    found: dict[str, list[tuple[Mapping[str, Any], Path]]] = {kind: [] for kind in KINDS}
    if len(things) > MAX_ITEMS:
        raise InvalidInput(f"At most {MAX_ITEMS} things are taken at once.")
    for each, at, kind in things:
        if not isinstance(each, Mapping):
            to.dropped(at, f"This is no agent, tool or workflow: {shorten(each)}.")
            continue
        flat = unwrap_config(each)
        kind = kind or detect_kind(flat) or ""
        if kind not in found:
            to.dropped(at, "This is no agent, tool or workflow.")
            continue
        found[kind].append((flat, at))
    return found


def _settings_in(value: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    for way in (("settings",), ("tenant", "settings")):
        found = value
        for key in way:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            yield found, (*path, *way)
