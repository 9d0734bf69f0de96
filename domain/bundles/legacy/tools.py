"""Tools of older configs, and their parameters."""

from __future__ import annotations

from typing import Any

from domain.bundles.legacy.actions import chain
from domain.bundles.legacy.agents import forget
from domain.bundles.legacy.converter import Item
from domain.bundles.legacy.text import given
from domain.json_schema.parameters import TYPES


def tool(item: Item) -> dict[str, Any]:
    to = item.to
    name = to.identifier(item.take("name"), item.at("name"))
    description = item.text("description")
    if not description:
        description = name.replace("_", " ").capitalize()
        to.converted(item.at("description"), f"A model needs a description: {description!r}.")
    actions = chain(item, "actions")
    if not actions:
        to.converted(item.at("actions"), "A tool needs an action, so it answers: Done.")
        actions = [{"respond": {"message": "Done."}}]
    made = {
        "name": name,
        "description": description,
        **given(parameters=_parameters(item)),
        "actions": actions,
        **given(
            onSuccess=chain(item, "on_success", "onSuccess"),
            onFailure=chain(item, "on_failure", "onFailure"),
            timeout=item.number("timeout", least=1, most=60),
            confirm=item.flag("confirm"),
        ),
    }
    forget(item)
    item.done()
    return made


def _parameters(item: Item) -> dict[str, Any] | None:
    value, here = item.take("parameters"), item.at("parameters")
    if isinstance(value, dict):
        if value.get("type") == "object":
            return value
        value = [{"name": k, **v} if isinstance(v, dict) else k for k, v in value.items()]
    if not value:
        return None
    item.to.converted(here, "The list of parameters is now a JSON Schema.")
    properties, required = {}, []
    for each in item.to.items(value, here):
        name = each.text("name") or ""
        if not name:
            item.to.dropped(each.path, "A parameter needs a name.")
            continue
        if each.flag("required"):
            required.append(name)
        properties[name] = _property(each)
    return {
        "type": "object",
        "properties": properties,
        **given(required=required),
        "additionalProperties": False,
    }


def _property(each: Item) -> dict[str, Any]:
    type_ = (each.text("type") or "string").lower()
    known = {"int": "integer", "float": "number", "bool": "boolean", "list": "array"}
    made = known.get(type_, type_)
    if made not in TYPES:
        each.to.dropped(each.at("type"), f"{type_!r} is no type; any value is taken.")
    elif made != type_:
        each.to.converted(each.at("type"), f"{type_} is now {made}.")
    enum, default = each.take("enum"), each.take("default")
    schema = {
        **({"type": made} if made in TYPES else {}),
        **given(description=each.text("description"), items=each.take("items")),
        **given(enum=enum if isinstance(enum, list) else None),
        **({} if default is None else {"default": default}),
    }
    if enum is not None and not isinstance(enum, list):
        each.to.dropped(each.at("enum"), "enum is a list of values.")
    each.done()
    return schema
