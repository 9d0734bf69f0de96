"""Which numbers a tenant may dial over a trunk, with which caller id, and how often.

Toll fraud is the first thing that happens to an open telephone platform. So only numbers of the
trunk's own country are allowed until the tenant allows more. Transfers pass the same check, because
a transfer dials, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.common.errors import DialRefused, Path
from domain.telephony.numbers import (
    EXAMPLE,
    SHORT_NUMBER,
    LineType,
    ParsedNumber,
    is_emergency_number,
    parse_number,
)
from domain.telephony.trunks import DialLimits, OutboundTrunkSpec, PhoneNumber

REFUSED_LINE_TYPES = frozenset(
    {
        LineType.PREMIUM_RATE,
        LineType.SHARED_COST,
        LineType.PERSONAL_NUMBER,
        LineType.UAN,
        LineType.VOICEMAIL,
        LineType.UNKNOWN,
    }
)
"""Lines that cost extra or may be forwarded to lines that do; an allowed prefix permits them."""


class DialRefusal(StrEnum):
    """Why a number may not be dialled."""

    INVALID_NUMBER = "INVALID_NUMBER"
    EMERGENCY_NUMBER = "EMERGENCY_NUMBER"
    SHORT_NUMBER = "SHORT_NUMBER"
    PREMIUM_NUMBER = "PREMIUM_NUMBER"
    REGION_NOT_ALLOWED = "REGION_NOT_ALLOWED"
    TRUNK_DISABLED = "TRUNK_DISABLED"
    NO_TRUNK = "NO_TRUNK"
    NO_CALLER_ID = "NO_CALLER_ID"
    CALLER_ID_NOT_OWNED = "CALLER_ID_NOT_OWNED"
    OUTSIDE_ALLOWED_HOURS = "OUTSIDE_ALLOWED_HOURS"
    TOO_MANY_CONCURRENT_CALLS = "TOO_MANY_CONCURRENT_CALLS"
    TOO_MANY_CALLS_PER_DAY = "TOO_MANY_CALLS_PER_DAY"
    TOO_MANY_CALLS_TO_NUMBER = "TOO_MANY_CALLS_TO_NUMBER"
    TOO_MANY_MINUTES_PER_DAY = "TOO_MANY_MINUTES_PER_DAY"
    TRUNK_PAUSED = "TRUNK_PAUSED"
    PRIVATE_ADDRESS = "PRIVATE_ADDRESS"
    UNRESOLVED_ADDRESS = "UNRESOLVED_ADDRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class DialUsage:
    """What has been dialled over a trunk until now."""

    active_calls: int = 0
    calls_today: int = 0
    """Since midnight UTC."""
    calls_to_number_in_last_hour: int = 0
    minutes_today: float = 0.0
    """Since midnight UTC, calls in progress included."""
    paused_until: datetime | None = None
    """None unless the trunk is paused."""


def check_dial(trunk: OutboundTrunkSpec, number: str, path: Path) -> None:
    """Raise `DialRefused` when the number may not be dialled over the trunk."""
    if not trunk.is_enabled:
        raise DialRefused(
            f"The trunk {trunk.name} is disabled; enable it, or choose another one.",
            path,
            reason=DialRefusal.TRUNK_DISABLED,
        )
    if SHORT_NUMBER.fullmatch(number):
        _check_short(trunk, number, path)
        return
    parsed = parse_number(number)
    if parsed is None:
        raise DialRefused(
            f"{path[-1]} is not a valid telephone number in E.164: a plus sign, the country code "
            f"and the rest of the number without spaces, for instance {EXAMPLE}.",
            path,
            reason=DialRefusal.INVALID_NUMBER,
        )
    if not number.startswith(trunk.allowed_prefixes):
        _check_line_type(trunk, parsed, path)
        _check_region(trunk, parsed, path)


def choose_caller_id(
    numbers: Sequence[PhoneNumber], requested: str | None, path: Path
) -> PhoneNumber:
    """Return the number to show to the callee: the requested one, or the oldest. `numbers` are those
    of the trunk, and all of them belong to the tenant. Raises `DialRefused`."""
    if not numbers:
        raise DialRefused(
            "The trunk has no telephone number to show to the callee; create a number with this "
            "outboundTrunkId.",
            path,
            reason=DialRefusal.NO_CALLER_ID,
        )
    if requested is None:
        return min(numbers, key=lambda number: (number.created_at, number.id))
    chosen = next((number for number in numbers if number.spec.number == requested), None)
    if chosen is None:
        raise DialRefused(
            f"{path[-1]} is not a number of the trunk; choose one of its numbers, or omit it.",
            path,
            reason=DialRefusal.CALLER_ID_NOT_OWNED,
        )
    return chosen


def check_limits(limits: DialLimits, usage: DialUsage, path: Path) -> None:
    """Raise `DialRefused` when the trunk is paused, or one more call would exceed a limit of it."""
    if usage.paused_until is not None:
        raise DialRefused(
            "The carrier has refused several calls in a row, so the trunk is paused until "
            f"{usage.paused_until:%Y-%m-%d %H:%M} UTC; find out why it refuses them, and resume the "
            "trunk with resumeOutboundTrunk.",
            path,
            reason=DialRefusal.TRUNK_PAUSED,
        )
    minutes = limits.minutes_per_day
    if minutes is not None and usage.minutes_today >= minutes:
        raise DialRefused(
            f"The trunk allows {minutes} minutes of calls per day (UTC); wait, or raise "
            "minutesPerDay.",
            path,
            reason=DialRefusal.TOO_MANY_MINUTES_PER_DAY,
        )
    for reason, used, limit, words in (
        (
            DialRefusal.TOO_MANY_CALLS_TO_NUMBER,
            usage.calls_to_number_in_last_hour,
            limits.calls_per_number_per_hour,
            "calls to the same number per hour; wait, or raise callsPerNumberPerHour",
        ),
        (
            DialRefusal.TOO_MANY_CALLS_PER_DAY,
            usage.calls_today,
            limits.calls_per_day,
            "calls per day (UTC); wait, or raise callsPerDay",
        ),
        (
            DialRefusal.TOO_MANY_CONCURRENT_CALLS,
            usage.active_calls,
            limits.concurrent_calls,
            "calls at the same time; wait, or raise concurrentCalls",
        ),
    ):
        if used >= limit:
            raise DialRefused(f"The trunk allows {limit} {words}.", path, reason=reason)


def _check_short(trunk: OutboundTrunkSpec, number: str, path: Path) -> None:
    if number in trunk.allowed_short_numbers:
        return
    is_emergency = is_emergency_number(number, trunk.region)
    what = "an emergency number" if is_emergency else "too short for a telephone number in E.164"
    raise DialRefused(
        f"{path[-1]} is {what}; if an agent is really meant to call it, add it to "
        f"allowedShortNumbers of the trunk {trunk.name}.",
        path,
        reason=DialRefusal.EMERGENCY_NUMBER if is_emergency else DialRefusal.SHORT_NUMBER,
    )


def _check_line_type(trunk: OutboundTrunkSpec, number: ParsedNumber, path: Path) -> None:
    if number.line_type in REFUSED_LINE_TYPES:
        raise DialRefused(
            f"{path[-1]} may cost extra ({number.line_type}); if an agent is really meant to call "
            f"it, add its first digits to allowedPrefixes of the trunk {trunk.name}.",
            path,
            reason=DialRefusal.PREMIUM_NUMBER,
        )


def _check_region(trunk: OutboundTrunkSpec, number: ParsedNumber, path: Path) -> None:
    if number.region is None:
        raise DialRefused(
            f"{path[-1]} belongs to no country, for instance to a satellite phone; to allow it, add "
            f"its first digits to allowedPrefixes of the trunk {trunk.name}.",
            path,
            reason=DialRefusal.REGION_NOT_ALLOWED,
        )
    if number.region not in (trunk.region, *trunk.allowed_regions):
        raise DialRefused(
            f"{path[-1]} is a number of the region {number.region}, which the trunk {trunk.name} "
            f"does not allow; to allow it, add {number.region} to its allowedRegions.",
            path,
            reason=DialRefusal.REGION_NOT_ALLOWED,
        )
