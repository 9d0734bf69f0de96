"""Which address the internet sees of this machine, by a STUN server (RFC 8489)."""

from __future__ import annotations

import asyncio
import secrets
from ipaddress import IPv4Address
from typing import Any

from local.phone.transactions import Address

BINDING_REQUEST, BINDING_RESPONSE = 0x0001, 0x0101
MAGIC_COOKIE = 0x2112A442
MAPPED_ADDRESS, XOR_MAPPED_ADDRESS = 0x0001, 0x0020
IPV4 = 1
TRANSMISSIONS, INTERVAL_SECONDS = 3, 0.7


class _StunClient(asyncio.DatagramProtocol):
    def __init__(self, transaction: bytes) -> None:
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._transaction = transaction

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if not self.address.done() and (address := mapped_address(data, self._transaction)):
            self.address.set_result(address)

    def error_received(self, exc: Exception) -> None:
        """The server has no such port; the timeout reports it."""


async def ask_stun(server: Address) -> str | None:
    """The public IPv4 address of this machine; None if the server does not answer."""
    transaction = secrets.token_bytes(12)
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(
        lambda: _StunClient(transaction), remote_addr=server
    )
    try:
        for _ in range(TRANSMISSIONS):
            transport.sendto(binding_request(transaction))
            try:
                async with asyncio.timeout(INTERVAL_SECONDS):
                    return await asyncio.shield(client.address)
            except TimeoutError:
                continue
        return None
    finally:
        client.address.cancel()
        transport.close()


def binding_request(transaction: bytes) -> bytes:
    return _header(BINDING_REQUEST, 0, transaction)


def binding_response(transaction: bytes, host: str, port: int) -> bytes:
    """What a server answers to a client at this address."""
    address = int(IPv4Address(host)) ^ MAGIC_COOKIE
    value = bytes((0, IPV4)) + (port ^ (MAGIC_COOKIE >> 16)).to_bytes(2, "big")
    value += address.to_bytes(4, "big")
    attribute = XOR_MAPPED_ADDRESS.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
    return _header(BINDING_RESPONSE, len(attribute), transaction) + attribute


def transaction_of(message: bytes) -> bytes:
    return message[8:20]


def mapped_address(message: bytes, transaction: bytes) -> str | None:
    """The address in a response to our request; None if the message is something else."""
    if int.from_bytes(message[:2], "big") != BINDING_RESPONSE or len(message) < 20:
        return None
    if transaction_of(message) != transaction:
        return None
    position = 20
    while position + 4 <= len(message):
        kind, length = (int.from_bytes(message[position + n :][:2], "big") for n in (0, 2))
        value = message[position + 4 : position + 4 + length]
        if kind in (MAPPED_ADDRESS, XOR_MAPPED_ADDRESS) and len(value) >= 8 and value[1] == IPV4:
            mask = MAGIC_COOKIE if kind == XOR_MAPPED_ADDRESS else 0
            return str(IPv4Address(int.from_bytes(value[4:8], "big") ^ mask))
        position += 4 + (length + 3) // 4 * 4
    return None


def _header(kind: int, length: int, transaction: bytes) -> bytes:
    return (
        kind.to_bytes(2, "big")
        + length.to_bytes(2, "big")
        + MAGIC_COOKIE.to_bytes(4, "big")
        + transaction
    )
