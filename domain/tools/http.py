"""HTTP to the outside, as tools see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

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
"""Headers that say where a message goes and where it ends. Connections are shared: one that a
tool could put out of step would answer somebody else."""

IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
"""The header that tells a server that a request is a repetition: see `domain.calls.idempotency`."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`timeout` is of the whole request, in seconds."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Names of headers are in lower case; `ms` is how long it all took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ms: float


class EgressBlocked(Exception):
    """The address may not be reached, or the request may not be sent."""


class HttpFailed(Exception):
    """There is no whole answer; `kind` is timeout, connect, broken or too_large."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    @property
    def may_have_been_processed(self) -> bool:
        """The request may have been read: there was a connection."""
        return self.kind in ("timeout", "broken", "too_large")


class HttpClient(Protocol):
    async def send(self, request: HttpRequest) -> HttpResponse:
        """Raises `Blocked` or `Unreachable`. Redirects are answers like others."""
        ...
