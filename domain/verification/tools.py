"""Tools: whether what their steps name is there where they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from domain.common.findings import Finding, FindingCode
from domain.tenants.settings import TenantSettings
from domain.tools.actions import ApiCall, Conditional, Handoff, McpCall, ToolAction
from domain.tools.model import ToolSpec, all_actions
from domain.verification.reporting import Path, error, warning
from domain.verification.variable_usage import Read, tool_reads
from domain.workflows.model import Snapshot

_C = FindingCode


def findings(snapshot: Snapshot, settings: TenantSettings | None) -> Iterator[Finding]:
    at = _nodes_using(snapshot)
    ids = {node.id for node in snapshot.workflow.nodes}
    joined = frozenset((c.source, c.target) for c in snapshot.workflow.connections)
    for name, tool in snapshot.tools.items():
        for path, step in all_actions(tool, ("tools", name)):
            if isinstance(step, Handoff):
                here = (*path, "handoff", "node")
                if step.node in ids:
                    yield from _handoff(step, here, at[name], joined)
                else:
                    yield _unknown_node(step, here)
            elif settings is not None and isinstance(step, ApiCall | McpCall):
                yield from _server(step, path, settings)
        yield from _parameters(name, tool)
        yield from _responses(name, tool)


def _nodes_using(snapshot: Snapshot) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in snapshot.tools}
    for node in snapshot.workflow.nodes:
        agent = snapshot.agents.get(node.agent)
        for tool in agent.tools if agent else ():
            if tool in found:
                found[tool].append(node.id)
    return found


def _unknown_node(step: Handoff, path: Path) -> Finding:
    return error(
        _C.UNKNOWN_NODE,
        path,
        f"There is no node {step.node!r}.",
        "Name a node of the workflow.",
    )


def _handoff(
    step: Handoff, path: Path, nodes: Sequence[str], joined: frozenset[tuple[str, str]]
) -> Iterator[Finding]:
    without = [node for node in nodes if (node, step.node) not in joined]
    if without:
        tell = error if len(without) == len(nodes) else warning
        yield tell(
            _C.HANDOFF_WITHOUT_CONNECTION,
            path,
            f"No connection leads from {without[0]!r} to {step.node!r}, so it would be refused.",
            "Connect the two, or take the tool off that agent.",
        )


def _server(step: ApiCall | McpCall, path: Path, settings: TenantSettings) -> Iterator[Finding]:
    if isinstance(step, ApiCall):
        if step.endpoint and settings.endpoint(step.endpoint) is None:
            yield error(
                _C.UNKNOWN_ENDPOINT,
                (*path, "apiCall", "endpoint"),
                f"The settings have no endpoint {step.endpoint!r}.",
                "Add it to the settings, or name another.",
            )
        return
    server = settings.mcp_server(step.server)
    if server is None:
        yield error(
            _C.UNKNOWN_MCP_SERVER,
            (*path, "mcpCall", "server"),
            f"The settings have no MCP server {step.server!r}.",
            "Add it to the settings, or name another.",
        )
    elif step.tool not in server.allow:
        yield error(
            _C.MCP_TOOL_NOT_ALLOWED,
            (*path, "mcpCall", "tool"),
            f"The settings do not allow the tool {step.tool!r} of {step.server!r}.",
            "Add it to allow of that server, or use another.",
        )


def _parameters(name: str, tool: ToolSpec) -> Iterator[Finding]:
    """A parameter that is read and that the model is not asked for."""
    declared = tool.parameters.get("properties", {})
    strict = tool.parameters.get("additionalProperties") is False
    tell = error if strict else warning
    for read in tool_reads(tool, ("tools", name)):
        if (
            read.segments[0] == "params"
            and len(read.segments) > 1
            and read.segments[1] not in declared
        ):
            yield tell(
                _C.UNKNOWN_PARAMETER,
                read.path,
                f"The parameters have no {read.segments[1]!r}.",
                "Add it to the parameters, or read another.",
            )


def _responses(name: str, tool: ToolSpec) -> Iterator[Finding]:
    """An answer that is read before anybody was asked."""
    first = _first_request(tool.actions)
    for read in tool_reads(tool, ("tools", name)):
        if read.segments[0] == "response" and _reads_too_early(read, first):
            yield error(
                _C.RESPONSE_TOO_EARLY,
                read.path,
                "No step before this one asks a server, so there is no response to read.",
                "Put an apiCall or mcpCall before it.",
            )


def _first_request(actions: tuple[ToolAction, ...]) -> int | None:
    """The first step that asks a server, or has a branch that does."""
    for place, action in enumerate(actions):
        if isinstance(action, ApiCall | McpCall) or (
            isinstance(action, Conditional)
            and any(_first_request(chain) is not None for chain in (action.then, action.otherwise))
        ):
            return place
    return None


def _reads_too_early(read: Read, first: int | None) -> bool:
    """Whether the step that reads comes before; within one step nothing is claimed."""
    chain, place = read.path[2], read.path[3]
    if chain != "actions":
        return first is None
    return first is None or int(place) < first
