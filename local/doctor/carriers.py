"""The networks from which carriers send calls, as they publish them, and how a trunk compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses


@dataclass(frozen=True, slots=True)
class Carrier:
    """`networks` are those of its SIP servers, each with its place; `read_on` is when they were
    read from `page`."""

    name: str
    domain: str
    """The end of the host names of its outbound trunks."""
    networks: Mapping[str, str]
    media: Sequence[str]
    page: str
    read_on: str


TWILIO = Carrier(
    name="Twilio",
    domain="twilio.com",
    networks={
        "54.172.60.0/30": "Virginia",
        "54.244.51.0/30": "Oregon",
        "54.171.127.192/30": "Ireland",
        "35.156.191.128/30": "Frankfurt",
        "54.65.63.192/30": "Tokyo",
        "54.169.127.128/30": "Singapore",
        "54.252.254.64/30": "Sydney",
        "177.71.206.192/30": "São Paulo",
    },
    media=("168.86.128.0/18",),
    page="https://www.twilio.com/docs/sip-trunking/ip-addresses",
    read_on="2026-11-29",
)
CARRIERS = (TWILIO,)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`missing`: networks of the carrier whose calls the trunk refuses. `foreign`: networks from which
    the trunk accepts calls although they are not the carrier's."""

    missing: Sequence[IPv4Network]
    foreign: Sequence[IPv4Network]


def compare_networks(allowed: Iterable[str], published: Iterable[str]) -> Comparison:
    ours, theirs = _networks(allowed), _networks(published)
    return Comparison(
        missing=[each for each in theirs if not _is_within(each, ours)],
        foreign=[each for each in ours if not _is_within(each, theirs)],
    )


def find_carrier(outbound_hosts: Iterable[str], allowed: Iterable[str]) -> Carrier | None:
    """The carrier of an inbound trunk: that of the outbound trunks of its numbers, or the one whose
    networks it allows; None if it is another."""
    hosts, ours = [*outbound_hosts], _networks(allowed)
    for carrier in CARRIERS:
        theirs = _networks(carrier.networks)
        has_host = any(host.lower().endswith(f".{carrier.domain}") for host in hosts)
        if has_host or any(one.overlaps(other) for one in ours for other in theirs):
            return carrier
    return None


def _networks(texts: Iterable[str]) -> list[IPv4Network]:
    """The IPv4 networks; livekit-sip does not receive over IPv6."""
    return [IPv4Network(text) for text in texts if ":" not in text]


def _is_within(network: IPv4Network, others: Iterable[IPv4Network]) -> bool:
    return any(network.subnet_of(other) for other in collapse_addresses(others))
