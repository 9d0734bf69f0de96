"""The environment that the actions of a tool run in: a call, a dry run or a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain.calls.context import CallContext
from domain.calls.events import ContextChanged
from domain.tenants.settings import TenantSettings
from domain.tools.actions import CollectDigits, TransferCall
from domain.tools.secrets import Secret

NO_PHONE_LINE = "This call is not on a phone line."
NO_KEYPAD = "The caller cannot press keys, because this call is not on a phone line."


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedDigits:
    """What a caller pressed when asked for digits: the last attempt."""

    pressed: str = field(default="", repr=False)
    attempts: int = 0
    problem: str | None = None
    """Why these are not the digits that were asked for; None if they are."""


class ToolEnvironment(Protocol):
    """What the actions of one tool call can read and do."""

    @property
    def context(self) -> CallContext: ...

    def visible_context(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The namespaces that the active node can read, with `params` as the tool's arguments."""
        ...

    def set_value(self, path: str, value: Any) -> ContextChanged:
        """Write a value and record the change as an event."""
        ...

    def remove_value(self, path: str) -> ContextChanged: ...

    async def send(self, request: Any) -> Any:
        """Send an HTTP request; see `domain.tools.http`."""
        ...

    def secret(self, name: str) -> Secret | None: ...

    @property
    def settings(self) -> TenantSettings: ...

    def hand_off(self, node: str) -> str | None:
        """Request a hand-off. Returns why it is refused; None if it is under way."""
        ...

    def end_call(self) -> None: ...

    async def transfer(self, action: TransferCall, values: Mapping[str, Any]) -> str | None:
        """Begin to transfer the caller; the templates of the action read these values. Returns why it is
        refused; None if it begins once the agent has finished speaking."""
        ...

    async def send_dtmf(self, keys: str) -> str | None:
        """Press valid keys on the phone line. Returns why that failed; None if it is done."""
        ...

    async def collect_digits(self, action: CollectDigits) -> CollectedDigits:
        """Ask the caller for digits; the prompts are rendered. Takes as long as the action allows."""
        ...
