"""Findings about requests to private addresses, which tools may not reach unless the operator lists
them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from domain.common.findings import Finding, FindingCode
from domain.common.networks import DEFAULT_PORTS
from domain.tenants.settings import Endpoint, McpServer, TenantSettings
from domain.tools.actions import ApiCall, McpCall
from domain.tools.model import ToolSpec, all_actions
from domain.tools.network_allow_list import METADATA, AllowList, embedded_ipv4, normalize_host
from domain.tools.private_hosts import PRIVATE_SUFFIXES, is_listed, is_private, parse_host
from domain.verification.reporting import Path, warning


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
    if not is_private(host) or (allowed is not None and is_listed(host, port, allowed)):
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


def _is_metadata(url: str) -> bool:
    host, _ = _host_and_port(url)
    address = parse_host(host)
    if address is None:
        return host.split(".")[0] == "metadata" and host.endswith(PRIVATE_SUFFIXES)
    return embedded_ipv4(address) in METADATA
