"""The trunks of a tenant, which connect it to telephone carriers, and its telephone numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Literal, NewType
from uuid import UUID

from domain.common.access import TenantId
from domain.common.errors import InvalidInput, Path
from domain.common.json_values import TOO_DEEP, is_too_deep
from domain.common.languages import check_language
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import DNS_LABEL, check_name, check_text
from domain.telephony.attestation import Attestation
from domain.telephony.hold import (
    ANSWER_MARGIN_SECONDS,
    MAX_HOLD_SECONDS,
    MAX_HOLD_TEXT_LENGTH,
    MIN_HOLD_AFTER_SECONDS,
    NO_HOLD_POLICY,
    HoldPolicy,
)
from domain.telephony.numbers import (
    check_e164,
    check_prefix,
    check_region,
    check_short_number,
)

OutboundTrunkId = NewType("OutboundTrunkId", UUID)
InboundTrunkId = NewType("InboundTrunkId", UUID)
PhoneNumberId = NewType("PhoneNumberId", UUID)
NumberReference = Literal["workflow_id", "inbound_trunk_id", "outbound_trunk_id"]
"""The fields of a number that refer to another object."""

MAX_ALLOWED = 250
"""Entries in each allow list of a trunk."""
MAX_HEADERS = 20
MAX_CONTEXT_BYTES = 16_384
MAX_EARLIER_CALLS = 10
MIN_RINGING_SECONDS, MAX_RINGING_SECONDS = 5, 75
"""LiveKit waits at most 80 seconds for an answer."""
DEFAULT_RINGING_SECONDS = 30
DEFAULT_OUTBOUND_SECONDS, DEFAULT_INBOUND_SECONDS = 1_800, 3_600
MAX_CALL_SECONDS = 86_400
MAX_CALLS_PER_SECOND = 100
MAX_CONCURRENT_CALLS = 10_000
MAX_CALLS_PER_DAY = 1_000_000
MAX_CALLS_PER_NUMBER_PER_HOUR = 1_000
MAX_MINUTES_PER_DAY = 1_000_000

SIP_HOST = re.compile(rf"{DNS_LABEL}(?:\.{DNS_LABEL})*", re.IGNORECASE)
SIP_CREDENTIAL = re.compile(r"[!#-\[\]-~]{1,128}")
"""Printable ASCII without spaces, quotes and backslashes, which SIP headers would have to quote."""
CONTEXT_HEADER = re.compile(
    r"X-[A-Za-z0-9-]{1,60}|P-Asserted-Identity|Diversion|User-to-User", re.IGNORECASE
)
MIN_IPV4_PREFIX_LENGTH, MIN_IPV6_PREFIX_LENGTH = 8, 32


class SipTransport(StrEnum):
    """The transport of SIP messages."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"


class MediaEncryption(StrEnum):
    """Whether the audio of a trunk is encrypted with SRTP."""

    DISABLED = "DISABLED"
    ALLOWED = "ALLOWED"
    REQUIRED = "REQUIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class DialLimits:
    """How much may be dialled over a trunk. The defaults limit the damage of a stolen key."""

    calls_per_second: int = 1
    concurrent_calls: int = 5
    calls_per_day: int = 200
    calls_per_number_per_hour: int = 3
    minutes_per_day: int | None = None
    """Of conversations that were dialled; None: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundTrunkSpec:
    """How to reach a carrier, and which numbers may be dialled over it.

    Numbers of `region` and of `allowed_regions` may be dialled unless they cost extra. Numbers with
    an allowed prefix, and allowed short numbers, may be dialled whatever they are."""

    name: str
    address: str
    """A host name or an IPv4 address, with an optional port."""
    transport: SipTransport = SipTransport.UDP
    media_encryption: MediaEncryption = MediaEncryption.DISABLED
    username: str | None = None
    region: str
    """The country of the trunk, as an ISO 3166-1 code."""
    allowed_regions: tuple[str, ...] = ()
    allowed_prefixes: tuple[str, ...] = ()
    allowed_short_numbers: tuple[str, ...] = ()
    limits: DialLimits = DialLimits()
    max_call_seconds: int = DEFAULT_OUTBOUND_SECONDS
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundTrunkSpec:
    """From where a carrier sends the calls to our numbers.

    A call is accepted only from `allowed_addresses`. With `username`, the carrier has to
    authenticate as well."""

    name: str
    allowed_addresses: tuple[str, ...]
    """Networks in CIDR notation. LiveKit would also accept a bare address from a caller who
    writes it into the From header."""
    media_encryption: MediaEncryption = MediaEncryption.DISABLED
    username: str | None = None
    context_headers: tuple[str, ...] = ()
    """SIP headers that the context of a call gets."""
    max_call_seconds: int = DEFAULT_INBOUND_SECONDS
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDefaults:
    """What calls of a number start with, unless the caller of the API asks for something else."""

    user_context: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    ringing_seconds: int | None = None
    max_seconds: int | None = None
    is_recorded: bool | None = None
    """None: as the workflow says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumberSpec:
    """A number that the tenant has from a carrier.

    Calls that the carrier of `inbound_trunk_id` sends to it run the workflow. Calls that are dialled
    over `outbound_trunk_id` may show it to the callee."""

    number: str
    label: str | None = None
    workflow_id: UUID | None = None
    inbound_trunk_id: UUID | None = None
    outbound_trunk_id: UUID | None = None
    earlier_calls: int = 0
    """How many earlier calls of a caller their new call can read."""
    defaults: NumberDefaults = NumberDefaults()
    hold: HoldPolicy = NO_HOLD_POLICY
    refused_attestations: tuple[Attestation, ...] = ()
    """Calls whose number is attested like this are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundTrunk:
    """A stored outbound trunk, without its password."""

    id: OutboundTrunkId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: OutboundTrunkSpec
    has_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundTrunk:
    """A stored inbound trunk, without its password."""

    id: InboundTrunkId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: InboundTrunkSpec
    has_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber:
    """A stored telephone number. No other tenant of the installation can have the same."""

    id: PhoneNumberId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: PhoneNumberSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DialTrunk:
    """What a worker needs to dial over a trunk, with the decrypted password."""

    id: OutboundTrunkId
    spec: OutboundTrunkSpec
    password: str | None = field(default=None, repr=False)
    problem: str | None = None
    """Why the trunk cannot dial this call, for instance because its password cannot be decrypted; None
    when it can."""


def outbound_trunk_problems(trunk: OutboundTrunkSpec, path: Path = ()) -> Problems:
    yield from problems_of(check_name, trunk.name, (*path, "name"))
    yield from problems_of(check_sip_address, trunk.address, (*path, "address"))
    yield from _username_problems(trunk.username, path)
    yield from problems_of(check_region, trunk.region, (*path, "region"))
    for name, values, check in (
        ("allowedRegions", trunk.allowed_regions, check_region),
        ("allowedPrefixes", trunk.allowed_prefixes, check_prefix),
        ("allowedShortNumbers", trunk.allowed_short_numbers, check_short_number),
    ):
        yield from _list_problems(values, MAX_ALLOWED, (*path, name))
        for index, value in enumerate(values):
            yield from problems_of(check, value, (*path, name, str(index)))
    yield from _limit_problems(trunk.limits, (*path, "limits"))
    yield from _range_problems(trunk.max_call_seconds, 1, MAX_CALL_SECONDS, (*path, "maxDuration"))


def inbound_trunk_problems(trunk: InboundTrunkSpec, path: Path = ()) -> Problems:
    yield from problems_of(check_name, trunk.name, (*path, "name"))
    yield from _address_problems(trunk, (*path, "allowedAddresses"))
    yield from _username_problems(trunk.username, path)
    here = (*path, "contextHeaders")
    yield from _list_problems(trunk.context_headers, MAX_HEADERS, here)
    for index, header in enumerate(trunk.context_headers):
        if not CONTEXT_HEADER.fullmatch(header):
            yield InvalidInput(
                "A context header must start with X-, or be P-Asserted-Identity, Diversion or "
                "User-to-User.",
                (*here, str(index)),
            )
    yield from _range_problems(trunk.max_call_seconds, 1, MAX_CALL_SECONDS, (*path, "maxDuration"))


def phone_number_problems(number: PhoneNumberSpec, path: Path = ()) -> Problems:
    yield from problems_of(check_e164, number.number, (*path, "number"))
    yield from problems_of(check_text, number.label, (*path, "label"), max_length=200)
    if number.workflow_id is not None and number.inbound_trunk_id is None:
        yield InvalidInput(
            "A number with a workflow needs the inbound trunk that its calls come from; set "
            "inboundTrunkId, or remove the workflow.",
            (*path, "inboundTrunkId"),
        )
    yield from _range_problems(number.earlier_calls, 0, MAX_EARLIER_CALLS, (*path, "earlierCalls"))
    yield from _defaults_problems(number.defaults, (*path, "defaults"))
    ringing = number.defaults.ringing_seconds or DEFAULT_RINGING_SECONDS
    yield from _hold_problems(number.hold, ringing, (*path, "hold"))
    yield from _list_problems(
        number.refused_attestations, len(Attestation), (*path, "refusedAttestations")
    )


def check_sip_address(address: str, path: Path) -> None:
    """Raise `InvalidInput` unless this is a host name or an IPv4 address with an optional port."""
    host, colon, port = address.partition(":")
    valid_port = not colon or (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536)
    if len(address) > 253 or not SIP_HOST.fullmatch(host) or not valid_port:
        raise InvalidInput(
            f"{path[-1]} must be a host name or an IPv4 address with an optional port, without "
            "sip: and parameters, for instance example.pstn.twilio.com or 192.0.2.10:5060.",
            path,
        )


def check_password(username: str | None, has_password: bool, path: Path) -> None:
    """A trunk authenticates with both or with neither."""
    if username is None and has_password:
        raise InvalidInput(
            "A password needs a username; set one, or remove the password.", (*path, "username")
        )
    if username is not None and not has_password:
        raise InvalidInput(
            "A username needs a password; set one, or remove the username.", (*path, "password")
        )


def check_password_text(password: str, path: Path) -> None:
    """Raise `InvalidInput`, without the password in its message, unless SIP can send it."""
    if not SIP_CREDENTIAL.fullmatch(password):
        raise InvalidInput(
            "A password must have 1 to 128 printable ASCII characters, without spaces, quotes and "
            "backslashes.",
            path,
        )


def _username_problems(username: str | None, path: Path) -> Problems:
    if username is not None and not SIP_CREDENTIAL.fullmatch(username):
        yield InvalidInput(
            "A username must have 1 to 128 printable ASCII characters, without spaces, quotes and "
            "backslashes; null is no authentication.",
            (*path, "username"),
        )


def _address_problems(trunk: InboundTrunkSpec, path: Path) -> Problems:
    if not trunk.allowed_addresses:
        yield InvalidInput(
            "allowedAddresses must list the networks from which the carrier sends calls, for "
            "instance 192.0.2.0/30; without them, anyone could call.",
            path,
        )
    yield from _list_problems(trunk.allowed_addresses, MAX_ALLOWED, path)
    for index, address in enumerate(trunk.allowed_addresses):
        yield from problems_of(
            _check_network,
            address,
            (*path, str(index)),
            is_authenticated=trunk.username is not None,
        )


def _check_network(text: str, path: Path, *, is_authenticated: bool) -> None:
    if "/" not in text:
        raise InvalidInput(_bare_address_message(text), path)
    try:
        network = ip_network(text)
    except ValueError:
        raise InvalidInput(
            "An allowed address must be a network in CIDR notation whose host bits are zero, for "
            "instance 192.0.2.0/30.",
            path,
        ) from None
    if not is_authenticated and network.prefixlen < _min_prefix_length(network):
        raise InvalidInput(
            f"A network as large as {network} is no restriction; list the carrier's networks, or "
            "require a username and a password.",
            path,
        )


def _bare_address_message(text: str) -> str:
    try:
        network = ip_network(ip_address(text))
    except ValueError:
        return "An allowed address must be a network in CIDR notation, for instance 192.0.2.0/30."
    return (
        "A bare IP address can be forged by the caller; write it as a network in CIDR notation, "
        f"{network}."
    )


def _min_prefix_length(network: IPv4Network | IPv6Network) -> int:
    return MIN_IPV4_PREFIX_LENGTH if network.version == 4 else MIN_IPV6_PREFIX_LENGTH


def _limit_problems(limits: DialLimits, path: Path) -> Problems:
    for name, value, maximum in (
        ("callsPerSecond", limits.calls_per_second, MAX_CALLS_PER_SECOND),
        ("concurrentCalls", limits.concurrent_calls, MAX_CONCURRENT_CALLS),
        ("callsPerDay", limits.calls_per_day, MAX_CALLS_PER_DAY),
        (
            "callsPerNumberPerHour",
            limits.calls_per_number_per_hour,
            MAX_CALLS_PER_NUMBER_PER_HOUR,
        ),
    ):
        yield from _range_problems(value, 1, maximum, (*path, name))
    if limits.minutes_per_day is not None:
        here = (*path, "minutesPerDay")
        yield from _range_problems(limits.minutes_per_day, 1, MAX_MINUTES_PER_DAY, here)


def _defaults_problems(defaults: NumberDefaults, path: Path) -> Problems:
    if is_too_deep(defaults.user_context):
        yield InvalidInput(f"userContext is {TOO_DEEP}.", (*path, "userContext"))
    elif len(json.dumps(defaults.user_context, default=dict)) > MAX_CONTEXT_BYTES:
        yield InvalidInput(
            f"userContext is larger than {MAX_CONTEXT_BYTES} bytes.", (*path, "userContext")
        )
    if defaults.language is not None:
        yield from problems_of(check_language, defaults.language, (*path, "language"))
    if defaults.ringing_seconds is not None:
        yield from _range_problems(
            defaults.ringing_seconds,
            MIN_RINGING_SECONDS,
            MAX_RINGING_SECONDS,
            (*path, "ringingTimeout"),
        )
    if defaults.max_seconds is not None:
        here = (*path, "maxDuration")
        yield from _range_problems(defaults.max_seconds, 1, MAX_CALL_SECONDS, here)


def _hold_problems(hold: HoldPolicy, ringing_seconds: int, path: Path) -> Problems:
    if hold.after_seconds is not None:
        latest = ringing_seconds - ANSWER_MARGIN_SECONDS
        if not MIN_HOLD_AFTER_SECONDS <= hold.after_seconds <= latest:
            yield InvalidInput(
                f"after must be between {MIN_HOLD_AFTER_SECONDS} and {latest} seconds, because calls "
                f"to the number ring for {ringing_seconds} seconds.",
                (*path, "after"),
            )
    if hold.max_seconds is not None and not 0 <= hold.max_seconds <= MAX_HOLD_SECONDS:
        yield InvalidInput(
            f"timeout must be between 0 and {MAX_HOLD_SECONDS} seconds; 0 puts callers never on "
            "hold.",
            (*path, "timeout"),
        )
    for name in ("announcement", "goodbye"):
        here = (*path, name)
        yield from problems_of(
            check_text, getattr(hold, name), here, max_length=MAX_HOLD_TEXT_LENGTH, min_length=1
        )


def _list_problems(values: Iterable[str], max_count: int, path: Path) -> Problems:
    listed = list(values)
    if len(listed) > max_count:
        yield InvalidInput(f"{path[-1]} must not have more than {max_count} items.", path)
    elif len({value.casefold() for value in listed}) < len(listed):
        yield InvalidInput(f"{path[-1]} lists the same item twice.", path)


def _range_problems(value: int, minimum: int, maximum: int, path: Path) -> Problems:
    if not minimum <= value <= maximum:
        unit = " seconds" if path[-1] in ("ringingTimeout", "maxDuration") else ""
        yield InvalidInput(f"{path[-1]} must be between {minimum} and {maximum}{unit}.", path)
