"""The one server that requests with a credential of a tenant may reach (SSRF protection)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.common.networks import DEFAULT_PORTS, Address
from domain.tools.network_allow_list import AllowList, is_public, normalize_host

WEB_PORTS = frozenset(DEFAULT_PORTS.values())


@dataclass(frozen=True, slots=True)
class EgressRule:
    """Allows connections to one host: to its public addresses over TLS on a port of the web, and to
    those that the operator lists in OUTBOUND_ALLOW."""

    host: str
    port: int
    is_tls: bool
    allowed: AllowList

    @classmethod
    def of_url(cls, url: str, allowed: AllowList) -> EgressRule:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        host = normalize_host(parts.hostname or "")
        return cls(host, port, parts.scheme == "https", allowed)

    def permits(self, address: Address) -> bool:
        """Whether this address, to which the host resolves, may be connected to."""
        return self.allowed.allows(self.host, address, self.port) or (
            self._is_web and is_public(address)
        )

    @property
    def problem(self) -> str | None:
        """Why no connection is allowed, as far as that is known without resolving the host."""
        listing = f"ask the operator to list {self.host}:{self.port} in OUTBOUND_ALLOW"
        try:
            address = ip_address(self.host)
        except ValueError:
            if self._is_web or self.allowed.may_allow_port(self.port):
                return None
            return f"Only https on port 443 or 80 is allowed; otherwise {listing}."
        if self.permits(address):
            return None
        return f"{self.host}:{self.port} is not a public address over https; {listing}."

    @property
    def _is_web(self) -> bool:
        return self.is_tls and self.port in WEB_PORTS
