"""What LiveKit needs for an inbound route: a trunk and a dispatch rule, in their hardened form.

LiveKit accepts a call that matches no trunk when a dispatch rule has no `trunk_ids`, lets a caller
forge an allowed address that is not a network, and lets a call ring for minutes. So the rule always
names its trunk, addresses are always networks, and the ringing always ends, with a status upon which
carriers try another destination."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from uuid import UUID

from livekit import api
from livekit.protocol.sip import SIP_STATUS_SERVICE_UNAVAILABLE

from domain.calls.rooms import DEPARTURE_TIMEOUT_SECONDS, EMPTY_TIMEOUT_SECONDS
from domain.telephony.attestation import ATTESTATION_HEADERS
from domain.telephony.inbound_routes import (
    HEADER_ATTRIBUTE_PREFIX,
    INBOUND_ROOM_PREFIX,
    INSTALLATION_ATTRIBUTE,
    NUMBER_ATTRIBUTE,
    InboundRoute,
)
from worker.common.sip_legs import ENCRYPTIONS

Trunk = api.SIPInboundTrunkInfo
Rule = api.SIPDispatchRuleInfo


def name_prefix(installation: UUID) -> str:
    """The start of the names of this installation's trunks and rules. Others are left alone."""
    return f"agent-studio/{installation}/"


def name_of(route: InboundRoute, installation: UUID) -> str:
    """The name of the route's trunk, and of its rule."""
    return f"{name_prefix(installation)}{route.number_id}"


def trunk_of(route: InboundRoute, installation: UUID) -> Trunk:
    trunk = Trunk(
        name=name_of(route, installation),
        numbers=[route.number],
        allowed_addresses=route.allowed_addresses,
        auth_username=route.username or "",
        headers_to_attributes=_attributes_of_headers(route.context_headers),
        ringing_timeout={"seconds": route.ringing_seconds},
        ringing_timeout_status=SIP_STATUS_SERVICE_UNAVAILABLE,
        max_call_duration={"seconds": route.max_seconds},
        media_encryption=ENCRYPTIONS[route.media_encryption],
    )
    trunk.metadata = _digest(trunk.SerializeToString(deterministic=True), route.version)
    # Not in the digest, which all who may list trunks can read.
    trunk.auth_password = route.password or ""
    return trunk


def _attributes_of_headers(context_headers: Iterable[str]) -> Mapping[str, str]:
    """The attestation of every caller is read, whether agents may read its header or not."""
    headers = {header.lower(): header for header in (*ATTESTATION_HEADERS, *context_headers)}
    return {header: f"{HEADER_ATTRIBUTE_PREFIX}{name}" for name, header in headers.items()}


def rule_of(route: InboundRoute, installation: UUID, trunk_id: str) -> Rule:
    attributes = {
        INSTALLATION_ATTRIBUTE: str(installation),
        NUMBER_ATTRIBUTE: str(route.number_id),
    }
    individual = api.SIPDispatchRuleIndividual(room_prefix=INBOUND_ROOM_PREFIX)
    rule = Rule(
        name=name_of(route, installation),
        trunk_ids=[trunk_id],
        rule=api.SIPDispatchRule(dispatch_rule_individual=individual),
        attributes=attributes,
        room_config=api.RoomConfiguration(
            empty_timeout=EMPTY_TIMEOUT_SECONDS,
            departure_timeout=DEPARTURE_TIMEOUT_SECONDS,
            metadata=json.dumps(attributes),
        ),
    )
    rule.metadata = _digest(rule.SerializeToString(deterministic=True))
    return rule


def is_same_trunk(listed: Trunk, wanted: Trunk) -> bool:
    """Whether a listed trunk is as it should be. LiveKit fills in other fields and may not return
    the password, whose changes the metadata shows."""
    return (
        listed.metadata == wanted.metadata
        and listed.numbers == wanted.numbers
        and listed.allowed_addresses == wanted.allowed_addresses
        and listed.auth_username == wanted.auth_username
        and not listed.allowed_numbers
        and listed.ringing_timeout == wanted.ringing_timeout
    )


def is_same_rule(listed: Rule, wanted: Rule) -> bool:
    return (
        listed.metadata == wanted.metadata
        and listed.trunk_ids == wanted.trunk_ids
        and listed.attributes == wanted.attributes
        and not listed.inbound_numbers
    )


def _digest(serialized: bytes, version: str = "") -> str:
    return hashlib.sha256(serialized + version.encode()).hexdigest()
