"""Converts configs of the legacy system, in their older and newer forms, to a bundle.

The input is one object, a list, or `{"agents": […], "tools": […], "workflows": […]}`. It may be
as edited, or as returned by the REST API of that system, which nests the content in `config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.bundles.import_report import ImportNote
from domain.bundles.legacy.actions import written_keys
from domain.bundles.legacy.agents import agent
from domain.bundles.legacy.api_calls import api_defaults, settings
from domain.bundles.legacy.converter import HINT_KEYS, Converter
from domain.bundles.legacy.detection import (
    KINDS,
    UNKNOWN_KIND,
    FoundItem,
    detect_kind,
    find_items,
    unwrap_config,
)
from domain.bundles.legacy.text import shorten
from domain.bundles.legacy.tools import tool
from domain.bundles.legacy.workflows import check_handoffs, nodes_by_agent, shared_keys, workflow
from domain.common.errors import InvalidInput, Path
from domain.common.findings import Finding

MAX_ITEMS = 3_000

FoundMapping = tuple[Mapping[str, Any], Path]
ItemsByKind = dict[str, list[FoundMapping]]


@dataclass(frozen=True, slots=True)
class Conversion:
    """The converted configs as one bundle."""

    value: Mapping[str, Any]
    """The JSON of the bundle, which is not checked yet."""
    notes: tuple[ImportNote, ...]
    findings: tuple[Finding, ...]
    sources: Mapping[str, tuple[Path, ...]]
    """Where the agents, the tools, the workflows and the settings of the bundle come from."""


def convert(*roots: tuple[Any, Path]) -> Conversion:
    """Convert one or more pairs of value and path to one bundle."""
    converter = Converter()
    items = _group_by_kind(
        [item for value, path in roots for item in find_items(value, path)], converter
    )
    settings_items = [(each, path) for root in roots for each, path in _settings_in(*root)]
    _collect_facts(converter, items, settings_items)
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
        converter.not_converted(at, "Other settings come first; keep all settings in one place.")
    return Conversion(
        value={key: value for key, value in bundle.items() if value},
        notes=tuple(converter.notes),
        findings=tuple(converter.findings),
        sources={
            **{kind: tuple(at for _, at in items[kind]) for kind in KINDS},
            "settings": tuple(at for _, at in settings_items[:1]),
        },
    )


def _collect_facts(
    converter: Converter, items: ItemsByKind, settings_items: Sequence[FoundMapping]
) -> None:
    workflows = [each for each, _ in items["workflows"]]
    written = frozenset(key for each, _ in items["tools"] for key in written_keys(each))
    converter.workflow_keys = shared_keys(workflows) | written
    converter.node_by_agent = nodes_by_agent(workflows)
    converter.endpoints = _first_mapping(settings_items, "endpoints")
    for each, at in settings_items[:1]:
        config = each.get("api_config")
        if isinstance(config, Mapping):
            converter.api_defaults = api_defaults(converter.item(config, (*at, "api_config")))


def _first_mapping(settings_items: Sequence[FoundMapping], key: str) -> Mapping[str, Any]:
    found = next((each[key] for each, _ in settings_items if key in each), None)
    return found if isinstance(found, Mapping) else {}


def _group_by_kind(items: list[FoundItem], converter: Converter) -> ItemsByKind:
    """All agents, tools and workflows by kind, with their paths."""
    found: ItemsByKind = {kind: [] for kind in KINDS}
    if len(items) > MAX_ITEMS:
        raise InvalidInput(f"At most {MAX_ITEMS} items can be imported at once.")
    for each, at, kind in items:
        flat = unwrap_config(each) if isinstance(each, Mapping) else {}
        kind = kind or detect_kind(flat) or ""
        if kind in found and isinstance(each, Mapping):
            found[kind].append((flat, at))
        else:
            _report_unknown(each, at, kind, converter)
    return found


def _report_unknown(value: Any, at: Path, kind: str, converter: Converter) -> None:
    message = f"This is not an agent, a tool or a workflow: {shorten(value)}."
    is_attribute = kind == UNKNOWN_KIND and not (isinstance(value, list | Mapping) and value)
    if is_attribute or at[-1] in HINT_KEYS:
        converter.dropped(at, message)
    else:
        converter.not_converted(at, message)


def _settings_in(value: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    for inner_path in (("settings",), ("tenant", "settings")):
        found = value
        for key in inner_path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            yield found, (*path, *inner_path)
