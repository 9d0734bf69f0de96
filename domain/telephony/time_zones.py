"""The time zones in which the owner of a telephone number may be."""

from __future__ import annotations

import phonenumbers
from phonenumbers import timezone

from domain.telephony.numbers import E164


def time_zones(number: str) -> tuple[str, ...]:
    """The IANA names; empty for a number that does not say where its owner is."""
    if not E164.fullmatch(number):
        return ()
    zones: tuple[str, ...] = tuple(timezone.time_zones_for_number(phonenumbers.parse(number)))
    return () if timezone.UNKNOWN_TIMEZONE in zones else zones
