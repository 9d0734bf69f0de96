"""Resolves the addresses of outbound trunks before they are dialled, because the name of a carrier may
lead into the private network of the operator."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from domain.common.errors import Unavailable
from domain.common.networks import Address, socket_address
from domain.telephony.carrier_addresses import carrier_host, check_carrier_addresses
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.network_allow_list import AllowList
from domain.tools.private_hosts import parse_host

RESOLUTION_TIMEOUT_SECONDS = 8.0
"""Resolvers ask again after five seconds without a response."""
MAX_LOOKUPS = 16
"""Lookups at the same time. Each one occupies a thread for as long as the resolver of the system waits."""


class CarrierResolver:
    def __init__(
        self, allowed: AllowList, timeout_seconds: float = RESOLUTION_TIMEOUT_SECONDS
    ) -> None:
        """`allowed` are the private addresses that trunks may have."""
        self._allowed = allowed
        self._timeout_seconds = timeout_seconds
        # Threads of their own: a name server that does not respond must not delay what else runs in threads.
        self._threads = ThreadPoolExecutor(MAX_LOOKUPS, "carrier-lookup")
        self._lookups: dict[tuple[str, int], asyncio.Future[list[Any]]] = {}

    async def check(self, trunk: OutboundTrunkSpec) -> None:
        """Raise `DialRefused` if the trunk leads to an address that it may not, or if its name has no
        A or AAAA record and is not listed."""
        host, port = carrier_host(trunk)
        literal = parse_host(host)
        addresses = {literal} if literal else await self._resolve(host, port)
        check_carrier_addresses(trunk, addresses, self._allowed, ("trunk",))

    async def _resolve(self, host: str, port: int) -> set[Address]:
        """The addresses of the name; none if it does not resolve in time. Raises `Unavailable` if too many
        other names are being looked up."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await asyncio.shield(self._lookup(host, port))
        except (OSError, UnicodeError, TimeoutError):
            return set()
        return {socket_address(sockaddr[0]) for *_, sockaddr in found}

    def _lookup(self, host: str, port: int) -> asyncio.Future[list[Any]]:
        """The lookup of the name, which all calls to it share, and which continues after a timeout."""
        if (running := self._lookups.get((host, port))) is not None:
            return running
        if len(self._lookups) >= MAX_LOOKUPS:
            raise Unavailable("Too many names of carriers are being looked up; try again.")
        resolve = partial(socket.getaddrinfo, host, port, type=socket.SOCK_DGRAM)
        lookup = asyncio.get_running_loop().run_in_executor(self._threads, resolve)
        self._lookups[host, port] = lookup
        lookup.add_done_callback(partial(self._forget, (host, port)))
        return lookup

    def _forget(self, name: tuple[str, int], lookup: asyncio.Future[list[Any]]) -> None:
        del self._lookups[name]
        if not lookup.cancelled():
            lookup.exception()  # also when nothing waits for it any longer
