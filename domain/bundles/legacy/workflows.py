"""Converts the workflows of legacy configs, and checks the hand-offs that their agents list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from domain.bundles.legacy.agents import ignore_bookkeeping
from domain.bundles.legacy.converter import Converter, Item
from domain.bundles.legacy.text import without_empty
from domain.workflows.model import CONNECTION_NAMESPACES


def workflow(item: Item) -> dict[str, Any]:
    converter = item.converter
    name = item.take("slug", "name") if "slug" not in item else item.take("slug")
    result = {
        "slug": converter.agent_name(name, item.at("slug")),
        **without_empty(
            name=item.text("name", "display_name"),
            description=item.text("description"),
            nodes=[_node(each) for each in converter.items(item.take("nodes"), item.at("nodes"))],
            connections=_connections(item),
            sharedContext=_keys(item, "shared_context", "sharedContext"),
        ),
    }
    ignore_bookkeeping(item)
    item.ignore("viewport")
    item.report_unused()
    return result


def _node(item: Item) -> dict[str, Any]:
    converter = item.converter
    agent = converter.agent_name(item.take("agent_name", "agent"), item.at("agent_name"))
    legacy_id = item.take("id")
    id = converter.identifier(agent if legacy_id is None else legacy_id, item.at("id"))
    result = {
        "id": id,
        "agent": agent,
        **without_empty(
            isEntry=item.flag("is_entry", "isEntry") or None,
            isExit=item.flag("is_exit", "isExit") or None,
            skipCondition=_skip_condition(item),
            position=_position(item),
        ),
    }
    item.ignore("width", "height")
    item.reject_unused()
    return result


def _skip_condition(item: Item) -> str | None:
    condition = item.take("skip_condition", "skipCondition")
    if condition is False:
        return None
    return item.converter.condition(condition, item.at("skip_condition"), CONNECTION_NAMESPACES)


def _position(item: Item) -> dict[str, Any] | None:
    value = item.take("position")
    if not isinstance(value, dict):
        return None
    x, y = value.get("x", 0), value.get("y", 0)
    fits = all(isinstance(n, int | float) and not isinstance(n, bool) for n in (x, y))
    return {"x": x, "y": y} if fits else None


def _connections(item: Item) -> list[dict[str, Any]]:
    here = item.at("connections")
    listed = item.take("connections", "edges")
    return [_connection(each) for each in item.converter.items(listed, here)]


def _connection(item: Item) -> dict[str, Any]:
    converter = item.converter
    ends = {
        "source": item.take("source_id", "source", "from"),
        "target": item.take("target_id", "target", "to"),
    }
    priority = item.number("priority", minimum=-1_000, maximum=1_000)
    result = {
        **{key: converter.identifier(end, item.at(key)) for key, end in ends.items()},
        **without_empty(
            description=_description(item),
            condition=converter.condition(
                item.take("condition"), item.at("condition"), CONNECTION_NAMESPACES
            ),
            priority=None if priority is None else int(priority),
            contextPassed=_keys(item, "context_passed", "contextPassed"),
        ),
    }
    item.ignore("id", "animated")
    item.reject_unused()
    return result


def _description(item: Item) -> str | None:
    """The description of a connection, for which its label stands in."""
    description = item.text("description")
    return item.text("label") if description is None else description


def _keys(item: Item, *names: str) -> list[str]:
    converter, here = item.converter, item.at(item.present_key(*names))
    keys = [str(key) for key in converter.as_list(item.take(*names), here)]
    return list(
        dict.fromkeys(converter.identifier(key.removeprefix("workflow."), here) for key in keys)
    )


def shared_keys(workflows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    listed = (w.get("shared_context") or w.get("sharedContext") for w in workflows)
    return frozenset(
        str(key).removeprefix("workflow.")
        for keys in listed
        if isinstance(keys, list)
        for key in keys
    )


def nodes_by_agent(workflows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The converted node id of each agent that is used by exactly one node in all workflows."""
    nodes: dict[str, set[str]] = {}
    for each in workflows:
        listed = each.get("nodes")
        for node in listed if isinstance(listed, list) else ():
            if isinstance(node, dict):
                agent = str(node.get("agent_name") or node.get("agent"))
                nodes.setdefault(agent, set()).add(str(node.get("id") or agent))
    # A separate converter, because the names are noted when the nodes are converted.
    converter = Converter()
    return {
        agent: converter.identifier(next(iter(ids)), ())
        for agent, ids in nodes.items()
        if len(ids) == 1
    }


# ---- hand-offs of agents -------------------------------------------------------------------


def check_handoffs(item: Item, workflows: Sequence[Mapping[str, Any]]) -> None:
    """Note the hand-offs that an agent lists; only connections determine where a call can go."""
    converter = item.converter
    name = Converter().agent_name(item.take("name"), ())
    listed = converter.as_list(item.take("handoffs"), item.at("handoffs"))
    hints = [{"target_agent": each} if isinstance(each, str) else each for each in listed]
    for handoff in converter.items(hints, item.at("handoffs")):
        legacy_target = handoff.text("target_agent", "target", "agent") or ""
        conditions = [
            str(each) for each in converter.as_list(handoff.take("conditions"), handoff.path)
        ]
        # The note covers the whole hand-off, so its keys need no notes of their own.
        handoff.take_rest()
        target = Converter().agent_name(legacy_target, ())
        connected = any(_is_connected(each, name, target) for each in workflows)
        outcome = "is now defined by a connection" if connected else "needs a connection; add one"
        on = f" on {', '.join(conditions)}" if conditions else ""
        converter.dropped(handoff.path, f"The hand-off to {target}{on} {outcome}.")


def _is_connected(workflow: Mapping[str, Any], source: str, target: str) -> bool:
    agents = {node["id"]: node["agent"] for node in workflow.get("nodes", ())}
    pairs = Counter(
        (agents.get(c["source"]), agents.get(c["target"])) for c in workflow.get("connections", ())
    )
    return pairs[source, target] > 0
