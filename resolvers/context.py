"""The context that every resolver gets as `info.context`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from strawberry import Info

from domain.common.access import Scope, Viewer
from domain.common.errors import Unauthenticated
from domain.ports import Services
from domain.tenants.members import MAX_USER_AGENT_LENGTH, Device

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class RequestContext:
    """The context of one operation. A subscription keeps it until it ends."""

    services: Services
    viewer: Viewer | None = None
    client_ip: str = ""
    """The IP address of the client; empty if unknown."""
    user_agent: str = ""
    start_slot: AbstractAsyncContextManager[Any] = field(default_factory=nullcontext)
    """Held while a subscription loads its call. Only few do so at once, so that a thousand
    reconnecting subscriptions leave database connections for other requests."""

    @property
    def device(self) -> Device:
        # PostgreSQL stores no null character, and a client may send one.
        shown = "".join(filter(str.isprintable, self.user_agent))[:MAX_USER_AGENT_LENGTH]
        return Device(address=self.client_ip, user_agent=shown)

    def require(self, scope: Scope | None = None) -> Viewer:
        """Return the viewer. Raises `Unauthenticated` if there is none, and `Forbidden` if the
        viewer lacks `scope`."""
        if self.viewer is None:
            raise Unauthenticated("Sign in, or send an API key.")
        return self.viewer.require(scope) if scope else self.viewer

    async def run(
        self,
        use_case: Callable[Concatenate[Services, Viewer, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a use case as the viewer of the request."""
        return await use_case(self.services, self.require(), *args, **kwargs)


Ctx: TypeAlias = Info[RequestContext, None]
