"""The context that every resolver gets as `info.context`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from strawberry import Info

from domain.common.access import Scope, Viewer
from domain.common.errors import Unauthenticated
from domain.common.settings import Settings
from domain.ports import Services


@dataclass(slots=True)
class RequestContext:
    """The context of one operation. A subscription keeps it until it ends."""

    services: Services
    settings: Settings
    viewer: Viewer | None = None
    client_ip: str = ""
    """The IP address of the client; empty if unknown."""
    start_slot: AbstractAsyncContextManager[Any] = field(default_factory=nullcontext)
    """Held while a subscription loads its call. Only few do so at once, so that a thousand
    reconnecting subscriptions leave database connections for other requests."""

    def require(self, scope: Scope | None = None) -> Viewer:
        """Return the viewer. Raises `Unauthenticated` if there is none, and `Forbidden` if the
        viewer lacks `scope`."""
        if self.viewer is None:
            raise Unauthenticated("Sign in, or send an API key.")
        return self.viewer.require(scope) if scope else self.viewer


Ctx: TypeAlias = Info[RequestContext, None]
