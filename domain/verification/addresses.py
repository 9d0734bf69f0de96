"""Findings about requests to private addresses, which tools may not reach unless the operator lists
them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, ip_address
from urllib.parse import urlsplit

from domain.common.findings import Finding, FindingCode
from domain.common.networks import DEFAULT_PORTS, Address
from domain.tenants.settings import Endpoint, McpServer, TenantSettings
from domain.tools.actions import ApiCall, McpCall
from domain.tools.model import ToolSpec, all_actions
from domain.tools.network_allow_list import (
    METADATA,
    AllowList,
    embedded_ipv4,
    is_public,
    normalize_host,
)
from domain.verification.reporting import Path, warning

PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".localdomain")


def findings(
    tools: Mapping[str, ToolSpec], settings: TenantSettings | None, allowed: AllowList | None
) -> Iterator[Finding]:
    """Private addresses in tools, and in the endpoints and MCP servers that they use. Without
    `allowed`, the operator's list is not known; then an address in the settings, which is meant to
    differ between environments, is reported only if it is that of a metadata service."""
    endpoints: set[str] = set()
    servers: set[str] = set()
    for name, tool in tools.items():
        for path, action in all_actions(tool, ("tools", name)):
            if isinstance(action, McpCall):
                servers.add(action.server)
            elif isinstance(action, ApiCall) and action.endpoint:
                endpoints.add(action.endpoint)
            elif isinstance(action, ApiCall):
                yield from _check(action.url, (*path, "apiCall", "url"), allowed)
    if settings is None:
        return
    yield from _servers("endpoints", settings.endpoints, endpoints, allowed)
    yield from _servers("mcpServers", settings.mcp_servers, servers, allowed)


def _servers(
    kind: str,
    listed: Sequence[Endpoint | McpServer],
    used: Collection[str],
    allowed: AllowList | None,
) -> Iterator[Finding]:
    for index, server in enumerate(listed):
        if server.name in used and (allowed is not None or _is_metadata(server.url)):
            yield from _check(server.url, ("settings", kind, str(index), "url"), allowed)


def _check(url: str, path: Path, allowed: AllowList | None) -> Iterator[Finding]:
    host, port = _host_and_port(url)
    if not _is_private(host) or (allowed is not None and _is_listed(host, port, allowed)):
        return
    what = "the address of a metadata service" if _is_metadata(url) else "a private address"
    yield warning(
        FindingCode.PRIVATE_ADDRESS,
        path,
        f"{host} is {what}, which tools may not reach.",
        f"Use a public address, or ask the operator to list {host}:{port} in OUTBOUND_ALLOW.",
    )


def _host_and_port(url: str) -> tuple[str, int]:
    """The host and the port of a URL; the host is literal, whatever placeholders follow it."""
    parts = urlsplit(url.split("{{", 1)[0])
    return normalize_host(parts.hostname or ""), parts.port or DEFAULT_PORTS.get(parts.scheme, 443)


def _is_private(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return not is_public(address)
    return "." not in host or host.endswith(PRIVATE_SUFFIXES)


def _is_metadata(url: str) -> bool:
    host, _ = _host_and_port(url)
    address = _address(host)
    if address is None:
        return host.split(".")[0] == "metadata" and host.endswith(PRIVATE_SUFFIXES)
    return embedded_ipv4(address) in METADATA


def _is_listed(host: str, port: int, allowed: AllowList) -> bool:
    address = _address(host)
    if address is not None:
        return allowed.allows(host, address, port)
    # A name may resolve to an address of a listed network.
    return bool(allowed.networks) or (host, port) in allowed.host_ports


def _address(host: str) -> Address | None:
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
