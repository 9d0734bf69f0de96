"""The HTTP client of tools, which connects to public addresses only (SSRF protection).

The guard sits where sockets are created and checks the address that is actually connected to. It
therefore also stops DNS rebinding, addresses in unusual notation and redirects."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from domain.common.networks import socket_address
from domain.tools.egress import WEB_PORTS
from domain.tools.http import (
    FORBIDDEN_HEADERS,
    EgressBlocked,
    HttpFailed,
    HttpRequest,
    HttpResponse,
    SecretBlocked,
)
from domain.tools.network_allow_list import AllowList, is_public

CHUNK_BYTES = 65_536
CONNECT_TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 1000
MAX_CONNECTIONS_PER_HOST = 100
"""A limit per host, so that one slow server cannot use up all connections."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
URL_PATTERN = re.compile(r"[^\x00-\x20\x7f\\\ud800-\udfff]+")
HEADER_NAME_PATTERN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE_PATTERN = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")

# A small compressed body may be huge when decompressed.
SESSION_OPTIONS: Mapping[str, Any] = {
    "trust_env": False,
    "auto_decompress": False,
    "headers": {"User-Agent": "agent-studio", "Accept-Encoding": "identity"},
}

_requested_url: ContextVar[URL] = ContextVar("requested_url")


class GuardedHttpClient:
    """Sends requests to public addresses over HTTPS on `ports`, and over plain HTTP too if
    `allow_plaintext` is set. Hosts listed in `allowed` (the setting OUTBOUND_ALLOW) are exempt from
    these limits."""

    def __init__(
        self,
        allowed: str = "",
        *,
        ports: Collection[int] = WEB_PORTS,
        allow_plaintext: bool = False,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allowed = AllowList.parse(allowed)
        self._ports = ports
        self._allow_plaintext = allow_plaintext
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        url = self._validated_url(request)
        # `_open_socket` reads the URL, in this context or in a copy of it.
        context_token = _requested_url.set(url)
        try:
            with reporting_failures():
                async with asyncio.timeout(request.timeout):
                    return await exchange(self._get_session(), request, url)
        finally:
            _requested_url.reset(context_token)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _validated_url(self, request: HttpRequest) -> URL:
        """Check what needs no name resolution. The URL is parsed once, so that the URL that is
        checked is the one that is requested."""
        if not URL_PATTERN.fullmatch(request.url) or request.method not in METHODS:
            raise EgressBlocked
        try:
            url = URL(request.url)
            host, port = url.raw_host, url.port
        except ValueError:
            raise EgressBlocked from None
        if url.scheme not in ("http", "https") or not host or not port:
            raise EgressBlocked
        if "@" in url.raw_authority:
            raise EgressBlocked
        if not (self._is_web(url) or self._allowed.may_allow_port(port)):
            raise EgressBlocked
        for limit in request.host_limits:
            if not limit.allows(host, port):
                raise SecretBlocked(limit.secret, host)
        if not all(map(_is_valid_header, request.headers, request.headers.values())):
            raise EgressBlocked
        return url

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    socket_factory=self._open_socket,
                    resolver=self._resolver,
                    limit=MAX_CONNECTIONS,
                    limit_per_host=MAX_CONNECTIONS_PER_HOST,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                **SESSION_OPTIONS,
            )
        return self._session

    def _open_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = info
        url = _requested_url.get()
        address, port = socket_address(target[0]), int(target[1])
        listed = self._allowed.allows(url.raw_host or "", address, port)
        if not listed and not (self._is_web(url) and is_public(address)):
            raise _AddressBlocked
        return socket.socket(family=family, type=kind, proto=protocol)

    def _is_web(self, url: URL) -> bool:
        return (url.scheme == "https" or self._allow_plaintext) and url.port in self._ports


async def exchange(session: aiohttp.ClientSession, request: HttpRequest, url: URL) -> HttpResponse:
    """Send the request, and read no more of the response than it allows. Redirects are not followed."""
    started_at = time.perf_counter()
    async with session.request(
        request.method,
        url,
        headers=request.headers,
        data=request.body,
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS),
    ) as response:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            if len(body) > request.max_body_bytes:
                raise HttpFailed("too_large")
        ms = (time.perf_counter() - started_at) * 1000
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status, headers, bytes(body), ms)


@contextmanager
def reporting_failures() -> Iterator[None]:
    """Raise `EgressBlocked` or `HttpFailed` for what goes wrong with a request inside the block."""
    try:
        yield
    except TimeoutError:
        raise HttpFailed("timeout") from None
    except aiohttp.InvalidURL:
        raise EgressBlocked from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.__cause__, _AddressBlocked):
            raise EgressBlocked from None
        raise HttpFailed("connect") from None
    except UnicodeError:
        # The host name cannot be encoded for DNS.
        raise HttpFailed("connect") from None
    except (aiohttp.ClientError, OSError):
        raise HttpFailed("broken") from None


class _AddressBlocked(OSError):
    """The guard does not allow a connection to this address."""


def _is_valid_header(name: str, value: str) -> bool:
    return (
        HEADER_NAME_PATTERN.fullmatch(name) is not None
        and HEADER_VALUE_PATTERN.fullmatch(value) is not None
        and name.lower() not in FORBIDDEN_HEADERS
    )
