"""What every resolver can reach through `info.context`."""

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
    """One per operation. A subscription keeps it for as long as it is delivered."""

    services: Services
    settings: Settings
    viewer: Viewer | None = None
    client_ip: str = ""
    """The IP address of the client."""
    start_slot: AbstractAsyncContextManager[Any] = field(default_factory=nullcontext)
    """Held while a subscription looks up what it is about: few do so at once, so that a thousand
    that come back together leave room for what others ask."""

    def require(self, scope: Scope | None = None) -> Viewer:
        """Whoever asks; `Unauthenticated` for nobody, `Forbidden` without the scope."""
        if self.viewer is None:
            raise Unauthenticated("Sign in, or send an API key.")
        return self.viewer.require(scope) if scope else self.viewer


Ctx: TypeAlias = Info[RequestContext, None]
