"""MCP servers of tests: they answer tool calls with stubs, in the protocol of real servers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.tenants.settings import TenantSettings
from domain.tool_execution.mcp import PROTOCOL_VERSION
from domain.tools.http import HttpRequest, HttpResponse

INVALID_PARAMS = -32_602
"""The JSON-RPC error code that MCP servers return for an unknown tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpStub:
    """The result of a tool of an MCP server: a text, or JSON that becomes the structured result.
    `error`: the tool reports that it failed."""

    server: str
    tool: str
    result: Any = None
    error: bool = False


class StubMcpServers:
    """The MCP servers of the settings for which there are stubs."""

    def __init__(self, stubs: Sequence[McpStub], settings: TenantSettings) -> None:
        self._stubs = list(stubs)
        stubbed = {stub.server for stub in stubs}
        self._servers = {s.url: s.name for s in settings.mcp_servers if s.name in stubbed}

    def respond(self, request: HttpRequest) -> HttpResponse | None:
        """The response to the request; None if it is not one to a server with stubs."""
        server = self._servers.get(request.url)
        if server is None:
            return None
        message = json.loads(request.body or b"{}")
        if "id" not in message:
            return HttpResponse(202, {}, b"", 0.0)
        answer = self._answer(server, message["method"], message.get("params", {}))
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}, default=str)
        return HttpResponse(200, {"content-type": "application/json"}, body.encode(), 0.0)

    def _answer(self, server: str, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if method != "tools/call":
            return {"result": {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}}}
        stub = self._take(server, params.get("name"))
        if stub is None:
            message = f"There is no stub for the tool {params.get('name')!r}."
            return {"error": {"code": INVALID_PARAMS, "message": message}}
        return {"result": _tool_result(stub)}

    def _take(self, server: str, tool: Any) -> McpStub | None:
        """The first stub of the tool. Each is used once, except the last, which repeats."""
        matching = [stub for stub in self._stubs if (stub.server, stub.tool) == (server, tool)]
        if len(matching) > 1:
            self._stubs.remove(matching[0])
        return matching[0] if matching else None


def _tool_result(stub: McpStub) -> Mapping[str, Any]:
    is_text = isinstance(stub.result, str)
    text = stub.result if is_text else json.dumps(stub.result, ensure_ascii=False, default=str)
    content = [] if stub.result is None else [{"type": "text", "text": text}]
    structured = {} if is_text or stub.result is None else {"structuredContent": stub.result}
    return {"content": content, "isError": stub.error, **structured}
