"""Resolves the addresses of outbound trunks before they are dialled, because the name of a carrier may
lead into the private network of the operator."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

from domain.common.networks import Address
from domain.telephony.carrier_addresses import carrier_host, check_carrier_address
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.network_allow_list import AllowList
from domain.tools.private_hosts import parse_host

RESOLUTION_TIMEOUT_SECONDS = 2.0


class CarrierResolver:
    def __init__(self, allowed: AllowList) -> None:
        """`allowed` are the private addresses that trunks may have."""
        self._allowed = allowed

    async def check(self, trunk: OutboundTrunkSpec) -> None:
        """Raise `DialRefused` if the trunk leads to an address that it may not. A name that does not
        resolve passes: livekit-sip cannot resolve it either, and reports that."""
        host, port = carrier_host(trunk)
        literal = parse_host(host)
        for address in [literal] if literal else await _resolve(host, port):
            check_carrier_address(trunk, address, self._allowed, ("trunk",))


async def _resolve(host: str, port: int) -> set[Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLUTION_TIMEOUT_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError, TimeoutError):
        return set()
    return {ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found}
