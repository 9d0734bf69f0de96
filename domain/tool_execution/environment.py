"""What a chain of steps acts on: a call, a trial or a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from domain.calls.context import CallContext
from domain.calls.events import ContextChanged
from domain.tenants.settings import TenantSettings
from domain.tools.actions import SendDtmf, TransferCall


class ToolEnvironment(Protocol):
    """What the steps of one use may see and do."""

    @property
    def context(self) -> CallContext: ...

    def visible_context(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The namespaces that this node can read."""
        ...

    def set_value(self, path: str, value: Any) -> ContextChanged:
        """Write, and tell of it."""
        ...

    def remove_value(self, path: str) -> ContextChanged: ...

    async def send(self, request: Any) -> Any:
        """Over HTTP: `domain.tools.http`."""
        ...

    def secret(self, name: str) -> str | None: ...

    @property
    def settings(self) -> TenantSettings: ...

    def hand_off(self, node: str) -> str | None:
        """Why not; None when it is under way."""
        ...

    def end_call(self) -> None: ...

    def run_telephony_action(self, action: TransferCall | SendDtmf, value: str) -> str | None:
        """On the phone line. Why not; None when it is done."""
        ...
