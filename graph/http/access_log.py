"""The access log: one line per HTTP request, with its route, status and duration."""

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
    """Give every request an id, return it as `X-Request-Id`, and log the request.

    Handlers add further log fields to `scope["facts"]`."""

    def __init__(self, app: ASGIApp, trusted_proxies: str = "") -> None:
        self._app = app
        self._warn_about_proxy = not trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at, id = time.perf_counter(), _request_id_of(scope)
        facts: dict[str, Any] = scope.setdefault("facts", {})
        facts |= {"request_id": id, "method": scope["method"]}
        request_id.set(id)
        self._warn_of_untrusted_proxy(scope)

        async def send_with_request_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts["status"] = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = id
            await send(message)

        try:
            await self._app(scope, receive, send_with_request_id)
        finally:
            facts["ms"] = round((time.perf_counter() - started_at) * 1000, 1)
            facts["path"] = _route_path(scope)
            quiet = facts["path"].startswith("/health/")
            log.log(logging.DEBUG if quiet else logging.INFO, "request", extra=facts)

    def _warn_of_untrusted_proxy(self, scope: Scope) -> None:
        """Behind a proxy that is not trusted, all clients share its address and its limits."""
        if self._warn_about_proxy and "x-forwarded-for" in Headers(scope=scope):
            self._warn_about_proxy = False
            log.warning("X-Forwarded-For is ignored; name your proxies in TRUSTED_PROXIES")


def _route_path(scope: Scope) -> str:
    """The path as the route declares it: the path that a client sends may hold anything."""
    route = scope.get("route")
    return route.path if isinstance(route, Route | Mount) else "unknown"


def _request_id_of(scope: Scope) -> str:
    received = Headers(scope=scope).get("x-request-id", "")
    return received if _VALID_REQUEST_ID.fullmatch(received) else secrets.token_hex(8)
