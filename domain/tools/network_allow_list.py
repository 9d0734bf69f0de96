"""Which addresses tools and outbound trunks may reach: public ones, and private ones that the operator
has listed."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from domain.common.errors import InvalidSetting
from domain.common.networks import Address, Network

METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
        ),
    )
)
"""The metadata services at which clouds hand out credentials; Azure's address looks public."""

SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001:db8::/32", "3fff::/20")))
"""Special-purpose in IANA's registries, but global according to some Python releases."""
UNICAST = IPv6Network("2000::/3")
"""The IPv6 space that is allocated for global unicast; everything outside is special-purpose."""
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    inner = embedded_ipv4(address)
    if inner.is_multicast or not inner.is_global or inner in METADATA:
        return False
    if any(inner in network for network in SPECIAL):
        return False
    return isinstance(inner, IPv4Address) or inner in UNICAST


def embedded_ipv4(address: Address) -> Address:
    """The IPv4 address that an IPv6 address embeds; the address itself if it embeds none."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


@dataclass(frozen=True, slots=True)
class AllowList:
    """Private destinations: `host:port`, `address:port`, or all ports of a network in CIDR notation."""

    host_ports: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str, setting: str = "OUTBOUND_ALLOW") -> AllowList:
        """Read the value of this setting. Raises `InvalidSetting`."""
        parts = [part for part in map(str.strip, text.split(",")) if part]
        try:
            return cls(
                frozenset(_parse_host_port(part) for part in parts if "/" not in part),
                tuple(ip_network(part) for part in parts if "/" in part),
            )
        except ValueError as error:
            raise InvalidSetting(
                f"{setting} must list host:port or CIDR, comma-separated: {error}"
            ) from None

    def may_allow_port(self, port: int) -> bool:
        """False: no address is listed with this port."""
        return bool(self.networks) or any(listed == port for _, listed in self.host_ports)

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Whether `address`, to which `host` resolves, is listed by host, address or network.

        A metadata service must be listed by its exact address."""
        if (str(address), port) in self.host_ports:
            return True
        if embedded_ipv4(address) in METADATA:
            return False
        is_listed_by_host = (normalize_host(host), port) in self.host_ports
        return is_listed_by_host or any(address in network for network in self.networks)


def normalize_host(host: str) -> str:
    return host.rstrip(".").lower()


def _parse_host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not host:port")
    if host.startswith("[") and host.endswith("]"):
        return str(IPv6Address(host[1:-1])), int(port)
    if ":" in host:
        raise ValueError(f"{text!r} needs brackets around the IPv6 address")
    return normalize_host(host), int(port)
