"""Dry runs of tools: the executor of real calls on a separate context, without a call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from domain.calls.context import CallContext
from domain.calls.events import ContextChanged
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.tool_execution.digit_stubs import DigitStubs
from domain.tool_execution.environment import CollectedDigits
from domain.tool_execution.executor import ToolResult, execute
from domain.tool_execution.mcp_stubs import McpStub, StubMcpServers
from domain.tools.actions import CollectDigits, TransferCall
from domain.tools.http import HttpClient, HttpFailed, HttpRequest, HttpResponse
from domain.tools.model import ToolSpec
from domain.tools.secrets import Secret

DRY_RUN_NODE = "trial"


@dataclass(frozen=True, slots=True, kw_only=True)
class StubResponse:
    """The response that a stubbed request receives."""

    status: int = 200
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunResult:
    """The result of the tool call and the context after it."""

    tool_result: ToolResult
    context: CallContext


async def dry_run(
    tool: ToolSpec,
    arguments: Mapping[str, Any],
    context: CallContext,
    *,
    settings: TenantSettings = NO_SETTINGS,
    http_client: HttpClient | None = None,
    secrets: Mapping[str, Secret] | None = None,
    stubs: Sequence[StubResponse] = (),
    mcp_stubs: Sequence[McpStub] = (),
    digits: Sequence[str] = (),
) -> DryRunResult:
    """Run a tool on the given context. With `http_client`, requests are really sent, with these
    `secrets`; without it, `mcp_stubs` are the results of their MCP servers, and `stubs` are the
    responses to all other requests, in order. `digits` are what the caller presses, in order."""
    environment = _DryRunEnvironment(
        replace(context, tenant=settings.template_namespace),
        settings,
        http_client,
        secrets,
        list(stubs),
        StubMcpServers(mcp_stubs, settings),
        DigitStubs(digits),
    )
    result = await execute(tool, arguments, environment, f"trial.{uuid4()}")
    return DryRunResult(tool_result=result, context=environment.context)


class _DryRunEnvironment:
    def __init__(
        self,
        context: CallContext,
        settings: TenantSettings,
        http_client: HttpClient | None,
        secrets: Mapping[str, Secret] | None,
        stubs: list[StubResponse],
        mcp_servers: StubMcpServers,
        digits: DigitStubs,
    ) -> None:
        self.context = context
        self.settings = settings
        self._http_client = http_client
        self._secrets = secrets
        self._stubs = stubs
        self._mcp_servers = mcp_servers
        self._digits = digits

    def visible_context(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.context.visible_to(DRY_RUN_NODE, params)

    def set_value(self, path: str, value: Any) -> ContextChanged:
        return self._apply(self.context.set_event(path, value, DRY_RUN_NODE))

    def remove_value(self, path: str) -> ContextChanged:
        return self._apply(self.context.remove_event(path, DRY_RUN_NODE))

    def _apply(self, change: ContextChanged) -> ContextChanged:
        self.context = self.context.apply(change)
        return change

    async def send(self, request: HttpRequest) -> HttpResponse:
        if self._http_client is not None:
            return await self._http_client.send(request)
        response = self._mcp_servers.respond(request)
        if response is not None:
            return response
        if not self._stubs:
            raise HttpFailed("no stub is left")
        stub = self._stubs.pop(0)
        return HttpResponse(stub.status, {}, json.dumps(stub.body).encode(), 0.0)

    def secret(self, name: str) -> Secret | None:
        # Stubbed requests need no real secrets.
        return Secret(f"<{name}>") if self._secrets is None else self._secrets.get(name)

    def hand_off(self, node: str) -> str | None:
        return None

    def end_call(self) -> None:
        pass

    async def transfer(self, action: TransferCall, values: Mapping[str, Any]) -> str | None:
        return None

    async def send_dtmf(self, keys: str) -> str | None:
        return None

    async def collect_digits(self, action: CollectDigits) -> CollectedDigits:
        return self._digits.collect(action)
