"""The settings that a bundle needs: those that its agents and tools use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from domain.bundles.model import Bundle, write_bundle
from domain.bundles.structuring import unstructure
from domain.templating.templates import strings_in
from domain.tenants.settings import Defaults, TenantSettings
from domain.tools.actions import ApiCall, McpCall
from domain.tools.model import all_actions
from domain.workflows.agents import AgentSpec

_VALUE = re.compile(r"\btenant\.settings(?:\.([A-Za-z0-9_]+))?")
"""A path that reads a value of the settings, in a template or a condition."""


def used_settings(bundle: Bundle, settings: TenantSettings) -> TenantSettings:
    """The endpoints, the MCP servers and the values that the bundle names, and the defaults of what
    its agents do not choose."""
    actions = [action for tool in bundle.tools for _, action in all_actions(tool)]
    endpoints = {action.endpoint for action in actions if isinstance(action, ApiCall)}
    servers = {action.server for action in actions if isinstance(action, McpCall)}
    used = TenantSettings(
        defaults=_used_defaults(bundle, settings.defaults),
        endpoints=tuple(each for each in settings.endpoints if each.name in endpoints),
        mcp_servers=tuple(each for each in settings.mcp_servers if each.name in servers),
    )
    texts = (write_bundle(bundle), unstructure(used))
    return TenantSettings(
        defaults=used.defaults,
        endpoints=used.endpoints,
        mcp_servers=used.mcp_servers,
        values=_used_values(texts, settings.values),
    )


def _used_defaults(bundle: Bundle, defaults: Defaults) -> Defaults:
    return Defaults(
        **{
            field.name: getattr(defaults, field.name)
            for field in fields(Defaults)
            if any(_inherits(agent, field.name) for agent in bundle.agents)
        }
    )


def _inherits(agent: AgentSpec, name: str) -> bool:
    if name == "language":
        return agent.default_language is None and not agent.languages
    return getattr(agent, name) is None


def _used_values(texts: Any, values: Mapping[str, Any]) -> Mapping[str, Any]:
    names = {name for _, text in strings_in(texts) for name in _value_names(text)}
    if "" in names:
        return values
    return {name: value for name, value in values.items() if name in names}


def _value_names(text: str) -> Iterator[str]:
    """The names of the values that a text reads; empty if it reads all of them."""
    return (match[1] or "" for match in _VALUE.finditer(text))
