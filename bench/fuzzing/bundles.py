"""Files to be imported: ours and older ones, as YAML and as JSON, whole and spoilt."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from bench.fuzzing.making import chance, mutate, nested, value
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
"""The time an import takes grows with what there is: these are small files."""
NAMES = ("name", "slug", "nodes", "actions", "type", "agent_name", "prompt", "x", "")


def case(random: Random) -> str:
    whole = copy.deepcopy(random.choice((BUNDLE, LEGACY_BUNDLE)))
    for _ in range(random.choice((0, 0, 1, 2))):
        _mutate_value(random, whole)
    try:
        text = json.dumps(whole) if chance(random, 0.5) else str(write_yaml(whole))
    except (ValueError, RecursionError):
        text = json.dumps(BUNDLE)
    return mutate(random, text)[:MAX_LENGTH] if chance(random, 0.4) else text


def _mutate_value(random: Random, place: Any) -> None:
    """Something on the way down is replaced, removed or put in."""
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(place[key], dict | list) and chance(random, 0.7):
            place = place[key]
            continue
        if chance(random, 0.3):
            del place[key]
        elif isinstance(place, dict) and chance(random, 0.3):
            place[random.choice(NAMES)] = value(random, NAMES, 2)
        else:
            place[key] = nested(40, 1) if chance(random, 0.05) else value(random, NAMES, 2)
        return


def _clear_caches() -> None:
    templates.parse.cache_clear()
    expressions.parse.cache_clear()
    compile_pattern.cache_clear()


def _import(text: str) -> None:
    imported = import_text(text)
    assert imported.bundle is not None


IMPORT = Target("import", case, _import, _clear_caches)
