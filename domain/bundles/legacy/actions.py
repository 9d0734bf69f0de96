"""Converts the actions of tools in legacy configs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from domain.bundles.legacy.api_calls import api_call
from domain.bundles.legacy.converter import TEMPLATE_NAMESPACES, Item
from domain.bundles.legacy.text import shorten, without_empty
from domain.common.errors import InvalidInput
from domain.templating.validation import check_readable
from domain.tools.actions import Operation
from domain.tools.http_validation import ACTION_NAMESPACES

Actions = list[dict[str, Any]]

UNCONVERTED: Mapping[str, Any] = {
    "validate": {"rules": [{"condition": "false", "message": "The action was not imported."}]}
}
"""Stands in for an action that cannot be converted. It fails, so that no tool reports a success that
did not happen."""


def convert_actions(item: Item, *keys: str) -> Actions:
    here = item.at(item.present_key(*keys))
    return [
        action
        for each in item.converter.items(item.take(*keys), here)
        for action in _convert_action(each) or [dict(UNCONVERTED)]
    ]


def _convert_action(item: Item) -> Actions:
    """The current form of an action; empty if it cannot be converted, which is reported."""
    type_ = item.text("type", "action") or ""
    if "config" in item:
        inside = item.converter.item(item.take("config"), item.at("config")).take_rest()
        item = item.converter.item({**inside, **item.take_rest()}, item.path)
    item.ignore("id", "order")
    convert = ACTION_CONVERTERS.get(
        type_.replace("_", ".") if type_.startswith(("context", "flag")) else type_
    )
    if convert is None:
        # The finding covers the whole action, so its keys need no findings of their own.
        item.take_rest()
        item.converter.not_converted(item.path, f"There is no action of type {type_[:60]!r}.")
        return []
    actions = convert(item)
    item.reject_unused()
    return actions


def written_keys(value: Any) -> Iterator[str]:
    """The names without a namespace that the actions in a value write."""
    if isinstance(value, list):
        for each in value:
            yield from written_keys(each)
    elif isinstance(value, Mapping):
        if str(value.get("type") or value.get("action")).replace("_", ".") == "context.set":
            data = value.get("data")
            targets = [
                value.get("path"),
                value.get("key"),
                *(data if isinstance(data, dict) else ()),
            ]
            names = (str(each).removesuffix("[+]").partition(".")[0] for each in targets if each)
            yield from (name for name in names if name not in TEMPLATE_NAMESPACES)
        for each in value.values():
            yield from written_keys(each)


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
            converter.not_converted(item.at("path"), f"{str(target)[:80]!r} is not a valid path.")
            continue
        actions += _set_value(item, path, value)
    if not values:
        converter.not_converted(item.path, "The action does not name a value to set.")
    return actions


def _set_value(item: Item, path: str, value: Any) -> Actions:
    if path.startswith("flags.") and isinstance(value, bool):
        return [{"flagSet" if value else "flagClear": {"flag": _flag_name(item, path)}}]
    return [{"contextSet": {"path": path, "value": item.converter.value(value, item.at("value"))}}]


def _context_get(item: Item) -> Actions:
    where = str(item.take("path", "key") or "").removeprefix("{{").removesuffix("}}").strip()
    path = item.converter.readable(where, item.at("path")) if where else ""
    try:
        check_readable(path, item.at("path"), ACTION_NAMESPACES)
    except InvalidInput as problem:
        item.converter.not_converted(item.path, f"The action reads no value: {problem.message}")
        return []
    return [{"contextGet": {"path": path}}]


def _context_delete(item: Item) -> Actions:
    path = item.converter.writable(item.take("path", "key"), item.at("path"))
    if path is None:
        item.converter.not_converted(item.path, "The action does not name a value to delete.")
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
        item.converter.not_converted(item.path, "The action does not name a flag.")
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
    if not message:
        item.converter.not_converted(item.path, "The action has no message.")
    text = item.converter.value(message, item.at("message"))
    return [{"respond": {"message": text}}] if text else []


def _handoff(item: Item) -> Actions:
    converter = item.converter
    name = item.text("node", "target", "target_agent", "agent", "agent_name", "to", "target_id")
    if not name:
        converter.not_converted(item.path, "The action does not name an agent.")
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
    if legacy_condition in (None, ""):
        item.converter.not_converted(item.path, "The action has no condition.")
    then = convert_actions(item, "then", "actions", "on_true", "if_true")
    otherwise = convert_actions(item, "otherwise", "else", "else_actions", "on_false", "if_false")
    if condition is None:
        return []
    return [
        {"conditional": {"condition": condition, **without_empty(then=then, otherwise=otherwise)}}
    ]


def _validate(item: Item) -> Actions:
    legacy_rules = item.converter.items(item.take("rules"), item.at("rules"))
    if not legacy_rules:
        item.converter.not_converted(item.path, "The action has no rules.")
    rules = [rule for each in legacy_rules if (rule := _rule(each))]
    return [{"validate": {"rules": rules}}] if rules else []


def _rule(item: Item) -> dict[str, str] | None:
    converter = item.converter
    written = item.take("condition", "expression")
    condition = converter.condition(written, item.at("condition"), ACTION_NAMESPACES)
    message = converter.template(item.text("message", "error"), item.at("message"))
    if written in (None, ""):
        rest = shorten(item.take_rest())
        converter.not_converted(item.path, f"The rule {rest} has no condition.")
    item.reject_unused()
    if condition is None:
        return None
    return {"condition": condition, "message": message or f"{condition} must hold."}


def _transform(item: Item) -> Actions:
    operation = (item.text("operation", "op") or "").upper()
    path = item.converter.writable(item.take("path", "target", "output"), item.at("path"))
    value = item.converter.value(item.take("value", "input", "source"), item.at("value"))
    if operation not in list(Operation) or path is None:
        # The finding covers the whole action, so its keys need no findings of their own.
        item.take_rest()
        known = ", ".join(each.lower() for each in Operation)
        item.converter.not_converted(
            item.path, f"A transform needs a path and one of the operations {known}."
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
    if not number:
        item.converter.not_converted(item.path, "The action does not name a number.")
    return [{"transferCall": {"number": number}}] if number else []


def _dtmf(item: Item) -> Actions:
    digits = item.converter.value(item.text("digits"), item.at("digits"))
    if not digits:
        item.converter.not_converted(item.path, "The action has no digits to send.")
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
