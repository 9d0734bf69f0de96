"""HTTP to the outside for tools: to public addresses only, whatever a URL or a name server says.

The guard sits where the socket is made and sees the address that is really connected to, so a name
that resolves elsewhere a moment later, a number in disguise or a redirect leads nowhere."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from domain.errors import InvalidSetting
from domain.outbound import Blocked, HttpRequest, HttpResponse, Unreachable

LARGEST_BODY = 1024 * 1024
CHUNK = 65_536
PORTS = frozenset({80, 443})
CONNECT_SECONDS = 5.0

_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_METADATA = frozenset({ip_address("169.254.169.254"), ip_address("fd00:ec2::254")})

Address = IPv4Address | IPv6Address


class GuardedHttp:
    def __init__(self, allowed: str = "") -> None:
        self._allowed = AllowList(allowed)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        self._check(request)
        began = time.perf_counter()
        try:
            return await self._ask(request, began)
        except TimeoutError:
            raise Unreachable("timeout") from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _Refused):
                raise Blocked from None
            raise Unreachable("connect") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise Unreachable("broken") from None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _check(self, request: HttpRequest) -> None:
        try:
            parts = urlsplit(request.url)
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        except (ValueError, KeyError):
            raise Blocked from None
        ours = self._allowed.names(parts.hostname or "", port)
        if not parts.hostname or "@" in parts.netloc:
            raise Blocked
        if not ours and (parts.scheme != "https" or port not in PORTS):
            raise Blocked
        lines = (part for header in request.headers.items() for part in header)
        if any(character in line for line in lines for character in "\r\n\x00"):
            raise Blocked

    async def _ask(self, request: HttpRequest, began: float) -> HttpResponse:
        session = self._opened()
        async with session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=request.timeout, sock_connect=CONNECT_SECONDS),
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK):
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Unreachable("too_large")
            ms = (time.perf_counter() - began) * 1000
            return HttpResponse(response.status, dict(response.headers), bytes(body), ms)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=self._guarded, limit=100),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"User-Agent": "agent-studio", "Accept-Encoding": "identity"},
            )
        return self._session

    def _guarded(self, info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        if not self._allowed.holds(ip_address(address[0].split("%")[0]), address[1]):
            raise _Refused
        return socket.socket(family=family, type=kind, proto=protocol)


class _Refused(OSError):
    """The guard's no."""


class AllowList:
    """Private places that may be reached: `host:port`, `address:port` or a network in CIDR."""

    def __init__(self, text: str) -> None:
        self._places: set[tuple[str, int]] = set()
        self._networks: list[Any] = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                if "/" in part:
                    self._networks.append(ip_network(part))
                else:
                    host, _, port = part.rpartition(":")
                    self._places.add((host.strip("[]").lower(), int(port)))
            except ValueError:
                raise InvalidSetting(
                    f"OUTBOUND_ALLOW: {part!r} is neither host:port nor a network."
                ) from None

    def names(self, host: str, port: int) -> bool:
        """Whether plain HTTP and any port may be used for it."""
        if (host.lower(), port) in self._places:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def holds(self, address: Address, port: int) -> bool:
        """Whether a socket may be opened to it."""
        if is_public(address) and port in PORTS:
            return True
        if any(address in network for network in self._networks):
            return True
        return any(
            there == port and (host == str(address) or address in _resolved(host))
            for host, there in self._places
        )


def is_public(address: Address) -> bool:
    inner = unwrapped(address)
    return inner.is_global and not inner.is_multicast and inner not in _METADATA


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if not isinstance(address, IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR and address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address


def _resolved(host: str) -> Sequence[Address]:
    """Only of names that the operator has listed: localhost, or a name on a private network."""
    if host == "localhost":
        return [ip_address("127.0.0.1"), ip_address("::1")]
    try:
        return [ip_address(info[4][0]) for info in socket.getaddrinfo(host, None)]
    except OSError:
        return []
