"""Findings about tools that read a response before there is one, or a part that it does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial

from domain.common.findings import Finding, FindingCode
from domain.tools.actions import ApiCall, Conditional, McpCall, ToolAction
from domain.tools.model import ToolSpec
from domain.verification.reporting import error, join_names, warning
from domain.verification.variable_usage import Read, tool_reads

Actions = tuple[ToolAction, ...]

PARTS: dict[type[ToolAction], tuple[str, ...]] = {
    ApiCall: ("status", "body"),
    McpCall: ("content", "structured"),
}
"""The parts of the response of each kind of request."""


def findings(name: str, tool: ToolSpec) -> Iterator[Finding]:
    # An action may read the response in many places.
    possible_requests = cache(partial(_possible_requests, tool))
    for read in tool_reads(tool, ("tools", name)):
        if read.segments[0] == "response":
            requests = possible_requests(read.path[2], int(read.path[3]))
            if not requests:
                yield _too_early(read)
            elif len(read.segments) > 1:
                yield from _unknown_part(read, requests)


def _too_early(read: Read) -> Finding:
    return error(
        FindingCode.RESPONSE_TOO_EARLY,
        read.path,
        "No action before this one sends a request, so there is no response to read.",
        "Add an apiCall or mcpCall before this action.",
    )


def _unknown_part(read: Read, requests: Sequence[type[ToolAction]]) -> Iterator[Finding]:
    parts = [part for request in requests for part in PARTS[request]]
    if read.segments[1] not in parts:
        kinds = " or ".join(
            "an MCP call" if kind is McpCall else "an API call" for kind in requests
        )
        yield warning(
            FindingCode.UNKNOWN_RESPONSE_PART,
            read.path,
            f"After {kinds}, the response has no {read.segments[1]!r}, so this is always empty.",
            f"Read one of {join_names(f'response.{part}' for part in parts)}.",
        )


def _possible_requests(tool: ToolSpec, section: str, index: int) -> list[type[ToolAction]]:
    """The kinds of requests whose response an action may read. Within one action, such as the
    branches of a conditional, the order of requests and reads is not examined."""
    chains: Mapping[str, tuple[Actions, Actions]] = {
        "actions": (tool.actions, ()),
        "onSuccess": (tool.on_success, tool.actions),
        "onFailure": (tool.on_failure, (*tool.actions, *tool.on_success)),
    }
    chain, before = chains[section]
    actions = chain[: index + 1]
    if isinstance(actions[-1], ApiCall | McpCall):
        actions = actions[:-1]
    kinds: list[type[ToolAction]] = []
    for action in reversed(actions):
        kinds += _kinds_in((action,))
        if isinstance(action, ApiCall | McpCall):
            break
    else:
        kinds += _kinds_in(before)
    return list(dict.fromkeys(kinds))


def _kinds_in(actions: Sequence[ToolAction]) -> list[type[ToolAction]]:
    kinds: list[type[ToolAction]] = []
    for action in actions:
        if isinstance(action, ApiCall | McpCall):
            kinds.append(type(action))
        elif isinstance(action, Conditional):
            kinds += _kinds_in((*action.then, *action.otherwise))
    return list(dict.fromkeys(kinds))
