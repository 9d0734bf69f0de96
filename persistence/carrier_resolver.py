"""Resolves the addresses of outbound trunks before they are dialled, because the name of a carrier may
lead into the private network of the operator."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

from domain.common.networks import Address
from domain.telephony.carrier_addresses import carrier_host, check_carrier_addresses
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.network_allow_list import AllowList
from domain.tools.private_hosts import parse_host

RESOLUTION_TIMEOUT_SECONDS = 8.0
"""Resolvers ask again after five seconds without a response."""


class CarrierResolver:
    def __init__(
        self, allowed: AllowList, timeout_seconds: float = RESOLUTION_TIMEOUT_SECONDS
    ) -> None:
        """`allowed` are the private addresses that trunks may have."""
        self._allowed = allowed
        self._timeout_seconds = timeout_seconds

    async def check(self, trunk: OutboundTrunkSpec) -> None:
        """Raise `DialRefused` if the trunk leads to an address that it may not, or if its name has no
        A or AAAA record and is not listed."""
        host, port = carrier_host(trunk)
        literal = parse_host(host)
        addresses = {literal} if literal else await self._resolve(host, port)
        check_carrier_addresses(trunk, addresses, self._allowed, ("trunk",))

    async def _resolve(self, host: str, port: int) -> set[Address]:
        """The addresses of the name; none if it does not resolve in time."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError, TimeoutError):
            return set()
        return {ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found}
