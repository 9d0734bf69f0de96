"""Workflows of older configs, and the hand-offs that their agents hint at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from domain.bundles.legacy.agents import ignore_bookkeeping
from domain.bundles.legacy.converter import Converter, Item
from domain.bundles.legacy.text import without_empty


def workflow(item: Item) -> dict[str, Any]:
    to = item.converter
    name = item.take("slug", "name") if "slug" not in item else item.take("slug")
    made = {
        "slug": to.agent_name(name, item.at("slug")),
        **without_empty(
            name=item.text("name", "display_name"),
            description=item.text("description"),
            nodes=[_node(each) for each in to.items(item.take("nodes"), item.at("nodes"))],
            connections=_connections(item),
            sharedContext=_keys(item, "shared_context", "sharedContext"),
        ),
    }
    ignore_bookkeeping(item)
    item.ignore("viewport")
    item.report_unused()
    return made


def _node(item: Item) -> dict[str, Any]:
    to = item.converter
    agent = to.agent_name(item.take("agent_name", "agent"), item.at("agent_name"))
    named = item.take("id")
    id = to.identifier(agent if named is None else named, item.at("id"))
    made = {
        "id": id,
        "agent": agent,
        **without_empty(
            isEntry=item.flag("is_entry", "isEntry") or None,
            isExit=item.flag("is_exit", "isExit") or None,
            skipCondition=to.condition(
                item.take("skip_condition", "skipCondition"), item.at("skip_condition")
            ),
            position=_position(item),
        ),
    }
    item.ignore("width", "height")
    item.report_unused()
    return made


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
    to = item.converter
    ends = {
        "source": item.take("source_id", "source", "from"),
        "target": item.take("target_id", "target", "to"),
    }
    priority = item.number("priority", minimum=-1_000, maximum=1_000)
    made = {
        **{key: to.identifier(end, item.at(key)) for key, end in ends.items()},
        **without_empty(
            description=item.text("description", "label"),
            condition=to.condition(item.take("condition"), item.at("condition")),
            priority=None if priority is None else int(priority),
            contextPassed=_keys(item, "context_passed", "contextPassed"),
        ),
    }
    item.ignore("id", "animated")
    item.report_unused()
    return made


def _keys(item: Item, *names: str) -> list[str]:
    to, here = item.converter, item.at(item.present_key(*names))
    keys = [str(key) for key in to.as_list(item.take(*names), here)]
    return list(dict.fromkeys(to.identifier(key.removeprefix("workflow."), here) for key in keys))


def shared_keys(workflows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    listed = (w.get("shared_context") or w.get("sharedContext") for w in workflows)
    return frozenset(
        str(key).removeprefix("workflow.")
        for keys in listed
        if isinstance(keys, list)
        for key in keys
    )


def nodes_by_agent(workflows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Of agents that hold exactly one node everywhere, what that node will be called."""
    held: dict[str, set[str]] = {}
    for each in workflows:
        listed = each.get("nodes")
        for node in listed if isinstance(listed, list) else ():
            if isinstance(node, dict):
                agent = str(node.get("agent_name") or node.get("agent"))
                held.setdefault(agent, set()).add(str(node.get("id") or agent))
    quiet = Converter()
    return {a: quiet.identifier(n, ()) for a, [n, *more] in map(_listed, held.items()) if not more}


def _listed(pair: tuple[str, set[str]]) -> tuple[str, list[str]]:
    return pair[0], sorted(pair[1])


# ---- hints ---------------------------------------------------------------------------------


def check_handoffs(item: Item, workflows: Sequence[Mapping[str, Any]]) -> None:
    """An agent's own list was a hint: where calls may go is what connections say."""
    to = item.converter
    name = Converter().agent_name(item.take("name"), ())
    for hint in to.items(item.take("handoffs"), item.at("handoffs")):
        wanted = hint.text("target_agent", "target", "agent") or ""
        conditions = [str(each) for each in to.as_list(hint.take("conditions"), hint.path)]
        hint.take_rest  # noqa: B018, a hint as a whole
        target = Converter().agent_name(wanted, ())
        found = any(_is_connected(each, name, target) for each in workflows)
        told = "a connection says so" if found else "no connection leads there: add one"
        on = f" on {', '.join(conditions)}" if conditions else ""
        to.dropped(hint.path, f"The hand-off to {target}{on} is only a hint; {told}.")


def _is_connected(workflow: Mapping[str, Any], source: str, target: str) -> bool:
    agents = {node["id"]: node["agent"] for node in workflow.get("nodes", ())}
    pairs = Counter(
        (agents.get(c["source"]), agents.get(c["target"])) for c in workflow.get("connections", ())
    )
    return pairs[source, target] > 0
