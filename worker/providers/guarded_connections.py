"""Connections to servers that tenants name, for the HTTP clients of the provider plugins.

Each guard is for one base URL. It resolves only that host and checks every address before a socket is
opened, so neither redirects nor DNS rebinding lead to private addresses or other hosts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

import aiohttp
import httpcore2
import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult

from domain.common.networks import Address, socket_address
from domain.tools.egress import EgressRule
from domain.tools.network_allow_list import normalize_host
from worker.providers.http import ssl_context

CONNECT_TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 50
KEEP_ALIVE_SECONDS = 120.0


class AddressBlocked(OSError):
    """The guard does not allow a connection to this host or address."""


class EgressGuard:
    def __init__(self, rule: EgressRule) -> None:
        self._rule = rule
        self._resolved: set[Address] = set()

    async def resolve(
        self, host: str, port: int, family: int = socket.AF_UNSPEC
    ) -> list[tuple[int, Address]]:
        """The permitted addresses of the host, with their families. Raises `OSError`."""
        if normalize_host(host) != self._rule.host or port != self._rule.port:
            raise AddressBlocked("another host than that of the credential")
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        found = [(int(info[0]), socket_address(info[4][0])) for info in infos]
        permitted = [each for each in found if self._rule.permits(each[1])]
        if not permitted:
            raise AddressBlocked("a private address")
        self._resolved.update(address for _, address in permitted)
        return permitted

    def open_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Open a socket for aiohttp, which does not resolve literal addresses."""
        family, kind, protocol, _, target = info
        address = socket_address(target[0])
        is_host = address in self._resolved or str(address) == self._rule.host
        if not (is_host and int(target[1]) == self._rule.port and self._rule.permits(address)):
            raise AddressBlocked("an address that is not that of the credential")
        return socket.socket(family=family, type=kind, proto=protocol)


# ---- aiohttp, for STT and TTS ---------------------------------------------------------------


class _GuardedResolver(AbstractResolver):
    def __init__(self, guard: EgressGuard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=family,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, address in await self._guard.resolve(host, port, family)
        ]

    async def close(self) -> None:
        pass


def guarded_connector(rule: EgressRule) -> aiohttp.TCPConnector:
    guard = EgressGuard(rule)
    return aiohttp.TCPConnector(
        limit_per_host=MAX_CONNECTIONS,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        ssl=ssl_context(),
        resolver=_GuardedResolver(guard),
        socket_factory=guard.open_socket,
    )


# ---- httpx2, for LLMs -----------------------------------------------------------------------


class _GuardedBackend(httpcore2.AnyIOBackend):
    def __init__(self, guard: EgressGuard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of the library
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        error: Exception = httpcore2.ConnectError("no address")
        for address in await self._resolve(host, port, timeout):
            try:
                return await super().connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore2.ConnectError as failure:
                error = failure
        raise error

    async def _resolve(self, host: str, port: int, seconds: float | None) -> list[str]:
        try:
            async with asyncio.timeout(seconds or CONNECT_TIMEOUT_SECONDS):
                return [str(address) for _, address in await self._guard.resolve(host, port)]
        except TimeoutError:
            raise httpcore2.ConnectTimeout("the host name was not resolved in time") from None
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """A transport whose connections all go through a guard. It ignores proxies, which the environment
    might set."""

    def __init__(self, rule: EgressRule) -> None:
        super().__init__(verify=ssl_context(), trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=_GuardedBackend(EgressGuard(rule)),
        )


def guarded_client(rule: EgressRule, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=GuardedTransport(rule), timeout=timeout, follow_redirects=False, trust_env=False
    )
