"""Where outbound trunks may lead: to public addresses, and to private ones that the operator lists in
TRUNK_ALLOW. Otherwise a tenant could have requests sent into the network of the operator."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.common.errors import DialRefused, InvalidInput, Path
from domain.common.networks import Address
from domain.common.problems import Problems, problems_of
from domain.telephony.dial_policy import DialRefusal
from domain.telephony.trunks import OutboundTrunkSpec, SipTransport, check_sip_address
from domain.tools.network_allow_list import AllowList, is_public, normalize_host
from domain.tools.private_hosts import is_listed, is_private

SIP_PORTS: Mapping[SipTransport, int] = {
    SipTransport.UDP: 5060,
    SipTransport.TCP: 5060,
    SipTransport.TLS: 5061,
}
"""The ports of addresses that name none."""


def carrier_host(trunk: OutboundTrunkSpec) -> tuple[str, int]:
    """The host and the port of a valid address."""
    host, _, port = trunk.address.partition(":")
    return normalize_host(host), int(port) if port else SIP_PORTS[trunk.transport]


def carrier_address_problems(
    trunk: OutboundTrunkSpec, allowed: AllowList, path: Path = ()
) -> Problems:
    """What is wrong with the address, as far as that is known without resolving its name."""
    here = (*path, "address")
    if any(problems_of(check_sip_address, trunk.address, here)):
        return
    host, port = carrier_host(trunk)
    if is_private(host) and not is_listed(host, port, allowed):
        yield InvalidInput(
            f"{host} is a private address; use the public address of the carrier, or ask the "
            f"operator to list {host}:{port} in TRUNK_ALLOW.",
            here,
        )


def check_carrier_addresses(
    trunk: OutboundTrunkSpec, addresses: Collection[Address], allowed: AllowList, path: Path
) -> None:
    """Raise `DialRefused` unless these addresses, to which the host resolves, may be dialled. For a name
    without any, livekit-sip reads SRV records, which can lead to any host and port. So such a name must
    be listed itself."""
    host, port = carrier_host(trunk)
    if not addresses and (host, port) not in allowed.host_ports:
        raise DialRefused(
            f"No A or AAAA record of {host}, the address of the trunk {trunk.name}, was found in time. "
            "Correct the address, or try again later. If the carrier has SRV records only, ask the "
            f"operator to list {host}:{port} in TRUNK_ALLOW.",
            path,
            reason=DialRefusal.UNRESOLVED_ADDRESS,
        )
    if all(is_public(each) or allowed.allows(host, each, port) for each in addresses):
        return
    raise DialRefused(
        f"The address of the trunk {trunk.name} leads to a private network; use a public one, or ask "
        f"the operator to list {host}:{port} in TRUNK_ALLOW.",
        path,
        reason=DialRefusal.PRIVATE_ADDRESS,
    )
