"""Whether a host is private, as far as that is known without resolving its name."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from domain.common.networks import Address
from domain.tools.network_allow_list import AllowList, is_public

PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".localdomain")


def is_private(host: str) -> bool:
    address = parse_host(host)
    if address is not None:
        return not is_public(address)
    return "." not in host or host.endswith(PRIVATE_SUFFIXES)


def is_listed(host: str, port: int, allowed: AllowList) -> bool:
    address = parse_host(host)
    if address is not None:
        return allowed.allows(host, address, port)
    # A name may resolve to an address of a listed network.
    return bool(allowed.networks) or (host, port) in allowed.host_ports


def parse_host(host: str) -> Address | None:
    """The address that a host is, in any notation that resolvers accept; None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return _legacy_ipv4(host)


def _legacy_ipv4(host: str) -> IPv4Address | None:
    """An IPv4 address in the notations of inet_aton: fewer than four parts, octal, hexadecimal."""
    parts = host.split(".")
    try:
        numbers = [int(part, _base(part)) for part in parts]
        *octets, last = numbers
        if len(parts) > 4 or any(n > 255 for n in octets) or last >= 256 ** (5 - len(parts)):
            return None
        value = sum(octet << 8 * (3 - n) for n, octet in enumerate(octets)) + last
        return IPv4Address(value)
    except ValueError:
        return None


def _base(part: str) -> int:
    if not part.isascii() or not part.isalnum():
        raise ValueError(part)
    if part[:2] in ("0x", "0X"):
        return 16
    return 8 if part[0] == "0" and len(part) > 1 else 10
