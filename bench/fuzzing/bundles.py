"""Inputs for the import: current and legacy bundles, as YAML and JSON, valid and mutated."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from bench.fuzzing.generators import chance, mutate, nested, value
from bench.fuzzing.run import Target
from domain.bundles.imports import import_text
from domain.bundles.yaml_writer import write_yaml
from domain.json_schema.schema import compile_pattern
from domain.templating import expressions, templates

BUNDLE: Any = {
    "tools": [
        {
            "name": "book",
            "description": "Books.",
            "parameters": {"type": "object", "properties": {"slot": {"type": "string"}}},
            "actions": [
                {"contextSet": {"path": "workflow.slot", "value": "{{params.slot | trim}}"}},
                {"conditional": {"condition": "flags.x", "then": [{"endCall": True}]}},
            ],
        }
    ],
    "agents": [
        {
            "name": "desk",
            "prompt": {"system": "Hello {{user.name}}.", "greeting": "Hi."},
            "llm": {"provider": "scripted", "options": {"rules": [{"says": "Hm."}]}},
            "tools": ["book"],
        }
    ],
    "workflows": [
        {
            "slug": "w",
            "nodes": [
                {"id": "a", "agent": "desk", "isEntry": True},
                {"id": "b", "agent": "desk", "isExit": True, "skipCondition": "not flags.x"},
            ],
            "connections": [{"source": "a", "target": "b", "condition": "flags.x"}],
        }
    ],
}
LEGACY_BUNDLE: Any = {
    "agents": [
        {
            "name": "meal_logger",
            "prompt": {"system": "Meals: {{logged_meals}}."},
            "handoffs": [{"target_agent": "nurse", "conditions": ["sick"]}],
        }
    ],
    "tools": [
        {
            "name": "log-meal",
            "description": "Logs.",
            "parameters": [{"name": "meal", "type": "string", "required": True}],
            "actions": [
                {"type": "context.set", "key": "logged_meals[+]", "value": "params"},
                {"type": "webhook", "endpoint": "meal.log", "payload": {"m": "{{params.meal}}"}},
            ],
        }
    ],
    "workflows": [
        {
            "slug": "daily",
            "nodes": [{"id": "meal-node", "agent_name": "meal_logger", "is_entry": True}],
            "connections": [{"source_id": "meal-node", "target_id": "meal-node"}],
        }
    ],
}
MAX_LENGTH = 1_000
"""In characters. The time of an import grows with the size of the file, so the inputs are small."""
NAMES = ("name", "slug", "nodes", "actions", "type", "agent_name", "prompt", "x", "")


def case(random: Random) -> str:
    bundle = copy.deepcopy(random.choice((BUNDLE, LEGACY_BUNDLE)))
    for _ in range(random.choice((0, 0, 1, 2))):
        _mutate_value(random, bundle)
    try:
        text = json.dumps(bundle) if chance(random, 0.5) else str(write_yaml(bundle))
    except (ValueError, RecursionError):
        text = json.dumps(BUNDLE)
    return mutate(random, text)[:MAX_LENGTH] if chance(random, 0.4) else text


def _mutate_value(random: Random, container: Any) -> None:
    """Replace, remove or insert a value at a random depth."""
    while True:
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(container[key], dict | list) and chance(random, 0.7):
            container = container[key]
            continue
        if chance(random, 0.3):
            del container[key]
        elif isinstance(container, dict) and chance(random, 0.3):
            container[random.choice(NAMES)] = value(random, NAMES, 2)
        else:
            container[key] = nested(40, 1) if chance(random, 0.05) else value(random, NAMES, 2)
        return


def _clear_caches() -> None:
    templates.parse.cache_clear()
    expressions.parse.cache_clear()
    compile_pattern.cache_clear()


def _import(text: str) -> None:
    imported = import_text(text)
    assert imported.bundle is not None


IMPORT = Target("import", case, _import, _clear_caches)
