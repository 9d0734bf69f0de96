"""Converts the tools of legacy configs and their parameters."""

from __future__ import annotations

from typing import Any

from domain.bundles.legacy.actions import UNCONVERTED, convert_actions
from domain.bundles.legacy.agents import ignore_bookkeeping
from domain.bundles.legacy.converter import Item
from domain.bundles.legacy.text import without_empty
from domain.json_schema.parameters import TYPES

SCHEMA_KEYWORDS = (
    *("items", "properties", "minimum", "maximum", "minLength", "maxLength"),
    *("minItems", "maxItems", "pattern", "format"),
)
"""Keywords of JSON Schema that a parameter may have as they are."""


def tool(item: Item) -> dict[str, Any]:
    converter = item.converter
    name = converter.identifier(item.take("name"), item.at("name"))
    description = item.text("description")
    if not description:
        description = name.replace("_", " ").capitalize()
        converter.converted(
            item.at("description"),
            f"The tool had no description, which models need; it is now {description!r}.",
        )
    actions = convert_actions(item, "actions")
    if not actions:
        converter.not_converted(item.at("actions"), "The tool has no actions, so it does nothing.")
        actions = [dict(UNCONVERTED)]
    result = {
        "name": name,
        "description": description,
        **without_empty(parameters=_parameters(item)),
        "actions": actions,
        **without_empty(
            onSuccess=convert_actions(item, "on_success", "onSuccess"),
            onFailure=convert_actions(item, "on_failure", "onFailure"),
            timeout=item.number("timeout", minimum=1, maximum=60),
            confirm=item.flag("confirm"),
        ),
    }
    ignore_bookkeeping(item)
    item.reject_unused()
    return result


def _parameters(item: Item) -> dict[str, Any] | None:
    value, here = item.take("parameters"), item.at("parameters")
    if isinstance(value, dict):
        if value.get("type") == "object":
            return value
        value = [{"name": k, **v} if isinstance(v, dict) else k for k, v in value.items()]
    if not value:
        return None
    item.converter.converted(here, "The list of parameters is now a JSON Schema.")
    properties: dict[str, Any] = {}
    required = []
    for each in item.converter.items(value, here):
        name = each.text("name") or ""
        if not name or name in properties:
            problem = f"The parameter {name!r} is listed twice." if name else "It has no name."
            item.converter.not_converted(each.path, problem)
            continue
        if each.flag("required"):
            required.append(name)
        properties[name] = _property(each)
    return {
        "type": "object",
        "properties": properties,
        **without_empty(required=required),
        "additionalProperties": False,
    }


def _property(each: Item) -> dict[str, Any]:
    type_ = (each.text("type") or "string").lower()
    known = {"int": "integer", "float": "number", "bool": "boolean", "list": "array"}
    current = known.get(type_, type_)
    if current not in TYPES:
        each.converter.not_converted(
            each.at("type"),
            f"{type_[:40]!r} is not a known type; the types are {', '.join(TYPES)}.",
        )
    elif current != type_:
        each.converter.converted(each.at("type"), f"The type {type_} is now {current}.")
    enum, default = each.take("enum"), each.take("default")
    if enum is not None and not isinstance(enum, list):
        each.converter.not_converted(each.at("enum"), "enum must be a list of values.")
    keywords = {key: each.take(key) for key in SCHEMA_KEYWORDS}
    schema = {
        **({"type": current} if current in TYPES else {}),
        **without_empty(description=each.text("description")),
        **({"enum": enum} if isinstance(enum, list) else {}),
        **({} if default is None else {"default": default}),
        **{key: keyword for key, keyword in keywords.items() if keyword is not None},
    }
    each.report_unused()
    return schema
