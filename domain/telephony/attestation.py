"""What a carrier says about the number that a caller shows (STIR/SHAKEN), read from SIP headers.

It says who has signed the number and how well they know the caller, and never who speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Attestation(StrEnum):
    """How the number of a caller is attested. In the order of trust, the most trusted first."""

    FULL = "FULL"
    PARTIAL = "PARTIAL"
    GATEWAY = "GATEWAY"
    NONE = "NONE"
    FAILED = "FAILED"


TWILIO_HEADER = "X-Twilio-VerStat"
PLIVO_HEADER = "X-Plivo-Stir-Verification"
IDENTITY_HEADER = "P-Asserted-Identity"
ATTESTATION_HEADERS = (TWILIO_HEADER, PLIVO_HEADER, IDENTITY_HEADER)
"""The headers in which carriers report the verification of a signature."""

_ORDER = tuple(Attestation)
_LEVELS = {
    None: Attestation.FULL,
    "A": Attestation.FULL,
    "B": Attestation.PARTIAL,
    "C": Attestation.GATEWAY,
}
_PASSED = re.compile(r"TN-Validation-Passed(?:-([ABC]))?(?![A-Za-z0-9])", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*verstat\s*=\s*\"?([A-Za-z0-9-]{1,64})", re.IGNORECASE)
_PLIVO_RESULTS = {
    # It does not say at which level the carrier has signed, so the lowest is assumed.
    "verified": Attestation.GATEWAY,
    "not verified": Attestation.FAILED,
}


def attestation_of(headers: Mapping[str, str]) -> Attestation:
    """The attestation according to the headers, whose names may have any case. If several headers
    state one, the least trusted counts, because a caller may have forged the other."""
    values = {name.lower().replace("_", "-"): value.strip() for name, value in headers.items()}
    stated = [
        _from_status(values.get(TWILIO_HEADER.lower(), "")),
        _PLIVO_RESULTS.get(values.get(PLIVO_HEADER.lower(), "").lower()),
        _from_status(_parameter(values.get(IDENTITY_HEADER.lower(), ""))),
    ]
    known = [attestation for attestation in stated if attestation is not None]
    return max(known, key=_ORDER.index, default=Attestation.NONE)


def _parameter(identity: str) -> str:
    found = _PARAMETER.search(identity)
    return found[1] if found else ""


def _from_status(status: str) -> Attestation | None:
    """None if the status says nothing that we know, such as No-TN-Validation."""
    if status.lower().startswith("tn-validation-failed"):
        return Attestation.FAILED
    passed = _PASSED.match(status)
    return _LEVELS[passed[1] and passed[1].upper()] if passed else None
