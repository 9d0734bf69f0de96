"""Whether this machine lets carriers reach livekit-sip: its ports, its address, its firewall."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from local.doctor.findings import Finding, fault, ok, skipped, warning
from local.doctor.firewall import Exposure, exposure_of, read_ruleset
from local.doctor.installation import PUBLIC_ADDRESS, RTP_RANGE, Installation
from local.doctor.service_checks import START_SIP, Findings
from local.doctor.sip_options import NoAnswer, ask_options, local_address, resolve
from local.doctor.stun import ask_stun
from local.os_processes import udp_ports
from local.phone.sip_message import is_ipv4
from local.phone.transactions import Address

THIS_MACHINE = frozenset({"127.0.0.1", "localhost"})
PORTS_PER_CALL = 2
PORT_REUSE_FACTOR = 2
"""livekit-sip keeps a port for half a minute after the call, so busy machines need more than they use
at once."""
LIVEKIT_MEDIA_PORT = 7882
ANYWHERE = ("192.0.2.1", 9)
"""An address for examples, to which nothing is sent."""
TIME_ERROR = 5
"""What adjtimex returns while no time server sets the clock."""
TIMEX_BYTES = 1_024
LOOPBACK_ONLY = (
    "The telephone of `./studio up --phone` listens on 127.0.0.1: no carrier reaches it."
)
RULES_OF_FIREWALL = (
    "Admit only the networks of your carriers to the SIP port and to the RTP ports: docs/phone.md has"
    " the rules."
)


# ---- ports ---------------------------------------------------------------------------------


async def check_sip_port(
    installation: Installation, ports: Callable[[], Mapping[int, str]] = udp_ports
) -> Findings:
    host, port = installation.sip_address
    try:
        answer = await ask_options(host, port)
    except NoAnswer as problem:
        message = f"{host}:{port} {problem}."
        if host in THIS_MACHINE:
            return (_explain_silence(message, ports().get(port)),)
        fix = (
            "Start livekit-sip, or let its firewall accept SIP from here; only this check needs it."
        )
        return (warning(message, fix),)
    return (ok(f"livekit-sip answers at {host}:{port} (status {answer.status})."),)


def _explain_silence(message: str, owner: str | None) -> Finding:
    """`owner` is the process that has the port: None if nothing has, empty if it is hidden."""
    if owner is None:
        return fault(f"{message} Nothing has this port.", START_SIP)
    if owner:
        fix = f"Stop {owner}, or give livekit-sip another `sip_port`."
        return fault(f"{message} The port belongs to {owner}.", fix)
    return warning(message, "Read the log of livekit-sip.")


@dataclass(frozen=True, slots=True)
class PortUse:
    """Which ports this machine gives to outgoing connections, those that it spares, and those that are
    open."""

    ephemeral: range
    reserved: frozenset[int] = frozenset()
    open: Mapping[int, str] | None = None


def read_port_use() -> PortUse:
    network = Path("/proc/sys/net/ipv4")
    try:
        first, last = map(int, (network / "ip_local_port_range").read_text().split())
        reserved = (network / "ip_local_reserved_ports").read_text()
    except (OSError, ValueError):  # not Linux
        return PortUse(range(0), open=udp_ports())
    return PortUse(range(first, last + 1), _parse_port_list(reserved), udp_ports())


def _parse_port_list(text: str) -> frozenset[int]:
    ports: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            ports |= set(range(int(first), int(last or first) + 1))
    return frozenset(ports)


def check_rtp_ports(installation: Installation, use: PortUse, concurrent_calls: int) -> Findings:
    ports = installation.rtp_ports
    shown = f"{ports.start}-{ports.stop - 1}"
    _, sip_port = installation.sip_address
    found: list[Finding] = []
    if taken := [port for port in (sip_port, LIVEKIT_MEDIA_PORT) if port in ports]:
        fix = f"Choose other ports: {RTP_RANGE}, and `rtp_port` of livekit-sip."
        found.append(fault(f"The RTP ports {shown} contain {taken[0]}, which is in use.", fix))
    needed = concurrent_calls * PORTS_PER_CALL * PORT_REUSE_FACTOR
    if needed > len(ports):
        message = f"{concurrent_calls} calls at once need about {needed} ports, and {shown} are"
        fix = f"Set {RTP_RANGE} to more ports, and open them in the firewall."
        found.append(warning(f"{message} {len(ports)}.", fix))
    if shared := _shared_ports(ports, use):
        message = f"This machine also gives {shared} of the RTP ports to outgoing connections."
        fix = f"Reserve them: sysctl net.ipv4.ip_local_reserved_ports={shown}"
        found.append(warning(message, fix))
    if strangers := _strangers(ports, use):
        fix = f"Set {RTP_RANGE} to ports that nothing else uses."
        found.append(warning(f"RTP ports are used by {', '.join(strangers)}.", fix))
    return found or (ok(f"The RTP ports are {shown}."),)


def _shared_ports(ports: range, use: PortUse) -> int:
    first, stop = max(ports.start, use.ephemeral.start), min(ports.stop, use.ephemeral.stop)
    return len(set(range(first, stop)) - use.reserved)


def _strangers(ports: range, use: PortUse) -> list[str]:
    """The processes that use the ports, except for livekit-sip and its emulator."""
    names = {name for port, name in (use.open or {}).items() if port in ports and name}
    return sorted(name for name in names if not name.startswith(("livekit-sip", "python")))


# ---- the address ---------------------------------------------------------------------------


async def check_public_address(installation: Installation, stun_server: Address | None) -> Findings:
    """Whether carriers learn an address at which they can reach livekit-sip."""
    if installation.is_loopback:
        return (skipped(LOOPBACK_ONLY),)
    seen = await _seen_address(stun_server)
    announced = installation.public_address
    if not announced:
        return (_judge_default_address(seen),)
    if not is_ipv4(announced):
        fix = f"Set {PUBLIC_ADDRESS} to an IPv4 address; livekit-sip announces no names."
        return (fault(f"{PUBLIC_ADDRESS} is {announced}, which is no IPv4 address.", fix),)
    if not IPv4Address(announced).is_global:
        fix = f"Set {PUBLIC_ADDRESS} to {seen or 'the public address of this machine'}."
        return (fault(f"Carriers cannot send to {announced}, which is not public.", fix),)
    if seen is None:
        message = (
            f"livekit-sip announces {announced}; no STUN server answered that could confirm it."
        )
        fix = "Let the firewall send UDP, or name another server with --stun."
        return (warning(message, fix),)
    if seen != announced:
        message = (
            f"livekit-sip announces {announced}, but the internet sees this machine as {seen}."
        )
        fix = f"Set {PUBLIC_ADDRESS} to {seen}, unless packets to {announced} are forwarded here."
        return (warning(message, fix),)
    return (ok(f"livekit-sip announces {announced}, and the internet sees the same address."),)


def _judge_default_address(seen: str | None) -> Finding:
    """Without a setting, livekit-sip announces the first address of the machine."""
    try:
        own = local_address(ANYWHERE)
    except OSError:
        fix = f"Connect it, or set {PUBLIC_ADDRESS} to its public address."
        return fault("This machine has no route to the internet.", fix)
    if seen is not None and seen != own:
        message = f"livekit-sip announces {own}, but the internet sees this machine as {seen}."
        return fault(f"{message} Calls are silent.", f"Set {PUBLIC_ADDRESS} to {seen}.")
    if not IPv4Address(own).is_global:
        fix = f"Set {PUBLIC_ADDRESS} to the public address of this machine."
        return fault(f"Carriers cannot send to {own}, which is not public.", fix)
    return ok(f"livekit-sip announces {own}, the address of this machine.")


async def _seen_address(server: Address | None) -> str | None:
    if server is None:
        return None
    host, port = server
    try:
        return await ask_stun((await resolve(host), port))
    except (NoAnswer, OSError):
        return None


# ---- the firewall --------------------------------------------------------------------------


async def check_firewall(installation: Installation) -> Findings:
    if installation.is_loopback:
        return (skipped(LOOPBACK_ONLY),)
    ruleset = await read_ruleset()
    if ruleset is None:
        message = "The rules cannot be read: that needs nft, and root."
        return (skipped(f"{message} {RULES_OF_FIREWALL}"),)
    ports = {"SIP": installation.sip_address[1], "RTP": installation.rtp_ports.start}
    return [_judge_exposure(name, port, exposure_of(ruleset, port)) for name, port in ports.items()]


def _judge_exposure(name: str, port: int, exposure: Exposure) -> Finding:
    match exposure:
        case Exposure.RESTRICTED:
            return ok(f"It does not let everyone send to port {port} ({name}).")
        case Exposure.UNKNOWN:
            return skipped(f"Its rules for port {port} ({name}) are too complex to be judged here.")
        case Exposure.OPEN:
            message = f"It lets everyone send to port {port} ({name})."
            fix = f"{RULES_OF_FIREWALL} A firewall in front of this machine does as well."
            return warning(message, fix)


# ---- the clock -----------------------------------------------------------------------------


def is_clock_synchronized() -> bool | None:
    """Whether a time server sets the clock of this machine; None if the kernel does not say."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != TIME_ERROR)
