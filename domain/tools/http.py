"""The HTTP client port through which tools send requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.tools.secrets import HostLimit

FORBIDDEN_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that control routing and message framing. Connections are shared, so a tool that
desynchronised one could receive the response to another tenant's request."""

MAX_BODY_BYTES = 1024 * 1024

IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
"""The header by which a server recognises a repeated request; see `domain.calls.idempotency`."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; `timeout` covers the whole exchange, in seconds. A larger response is not read."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 10.0
    host_limits: tuple[HostLimit, ...] = ()
    """The secrets in the headers that may only be sent to some hosts."""
    max_body_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. Header names are in lower case; `ms` is the duration of the exchange."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ms: float


class EgressBlocked(Exception):
    """The address must not be reached, or the request is not allowed."""


class SecretBlocked(EgressBlocked):
    """A secret in the request may not be sent to its host."""

    def __init__(self, secret: str, host: str) -> None:
        super().__init__()
        self.message = f"The secret {secret!r} may not be sent to {host[:253]}."


class HttpFailed(Exception):
    """No complete response was received. `kind` is timeout, connect, broken or too_large."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    @property
    def may_have_been_processed(self) -> bool:
        """The server may have processed the request, because the connection was established."""
        return self.kind in ("timeout", "broken", "too_large")


class HttpClient(Protocol):
    async def send(self, request: HttpRequest) -> HttpResponse:
        """Raises `EgressBlocked` or `HttpFailed`. Redirects are returned, not followed."""
        ...
