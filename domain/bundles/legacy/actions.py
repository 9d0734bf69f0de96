"""Converts the actions of tools in legacy configs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.bundles.legacy.api_calls import api_call
from domain.bundles.legacy.converter import Item
from domain.bundles.legacy.text import shorten, without_empty
from domain.tools.actions import Operation
from domain.tools.http_validation import ACTION_NAMESPACES

Actions = list[dict[str, Any]]


def convert_actions(item: Item, *keys: str) -> Actions:
    here = item.at(item.present_key(*keys))
    return [
        action
        for each in item.converter.items(item.take(*keys), here)
        for action in _convert_action(each)
    ]


def _convert_action(item: Item) -> Actions:
    type_ = item.text("type", "action") or ""
    if "config" in item:
        inside = item.converter.item(item.take("config"), item.at("config")).take_rest()
        item = item.converter.item({**inside, **item.take_rest()}, item.path)
    item.ignore("id", "order")
    convert = ACTION_CONVERTERS.get(
        type_.replace("_", ".") if type_.startswith(("context", "flag")) else type_
    )
    if convert is None:
        # The note covers the whole action, so its keys need no notes of their own.
        item.take_rest()
        item.converter.dropped(
            item.path, f"There is no action of type {type_[:60]!r}; convert it by hand."
        )
        return []
    actions = convert(item)
    item.report_unused()
    return actions


def _context_set(item: Item) -> Actions:
    """The legacy action has four forms: key and value, path and value, path and data, or data."""
    converter = item.converter
    where = item.take("path", "key")
    data, values = item.take("data"), {}
    if where is not None:
        values[str(where)] = item.take("value") if "value" in item else data
    elif isinstance(data, dict):
        values = data
    if where is None and len(values) > 1:
        converter.converted(
            item.path, f"One action that set {len(values)} values is now one action per value."
        )
    actions = []
    for target, value in values.items():
        path = converter.writable(target, item.at("path"))
        if path is None:
            converter.dropped(item.at("path"), f"{str(target)[:80]!r} is not a valid path.")
            continue
        actions += _set_value(item, path, value)
    if not values:
        converter.dropped(item.path, "The action does not name a value to set.")
    return actions


def _set_value(item: Item, path: str, value: Any) -> Actions:
    if path.startswith("flags.") and isinstance(value, bool):
        return [{"flagSet" if value else "flagClear": {"flag": _flag_name(item, path)}}]
    return [{"contextSet": {"path": path, "value": item.converter.value(value, item.at("value"))}}]


def _context_get(item: Item) -> Actions:
    where = str(item.take("path", "key") or "").removeprefix("{{").removesuffix("}}").strip()
    if not where:
        item.converter.dropped(item.path, "The action does not name a value to read.")
        return []
    return [{"contextGet": {"path": item.converter.readable(where, item.at("path"))}}]


def _context_delete(item: Item) -> Actions:
    path = item.converter.writable(item.take("path", "key"), item.at("path"))
    if path is None:
        item.converter.dropped(item.path, "The action does not name a value to delete.")
        return []
    return [{"contextDelete": {"path": path.removesuffix("[+]")}}]


def _flag_set(item: Item) -> Actions:
    flag, on = _flag(item), item.flag("value")
    return [{"flagClear" if on is False else "flagSet": {"flag": flag}}] if flag else []


def _flag_clear(item: Item) -> Actions:
    flag = _flag(item)
    item.ignore("value")
    return [{"flagClear": {"flag": flag}}] if flag else []


def _flag(item: Item) -> str | None:
    name = item.text("flag", "key", "path")
    if not name:
        item.converter.dropped(item.path, "The action does not name a flag.")
        return None
    return _flag_name(item, name)


def _flag_name(item: Item, name: str) -> str:
    return item.converter.identifier(name.removeprefix("flags."), item.at("flag"))


def _respond(item: Item) -> Actions:
    key, message = item.text("message_key"), item.text("message", "text")
    if message is None and key:
        name = item.converter.identifier(key, item.at("message_key"))
        message = f"{{{{tenant.settings.messages.{name}}}}}"
        item.converter.converted(
            item.at("message_key"),
            f"The message is now {message}; add its text to settings.values.messages.",
        )
    elif key:
        item.converter.dropped(
            item.at("message_key"), "message_key is ignored because message is set."
        )
    text = item.converter.value(message, item.at("message"))
    if not text:
        item.converter.dropped(item.path, "The action has no message.")
        return []
    return [{"respond": {"message": text}}]


def _handoff(item: Item) -> Actions:
    converter = item.converter
    name = item.text("node", "target", "target_agent", "agent", "agent_name", "to", "target_id")
    if not name:
        converter.dropped(item.path, "The action does not name an agent.")
        return []
    node = converter.node_by_agent.get(name) or converter.identifier(name, item.at("node"))
    if node != name:
        converter.converted(
            item.path, f"The hand-off now names the node {node} instead of the agent {name}."
        )
    return [{"handoff": {"node": node}}]


def _conditional(item: Item) -> Actions:
    legacy_condition = item.take("condition", "if", "when")
    condition = item.converter.condition(legacy_condition, item.at("condition"), ACTION_NAMESPACES)
    then = convert_actions(item, "then", "actions", "on_true", "if_true")
    otherwise = convert_actions(item, "otherwise", "else", "else_actions", "on_false", "if_false")
    if condition is None:
        item.converter.dropped(item.path, "The action has no valid condition, so it was removed.")
        return []
    return [
        {"conditional": {"condition": condition, **without_empty(then=then, otherwise=otherwise)}}
    ]


def _validate(item: Item) -> Actions:
    rules = []
    for each in item.converter.items(item.take("rules"), item.at("rules")):
        condition = each.converter.condition(
            each.take("condition", "expression"), each.at("condition"), ACTION_NAMESPACES
        )
        message = each.converter.template(each.text("message", "error"), each.at("message"))
        if condition is None:
            rest = shorten(each.take_rest())
            each.converter.dropped(each.path, f"The rule {rest} has no valid condition; write one.")
            continue
        rules.append({"condition": condition, "message": message or f"{condition} must hold."})
        each.report_unused()
    if not rules:
        item.converter.dropped(item.path, "The action has no valid rule, so it was removed.")
        return []
    return [{"validate": {"rules": rules}}]


def _transform(item: Item) -> Actions:
    operation = (item.text("operation", "op") or "").upper()
    path = item.converter.writable(item.take("path", "target", "output"), item.at("path"))
    value = item.converter.value(item.take("value", "input", "source"), item.at("value"))
    if operation not in list(Operation) or path is None:
        # The note covers the whole action, so its keys need no notes of their own.
        item.take_rest()
        known = ", ".join(each.lower() for each in Operation)
        item.converter.dropped(
            item.path,
            f"A transform needs a path and one of the operations {known}; convert it by hand.",
        )
        return []
    separator = item.text("separator")
    return [
        {
            "transform": {
                "path": path,
                "operation": operation,
                **without_empty(value=value, separator=separator),
            }
        }
    ]


def _transfer(item: Item) -> Actions:
    number = item.converter.value(item.text("number", "phone_number", "to"), item.at("number"))
    return [{"transferCall": {"number": number}}] if number else []


def _dtmf(item: Item) -> Actions:
    digits = item.converter.value(item.text("digits"), item.at("digits"))
    return [{"sendDtmf": {"digits": digits}}] if digits else []


def _end(item: Item) -> Actions:
    return [{"endCall": True}]


ACTION_CONVERTERS: Mapping[str, Callable[[Item], Actions]] = {
    "context.set": _context_set,
    "context.get": _context_get,
    "context.delete": _context_delete,
    "flag.set": _flag_set,
    "flag.clear": _flag_clear,
    "respond": _respond,
    "handoff": _handoff,
    "webhook": api_call,
    "api_call": api_call,
    "conditional": _conditional,
    "validate": _validate,
    "transform": _transform,
    "end_call": _end,
    "transfer_call": _transfer,
    "send_dtmf": _dtmf,
}
