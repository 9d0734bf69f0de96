"""A tool tried out: the same chain as in a call, on a context of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from domain.calls.context import Context
from domain.calls.events import ContextChanged
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.tool_execution.executor import Used, use
from domain.tools.actions import SendDtmf, TransferCall
from domain.tools.http import HttpRequest, HttpResponse, Outbound, Unreachable
from domain.tools.model import ToolSpec

NODE = "trial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """What a server is taken to answer."""

    status: int = 200
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it: the use, and the context as it is afterwards."""

    used: Used
    context: Context


async def try_out(
    tool: ToolSpec,
    arguments: Mapping[str, Any],
    context: Context,
    *,
    settings: TenantSettings = NO_SETTINGS,
    outbound: Outbound | None = None,
    secrets: Mapping[str, str] | None = None,
    stubs: Sequence[Stub] = (),
) -> Trial:
    """With `outbound` servers are really asked, with these secrets; else the stubs answer, in
    order."""
    bench = _Bench(
        replace(context, tenant=settings.shown), settings, outbound, secrets, list(stubs)
    )
    used = await use(tool, arguments, bench, f"trial.{uuid4()}")
    return Trial(used=used, context=bench.context)


class _Bench:
    def __init__(
        self,
        context: Context,
        settings: TenantSettings,
        outbound: Outbound | None,
        secrets: Mapping[str, str] | None,
        stubs: list[Stub],
    ) -> None:
        self.context = context
        self.settings = settings
        self._outbound = outbound
        self._secrets = secrets
        self._stubs = stubs

    def look(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.context.seen_by(NODE, params)

    def change(self, path: str, value: Any) -> ContextChanged:
        return self._told(self.context.write(path, value, NODE))

    def remove(self, path: str) -> ContextChanged:
        return self._told(self.context.remove(path, NODE))

    def _told(self, change: ContextChanged) -> ContextChanged:
        self.context = self.context.after(change)
        return change

    async def send(self, request: HttpRequest) -> HttpResponse:
        if self._outbound is not None:
            return await self._outbound.send(request)
        if not self._stubs:
            raise Unreachable("no stub is left")
        stub = self._stubs.pop(0)
        return HttpResponse(stub.status, {}, json.dumps(stub.body).encode(), 0.0)

    def secret(self, name: str) -> str | None:
        # Stubbed, no secret is needed.
        return f"<{name}>" if self._secrets is None else self._secrets.get(name)

    def hand_off(self, node: str) -> str | None:
        return None

    def end_call(self) -> None:
        pass

    def press(self, what: TransferCall | SendDtmf, value: str) -> str | None:
        return None
