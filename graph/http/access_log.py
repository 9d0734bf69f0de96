"""One line per request and per connection: what was asked of the process and how long it took."""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextvars import ContextVar
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("graph.access")

request_id: ContextVar[str] = ContextVar("request_id", default="")

_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class AccessLog:
    """Names every request and answers with the name. `scope["facts"]` takes what else to log."""

    def __init__(self, app: ASGIApp, trusted_proxies: str = "") -> None:
        self._app = app
        self._warn_about_proxy = not trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, id = time.perf_counter(), _request_id_of(scope)
        facts: dict[str, Any] = scope.setdefault("facts", {})
        facts |= {"request_id": id, "method": scope["method"]}
        request_id.set(id)
        self._warn_of_untrusted_proxy(scope)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts["status"] = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = id
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            facts["ms"] = round((time.perf_counter() - began) * 1000, 1)
            facts["path"] = _route_path(scope)
            quiet = facts["path"].startswith("/health/")
            log.log(logging.DEBUG if quiet else logging.INFO, "request", extra=facts)

    def _warn_of_untrusted_proxy(self, scope: Scope) -> None:
        """All clients of a proxy that is not named share its address, and its limits."""
        if self._warn_about_proxy and "x-forwarded-for" in Headers(scope=scope):
            self._warn_about_proxy = False
            log.warning("X-Forwarded-For is ignored; name your proxies in TRUSTED_PROXIES")


def _route_path(scope: Scope) -> str:
    """As a route of ours has it: what else a client writes there may be anything."""
    route = scope.get("route")
    return route.path if isinstance(route, Route | Mount) else "unknown"


def _request_id_of(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _VALID_REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
