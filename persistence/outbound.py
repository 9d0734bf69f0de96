"""HTTP to the outside for tools: to public addresses only, whatever a URL or a name server says.

The guard sits where sockets are made and sees the address that is really connected to. A name that
resolves elsewhere a moment later, a number in disguise or a redirect leads nowhere."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Collection
from contextvars import ContextVar
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from domain.tools.http import OURS, Blocked, HttpRequest, HttpResponse, Unreachable
from domain.tools.network_allow_list import AllowList, is_public

LARGEST_BODY = 1024 * 1024
CHUNK = 65_536
CONNECT_SECONDS = 5.0
WEB_PORTS = frozenset({80, 443})
MOST_CONNECTIONS = 1000
MOST_PER_HOST = 100
"""One slow server must not hold the connections of all others."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
URL_TEXT = re.compile(r"[^\x00-\x20\x7f\\\ud800-\udfff]+")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")

_asked: ContextVar[URL] = ContextVar("asked")


class GuardedHttp:
    """`ports` and `plain` widen what may be asked of public addresses; `plain` is HTTP without
    TLS. Both are free for the places in `allowed`, the setting OUTBOUND_ALLOW."""

    def __init__(
        self,
        allowed: str = "",
        *,
        ports: Collection[int] = WEB_PORTS,
        plain: bool = False,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allowed = AllowList.read(allowed)
        self._ports = ports
        self._plain = plain
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        url = self._checked(request)
        # The guard is called inside, in this context or in a copy of it.
        asked = _asked.set(url)
        try:
            async with asyncio.timeout(request.timeout):
                return await self._exchange(request, url)
        except TimeoutError:
            raise Unreachable("timeout") from None
        except aiohttp.InvalidURL:
            raise Blocked from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.__cause__, _Refused):
                raise Blocked from None
            raise Unreachable("connect") from None
        except UnicodeError:
            # A name that no name server can be asked for.
            raise Unreachable("connect") from None
        except (aiohttp.ClientError, OSError):
            raise Unreachable("broken") from None
        finally:
            _asked.reset(asked)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _checked(self, request: HttpRequest) -> URL:
        """What is refused without asking a name server. It is parsed once: the URL that is looked
        at here is the one that is sent to."""
        if not URL_TEXT.fullmatch(request.url) or request.method not in METHODS:
            raise Blocked
        try:
            url = URL(request.url)
            host, port = url.raw_host, url.port
        except ValueError:
            raise Blocked from None
        if url.scheme not in ("http", "https") or not host or not port:
            raise Blocked
        if "@" in url.raw_authority:
            raise Blocked
        if not (self._is_web(url) or self._allowed.may_hold(port)):
            raise Blocked
        if not all(map(_may_be_sent, request.headers, request.headers.values())):
            raise Blocked
        return url

    async def _exchange(self, request: HttpRequest, url: URL) -> HttpResponse:
        began = time.perf_counter()
        async with self._opened().request(
            request.method,
            url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK):
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Unreachable("too_large")
            ms = (time.perf_counter() - began) * 1000
            headers = {name.lower(): value for name, value in response.headers.items()}
            return HttpResponse(response.status, headers, bytes(body), ms)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    socket_factory=self._guarded,
                    resolver=self._resolver,
                    limit=MOST_CONNECTIONS,
                    limit_per_host=MOST_PER_HOST,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                # What is small on the wire may be huge when unpacked.
                auto_decompress=False,
                headers={"User-Agent": "agent-studio", "Accept-Encoding": "identity"},
            )
        return self._session

    def _guarded(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, there = info
        url = _asked.get()
        # An IPv6 address may name its zone.
        address, port = ip_address(str(there[0]).partition("%")[0]), int(there[1])
        listed = self._allowed.holds(url.raw_host or "", address, port)
        if not listed and not (self._is_web(url) and is_public(address)):
            raise _Refused
        return socket.socket(family=family, type=kind, proto=protocol)

    def _is_web(self, url: URL) -> bool:
        return (url.scheme == "https" or self._plain) and url.port in self._ports


class _Refused(OSError):
    """The guard's no."""


def _may_be_sent(name: str, value: str) -> bool:
    return (
        HEADER_NAME.fullmatch(name) is not None
        and HEADER_VALUE.fullmatch(value) is not None
        and name.lower() not in OURS
    )
