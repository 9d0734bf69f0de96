"""Findings about tools: whether nodes, endpoints and parameters that their actions name exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from domain.common.findings import Finding, FindingCode
from domain.tenants.settings import TenantSettings
from domain.tools.actions import ApiCall, Handoff, McpCall
from domain.tools.model import ToolSpec, all_actions
from domain.verification import digits, parameters, responses
from domain.verification.reporting import Path, error, warning
from domain.verification.variable_usage import tool_reads
from domain.verification.work import WorkBudget
from domain.workflows.model import Snapshot

_C = FindingCode


def findings(
    snapshot: Snapshot, settings: TenantSettings | None, budget: WorkBudget
) -> Iterator[Finding]:
    nodes_by_tool = _nodes_by_tool(snapshot)
    ids = {node.id for node in snapshot.workflow.nodes}
    connected = frozenset((c.source, c.target) for c in snapshot.workflow.connections)
    for name, tool in snapshot.tools.items():
        for path, action in all_actions(tool, ("tools", name)):
            if isinstance(action, Handoff):
                here = (*path, "handoff", "node")
                if action.node in ids:
                    yield from _handoff(action, here, nodes_by_tool[name], connected)
                else:
                    yield _unknown_node(action, here)
        yield from tool_findings(name, tool, settings, budget)


def tool_findings(
    name: str, tool: ToolSpec, settings: TenantSettings | None, budget: WorkBudget
) -> Iterator[Finding]:
    """The findings that do not depend on a workflow."""
    for path, action in all_actions(tool, ("tools", name)):
        if settings is not None and isinstance(action, ApiCall | McpCall):
            yield from _server(action, path, settings)
    yield from _undeclared_parameters(name, tool)
    yield from parameters.findings(name, tool, budget)
    yield from responses.findings(name, tool)
    yield from digits.findings(name, tool)


def _nodes_by_tool(snapshot: Snapshot) -> Mapping[str, list[str]]:
    nodes: dict[str, list[str]] = {name: [] for name in snapshot.tools}
    for node in snapshot.workflow.nodes:
        agent = snapshot.agents.get(node.agent)
        for tool in agent.tools if agent else ():
            if tool in nodes:
                nodes[tool].append(node.id)
    return nodes


def _unknown_node(action: Handoff, path: Path) -> Finding:
    return error(
        _C.UNKNOWN_NODE,
        path,
        f"There is no node with the id {action.node!r}.",
        "Use the id of a node of the workflow.",
    )


def _handoff(
    action: Handoff, path: Path, nodes: Sequence[str], connected: frozenset[tuple[str, str]]
) -> Iterator[Finding]:
    unconnected = [node for node in nodes if (node, action.node) not in connected]
    if unconnected:
        report = error if len(unconnected) == len(nodes) else warning
        yield report(
            _C.HANDOFF_WITHOUT_CONNECTION,
            path,
            f"No connection leads from {unconnected[0]!r} to {action.node!r}, so the hand-off "
            "would be refused.",
            "Connect the two nodes, or remove the tool from that agent.",
        )


def _server(action: ApiCall | McpCall, path: Path, settings: TenantSettings) -> Iterator[Finding]:
    if isinstance(action, ApiCall):
        if action.endpoint and settings.endpoint(action.endpoint) is None:
            yield error(
                _C.UNKNOWN_ENDPOINT,
                (*path, "apiCall", "endpoint"),
                f"The settings have no endpoint named {action.endpoint!r}.",
                "Add it to the settings, or use another one.",
            )
        return
    server = settings.mcp_server(action.server)
    if server is None:
        yield error(
            _C.UNKNOWN_MCP_SERVER,
            (*path, "mcpCall", "server"),
            f"The settings have no MCP server named {action.server!r}.",
            "Add it to the settings, or use another one.",
        )
    elif action.tool not in server.allow:
        yield error(
            _C.MCP_TOOL_NOT_ALLOWED,
            (*path, "mcpCall", "tool"),
            f"The settings do not allow the tool {action.tool!r} of the MCP server "
            f"{action.server!r}.",
            "Add the tool to allow of that server in the settings, or use another tool.",
        )


def _undeclared_parameters(name: str, tool: ToolSpec) -> Iterator[Finding]:
    """Parameters that an action reads but the tool does not declare."""
    declared = tool.parameters.get("properties", {})
    strict = tool.parameters.get("additionalProperties") is False
    report = error if strict else warning
    for read in tool_reads(tool, ("tools", name)):
        if (
            read.segments[0] == "params"
            and len(read.segments) > 1
            and read.segments[1] not in declared
        ):
            yield report(
                _C.UNKNOWN_PARAMETER,
                read.path,
                f"The tool has no parameter named {read.segments[1]!r}.",
                "Add it to parameters, or read another parameter.",
            )
