"""The secrets that tools send, and the hosts that each may be sent to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from domain.common.errors import InvalidInput, Path
from domain.common.problems import parse_all
from domain.common.text_validation import DNS_LABEL
from domain.tools.network_allow_list import normalize_host

MAX_HOSTS, MAX_HOST_LENGTH = 20, 253
HOST_NAME = re.compile(rf"(?:\*\.{DNS_LABEL}\.)?{DNS_LABEL}(?:\.{DNS_LABEL})*")
PORT = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A decrypted secret."""

    value: str = field(repr=False)
    hosts: tuple[str, ...] | None = None
    """The hosts that it may be sent to; None for any."""


@dataclass(frozen=True, slots=True)
class HostLimit:
    """A secret in the headers of a request, and the only hosts that the request may go to."""

    secret: str
    hosts: tuple[str, ...]

    def allows(self, host: str, port: int) -> bool:
        name = normalize_host(host)
        return any(_matches(entry, name, port) for entry in self.hosts)


def check_hosts(hosts: Sequence[str], path: Path) -> tuple[str, ...]:
    """The hosts in lower case. Raises `InvalidInput` unless each is a host with or without a port."""
    if not 1 <= len(hosts) <= MAX_HOSTS:
        raise InvalidInput(f"Name 1 to {MAX_HOSTS} hosts, or use null to allow every host.", path)
    return tuple(dict.fromkeys(parse_all(_check_host, hosts, path)))


def _check_host(text: str, path: Path) -> str:
    host, port = _split_port(text.strip().lower())
    is_valid = len(host) <= MAX_HOST_LENGTH and (HOST_NAME.fullmatch(host) or _is_address(host))
    if not is_valid or not (port is None or (PORT.fullmatch(port) and int(port) < 65_536)):
        raise InvalidInput(
            f"{text[:64]!r} is not a host: write api.example.com, api.example.com:8443, or "
            "*.example.com for all hosts below example.com. Write other letters in Punycode.",
            path,
        )
    return text.strip().lower()


def _matches(entry: str, host: str, port: int) -> bool:
    listed, listed_port = _split_port(entry)
    if listed_port is not None and int(listed_port) != port:
        return False
    if listed.startswith("*."):
        return host.endswith(listed[1:]) and len(host) > len(listed) - 1
    return host == listed


def _split_port(text: str) -> tuple[str, str | None]:
    """The host, an IPv6 address without its brackets, and the port, if there is one."""
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":") if rest else None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _is_address(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not (isinstance(address, IPv6Address) and address.scope_id)
