"""Stubs for the servers that the tools of a past call used.

The log has no responses, so a stub contains what the tool saved of the response, or returned to the model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from domain.calls.events import (
    CallEvent,
    ContextChanged,
    DtmfCollected,
    ToolFinished,
    ToolOutcome,
    ToolStarted,
)
from domain.templating import templates
from domain.tool_execution.executor import DONE
from domain.tools.actions import ApiCall, ContextGet, McpCall, Respond
from domain.tools.model import ToolSpec, all_actions

_STATUS = re.compile(r"responded with status (\d{3})")

Stubs = dict[str, list[dict[str, Any]]]


MASKED_DIGIT = "0"
"""Stands for each of the digits that were masked."""


def recorded_digits(events: Iterable[CallEvent]) -> list[str]:
    """What the caller pressed in each attempt when a tool asked for digits. What is not known is empty,
    and masked digits are others."""
    digits: list[str] = []
    for event in events:
        if isinstance(event, DtmfCollected):
            last = MASKED_DIGIT * event.count if event.pressed is None else event.pressed
            digits += [*[""] * (event.attempts - 1), last]
    return digits


def recorded_stubs(events: Iterable[CallEvent], tools: Mapping[str, ToolSpec]) -> Stubs:
    """The stubs of a case, as plain data, in the order in which they are used."""
    stubs: Stubs = {"http": [], "mcp": []}
    saved: dict[str, Any] = {}
    for event in events:
        match event:
            case ToolStarted():
                saved = {}
            case ContextChanged(removed=False):
                saved[event.path] = event.value
            case ToolFinished() if event.tool in tools and event.outcome in _RAN:
                _add(stubs, event, tools[event.tool], saved)
    return stubs


_RAN = (ToolOutcome.SUCCEEDED, ToolOutcome.FAILED)


def _add(stubs: Stubs, event: ToolFinished, tool: ToolSpec, saved: Mapping[str, Any]) -> None:
    for _, action in all_actions(tool):
        match action:
            case ApiCall():
                stubs["http"].append(_http_stub(action, event, tool, saved))
            case McpCall(server=server, tool=name):
                result = _response(action.save, saved, event.node)
                answer = result.get("structured", result.get("content", event.result))
                stub = {"server": server, "tool": name, "result": answer}
                failed = event.outcome is ToolOutcome.FAILED
                stubs["mcp"].append({**stub, "error": True} if failed else stub)


def _http_stub(
    call: ApiCall, event: ToolFinished, tool: ToolSpec, saved: Mapping[str, Any]
) -> dict[str, Any]:
    stub: dict[str, Any] = {"request": _pattern(call)}
    if event.outcome is ToolOutcome.FAILED:
        status = _STATUS.search(str(event.result))
        return {**stub, "status": int(status[1]) if status else 500}
    body = _response(call.save, saved, event.node).get("body")
    if body is None and not any(isinstance(a, Respond | ContextGet) for _, a in all_actions(tool)):
        body = _json(event.result)
    return stub if body is None else {**stub, "body": body}


def _pattern(call: ApiCall) -> str:
    """The method and the URL; what differs from request to request matches anything."""
    parts = [part if isinstance(part, str) else "*" for part in templates.parse(call.url)]
    url = "".join(parts).replace("[", "[[]")
    return f"{call.method} {'*' if call.endpoint else ''}{url.rstrip('*')}*"


def _response(save: Mapping[str, str], saved: Mapping[str, Any], node: str) -> dict[str, Any]:
    """The parts of the response that the tool saved, by their paths in it."""
    response: dict[str, Any] = {}
    for target, source in save.items():
        namespace, _, rest = target.partition(".")
        path = f"agents.{node}.{rest}" if namespace == "agent" else target
        if path in saved and not path.endswith("[+]"):
            _put(response, source.split("."), saved[path])
    return response


def _put(values: dict[str, Any], segments: list[str], value: Any) -> None:
    *parents, last = segments
    for segment in parents:
        values = values.setdefault(segment, {})
        if not isinstance(values, dict):
            return
    values[last] = value


def _json(result: Any) -> Any:
    if not isinstance(result, str) or result == DONE:
        return None
    try:
        return json.loads(result)
    except (ValueError, RecursionError):
        return result
