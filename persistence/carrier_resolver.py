"""Resolves the addresses of outbound trunks before they are dialled, because the name of a carrier may
lead into the private network of the operator."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from domain.common.access import TenantId
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
MAX_LOOKUPS_PER_TENANT = 2
"""Lookups of one tenant at the same time, so that a tenant whose names resolve slowly leaves threads to the
others."""

Name = tuple[TenantId, str, int]
"""The tenant who dials, the host and the port."""
Resolve = Callable[[str, int], list[Any]]
"""Returns what `socket.getaddrinfo` does, and takes as long as it does."""


def resolve_with_system(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)


class CarrierResolver:
    def __init__(
        self,
        allowed: AllowList,
        timeout_seconds: float = RESOLUTION_TIMEOUT_SECONDS,
        resolve: Resolve = resolve_with_system,
    ) -> None:
        """`allowed` are the private addresses that trunks may have."""
        self._allowed = allowed
        self._timeout_seconds = timeout_seconds
        self._resolve_name = resolve
        # Threads of their own: a name server that does not respond must not delay what else runs in threads.
        self._threads = ThreadPoolExecutor(MAX_LOOKUPS, "carrier-lookup")
        self._lookups: dict[Name, asyncio.Future[list[Any]]] = {}

    async def check(self, tenant: TenantId, trunk: OutboundTrunkSpec) -> None:
        """Raise `DialRefused` if the trunk leads to an address that it may not, or if its name has no
        A or AAAA record and is not listed."""
        host, port = carrier_host(trunk)
        literal = parse_host(host)
        addresses = {literal} if literal else await self._resolve(tenant, host, port)
        check_carrier_addresses(trunk, addresses, self._allowed, ("trunk",))

    async def _resolve(self, tenant: TenantId, host: str, port: int) -> set[Address]:
        """The addresses of the name; none if it does not resolve in time, which includes the time in which
        other names of the tenant are looked up. Raises `Unavailable` if other tenants occupied all threads
        for this time."""
        name = tenant, host, port
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await asyncio.shield(await self._lookup(name))
        except (OSError, UnicodeError):  # a TimeoutError is an OSError
            if name not in self._lookups and self._is_held_up_by_others(tenant):
                raise Unavailable("Too many names of carriers are being looked up.") from None
            return set()
        return {socket_address(sockaddr[0]) for *_, sockaddr in found}

    async def _lookup(self, name: Name) -> asyncio.Future[list[Any]]:
        """The lookup of the name, which all calls of the tenant to it share, and which continues after a
        timeout. Tenants share none, because a lookup may wait for others of its tenant."""
        tenant, host, port = name
        while name not in self._lookups:
            if len(running := self._lookups_of(tenant)) >= MAX_LOOKUPS_PER_TENANT:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            elif self._is_held_up_by_others(tenant):
                await asyncio.wait(self._lookups.values(), return_when=asyncio.FIRST_COMPLETED)
            else:
                loop = asyncio.get_running_loop()
                lookup = loop.run_in_executor(self._threads, self._resolve_name, host, port)
                self._lookups[name] = lookup
                lookup.add_done_callback(partial(self._forget, name))
        return self._lookups[name]

    def _lookups_of(self, tenant: TenantId) -> list[asyncio.Future[list[Any]]]:
        return [lookup for (owner, *_), lookup in self._lookups.items() if owner == tenant]

    def _is_held_up_by_others(self, tenant: TenantId) -> bool:
        is_full = len(self._lookups) >= MAX_LOOKUPS
        return is_full and len(self._lookups_of(tenant)) < MAX_LOOKUPS_PER_TENANT

    def _forget(self, name: Name, lookup: asyncio.Future[list[Any]]) -> None:
        del self._lookups[name]
        if not lookup.cancelled():
            lookup.exception()  # also when nothing waits for it any longer
