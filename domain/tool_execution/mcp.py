"""Tools of MCP servers: Model Context Protocol over streamable HTTP (revision 2025-06-18).

Every tool call opens a session and ends it, so no session state has to be stored or to survive a
crash."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from domain.tools.http import (
    IDEMPOTENCY_KEY_HEADER,
    EgressBlocked,
    HttpFailed,
    HttpRequest,
    HttpResponse,
    SecretBlocked,
)
from domain.tools.secrets import HostLimit

PROTOCOL_VERSION = "2025-06-18"
SESSION_HEADER = "Mcp-Session-Id"
MAX_PAGES = 20
MAX_TOOLS = 500
CLOSE_TIMEOUT_SECONDS = 1.0
"""A server that is slow to end its session delays the tool call no longer than this."""

Send = Callable[[HttpRequest], Awaitable[HttpResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpTool:
    """A tool as its server describes it; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpResult:
    """The result of an MCP tool. `structured` is its JSON; None if the server returns only text."""

    content: str
    structured: Any = None
    is_error: bool = False


class McpFailed(Exception):
    """An MCP request failed; the message explains the failure to the model. `outcome_unknown` means
    that the server may have processed the request."""

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class McpConnection:
    """How to reach a server. `timeout_seconds` applies to each request. Only the `tools/call`
    request carries the `idempotency_key`."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    send: Send
    host_limits: tuple[HostLimit, ...] = ()
    timeout_seconds: float = 10.0
    idempotency_key: str | None = None


async def list_tools(connection: McpConnection) -> tuple[McpTool, ...]:
    tools: list[McpTool] = []
    cursor: str | None = None
    async with _open_session(connection) as session:
        for _ in range(MAX_PAGES):
            page = await session.request("tools/list", {"cursor": cursor} if cursor else {})
            items = page.get("tools")
            tools.extend(map(_tool, items if isinstance(items, list) else []))
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str) or len(tools) >= MAX_TOOLS:
                break
    return tuple(tools[:MAX_TOOLS])


async def call_tool(
    connection: McpConnection, tool: str, arguments: Mapping[str, Any]
) -> McpResult:
    params = {"name": tool, "arguments": dict(arguments)}
    async with _open_session(connection) as session:
        result = await session.request("tools/call", params, connection.idempotency_key)
    content = result.get("content")
    parts = content if isinstance(content, list) else []
    return McpResult(
        content="\n".join(_text_of(part) for part in parts if isinstance(part, dict)),
        structured=result.get("structuredContent"),
        is_error=result.get("isError") is True,
    )


def _text_of(part: Mapping[str, Any]) -> str:
    """The text of a part of the result, or a mention of what a model cannot be shown."""
    resource = part.get("resource")
    for source in (part, resource if isinstance(resource, dict) else {}):
        if "text" in source:
            return str(source["text"])
    uri = f" {part['uri']}" if "uri" in part else ""
    return f"[{part.get('type', 'content')}{uri}, not shown]"


@asynccontextmanager
async def _open_session(connection: McpConnection) -> AsyncGenerator[_Session]:
    session = _Session(connection)
    try:
        await session.initialize()
        yield session
    except Exception:
        await session.close()
        raise
    await session.close()


class _Session:
    def __init__(self, connection: McpConnection) -> None:
        self._connection = connection
        self._headers = {
            **connection.headers,
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        self._numbers = count(1)

    async def initialize(self) -> None:
        client = {"name": "agent-studio", "version": "1"}
        result = await self.request(
            "initialize",
            {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client},
        )
        version = str(result.get("protocolVersion", PROTOCOL_VERSION))
        self._headers["MCP-Protocol-Version"] = version
        await self.notify("notifications/initialized")

    async def close(self) -> None:
        """End the session at the server, if it has opened one. A server may refuse that."""
        if SESSION_HEADER not in self._headers:
            return
        request = HttpRequest(
            method="DELETE",
            url=self._connection.url,
            headers=self._headers,
            timeout=min(self._connection.timeout_seconds, CLOSE_TIMEOUT_SECONDS),
            host_limits=self._connection.host_limits,
        )
        with suppress(EgressBlocked, HttpFailed):
            await self._connection.send(request)

    async def request(
        self, method: str, params: Mapping[str, Any], key: str | None = None
    ) -> Mapping[str, Any]:
        number = next(self._numbers)
        response = await self._post({"id": number, "method": method, "params": params}, key)
        if "mcp-session-id" in response.headers:
            self._headers[SESSION_HEADER] = response.headers["mcp-session-id"]
        message = next((m for m in _messages(response) if m.get("id") == number), {})
        if "error" in message:
            error = message["error"]
            text = error.get("message") if isinstance(error, dict) else None
            raise McpFailed(f"The server refused: {str(text)[:500]}")
        result = message.get("result")
        if not isinstance(result, dict):
            raise McpFailed("The server did not send a valid MCP response.")
        return result

    async def notify(self, method: str) -> None:
        await self._post({"method": method})

    async def _post(self, message: Mapping[str, Any], key: str | None = None) -> HttpResponse:
        body = json.dumps({"jsonrpc": "2.0", **message}, default=str).encode()
        # The idempotency key comes last, so that headers of the settings cannot replace it.
        own = {} if key is None else {IDEMPOTENCY_KEY_HEADER: key}
        request = HttpRequest(
            method="POST",
            url=self._connection.url,
            headers={**self._headers, **own},
            body=body,
            timeout=self._connection.timeout_seconds,
            host_limits=self._connection.host_limits,
        )
        try:
            response = await self._connection.send(request)
        except SecretBlocked as blocked:
            raise McpFailed(blocked.message) from None
        except EgressBlocked:
            raise McpFailed("Requests to that address are not allowed.") from None
        except HttpFailed as error:
            # Only tool calls have a key; the other requests have no side effects.
            unknown = key is not None and error.may_have_been_processed
            problem = f"The server could not be reached ({error.kind})."
            raise McpFailed(problem, outcome_unknown=unknown) from None
        if not 200 <= response.status < 300:
            raise McpFailed(f"The server responded with status {response.status}.")
        return response


def _messages(response: HttpResponse) -> list[Mapping[str, Any]]:
    """The messages of a response: one JSON object, or the data of server-sent events."""
    text = response.body.decode(errors="replace")
    if "text/event-stream" in response.headers.get("content-type", ""):
        events = text.replace("\r\n", "\n").split("\n\n")
        texts = ["\n".join(_data(event)) for event in events]
    else:
        texts = [text]
    return [message for message in map(_object, texts) if message is not None]


def _data(event: str) -> list[str]:
    return [
        line.removeprefix("data:").removeprefix(" ")
        for line in event.split("\n")
        if line.startswith("data:")
    ]


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _tool(item: Any) -> McpTool:
    tool = item if isinstance(item, dict) else {}
    schema = tool.get("inputSchema")
    return McpTool(
        name=str(tool.get("name", "")),
        description=str(tool.get("description") or tool.get("title") or ""),
        parameters=schema if isinstance(schema, dict) else {},
    )
