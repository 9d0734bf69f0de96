"""What a chain of steps acts on: a call, a trial or a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from domain.context import Context
from domain.events import ContextChanged
from domain.steps import SendDtmf, TransferCall
from domain.tenants import TenantSettings


class World(Protocol):
    """What the steps of one use may see and do."""

    @property
    def context(self) -> Context: ...

    def look(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The namespaces that this node can read."""
        ...

    def change(self, path: str, value: Any) -> ContextChanged:
        """Write, and tell of it."""
        ...

    def remove(self, path: str) -> ContextChanged: ...

    async def send(self, request: Any) -> Any:
        """Over HTTP: `domain.outbound`."""
        ...

    def secret(self, name: str) -> str | None: ...

    @property
    def settings(self) -> TenantSettings: ...

    def hand_off(self, node: str) -> str | None:
        """Why not; None when it is under way."""
        ...

    def end_call(self) -> None: ...

    def press(self, what: TransferCall | SendDtmf, value: str) -> str | None:
        """On the phone line. Why not; None when it is done."""
        ...
