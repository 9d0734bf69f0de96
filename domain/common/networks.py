"""IP addresses and networks: those of clients, and those that a credential may be used from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from domain.common.errors import InvalidInput, Path
from domain.common.problems import parse_all

MAX_NETWORKS = 50
DEFAULT_PORTS = {"http": 80, "https": 443}
"""The ports of URLs that name none."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_address(text: str) -> Address | None:
    """The IP address; None for anything else. An IPv4 address that is written as an IPv6 address counts
    as what it is."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def socket_address(text: object) -> Address:
    """The address of a socket, without the zone id that an IPv6 address may carry."""
    return ip_address(str(text).partition("%")[0])


def client_network(address: str) -> str:
    """The network that identifies a client: its IPv4 address, or the /64 of its IPv6 address, as a
    client has all 2^64 addresses of it."""
    parsed = parse_address(address)
    if parsed is None:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(IPv6Network((parsed, 64), strict=False))


def is_in_networks(address: str, networks: Iterable[Network]) -> bool:
    """Whether one of the networks contains the IP address."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks)


def parse_networks(texts: Sequence[str], path: Path) -> tuple[Network, ...]:
    """IP addresses or networks in CIDR notation. Raises `InvalidInput` for anything else."""
    if len(texts) > MAX_NETWORKS:
        raise InvalidInput(f"At most {MAX_NETWORKS} addresses are allowed.", path)
    return parse_all(_parse_network, texts, path)


def _parse_network(text: str, path: Path) -> Network:
    try:
        network = ip_network(text.strip())
    except ValueError:
        raise InvalidInput(
            f"{text[:64]!r} is neither an IP address nor a network in CIDR notation, such as "
            "203.0.113.0/24, whose bits behind the prefix are 0.",
            path,
        ) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise InvalidInput("Write an IPv4 address as such, not as an IPv6 address.", path)
    return network
