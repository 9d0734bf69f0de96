"""Telephone numbers: the syntax of E.164, the region and the time zones of a number, and what kind of
line it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType, timezone

from domain.common.errors import InvalidInput, Path

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
"""Checked before the library sees a number, because the library also reads words, digits of other
scripts, extensions and repeated signs."""
SHORT_NUMBER = re.compile(r"\+?[0-9]{2,6}")
"""What is too short for E.164: emergency numbers and service numbers of one country."""
PREFIX = re.compile(r"\+[1-9][0-9]{0,13}")
EXAMPLE = "+12025550123"

REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""ISO 3166-1 alpha-2 codes of the countries and territories that have telephone numbers."""
GLOBAL_REGION = "001"
"""The region of satellite phones and of numbers that belong to no country."""
OTHER_REGION = "other"
"""What stands for the region of a number that belongs to no country."""


class LineType(StrEnum):
    """What kind of line a number belongs to, as far as the number shows it."""

    FIXED_LINE = "FIXED_LINE"
    MOBILE = "MOBILE"
    FIXED_LINE_OR_MOBILE = "FIXED_LINE_OR_MOBILE"
    TOLL_FREE = "TOLL_FREE"
    PREMIUM_RATE = "PREMIUM_RATE"
    SHARED_COST = "SHARED_COST"
    VOIP = "VOIP"
    PERSONAL_NUMBER = "PERSONAL_NUMBER"
    PAGER = "PAGER"
    UAN = "UAN"
    VOICEMAIL = "VOICEMAIL"
    UNKNOWN = "UNKNOWN"


_LINE_TYPES = {
    PhoneNumberType.FIXED_LINE: LineType.FIXED_LINE,
    PhoneNumberType.MOBILE: LineType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: LineType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: LineType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: LineType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: LineType.SHARED_COST,
    PhoneNumberType.VOIP: LineType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: LineType.PERSONAL_NUMBER,
    PhoneNumberType.PAGER: LineType.PAGER,
    PhoneNumberType.UAN: LineType.UAN,
    PhoneNumberType.VOICEMAIL: LineType.VOICEMAIL,
}

PREMIUM_EXCHANGE = re.compile(r"\+1[2-9][0-9]{2}976[0-9]{4}")
"""Pay-per-call numbers of the United States and Canada that the library takes for ordinary lines."""


@dataclass(frozen=True, slots=True)
class ParsedNumber:
    """A valid number in E.164. `region` is None for numbers that belong to no country."""

    e164: str
    region: str | None
    line_type: LineType


def region_of(number: str) -> str:
    """The region of the number; `OTHER_REGION` if it has none or is not valid."""
    parsed = parse_number(number)
    return OTHER_REGION if parsed is None or parsed.region is None else parsed.region


def check_e164(number: str, path: Path) -> None:
    """Raise `InvalidInput` unless the number has the syntax of E.164."""
    if not E164.fullmatch(number):
        raise InvalidInput(
            f"{path[-1]} must be a telephone number in E.164: a plus sign, the country code and "
            f"the rest of the number, 7 to 15 digits without spaces, for instance {EXAMPLE}.",
            path,
        )


def parse_number(number: str) -> ParsedNumber | None:
    """The number with its region and its line type; None if no such number can exist."""
    if not E164.fullmatch(number):
        return None
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    region = phonenumbers.region_code_for_number(parsed)
    return ParsedNumber(
        e164=number,
        region=None if region in (None, GLOBAL_REGION) else region,
        line_type=_line_type(number, phonenumbers.number_type(parsed)),
    )


def _line_type(number: str, library_type: int) -> LineType:
    if PREMIUM_EXCHANGE.fullmatch(number):
        return LineType.PREMIUM_RATE
    return _LINE_TYPES.get(library_type, LineType.UNKNOWN)


def time_zones(number: str) -> tuple[str, ...]:
    """The IANA names of the time zones in which the owner of the number may be; empty for a number that
    does not say where that is."""
    if not E164.fullmatch(number):
        return ()
    zones: tuple[str, ...] = tuple(timezone.time_zones_for_number(phonenumbers.parse(number)))
    return () if timezone.UNKNOWN_TIMEZONE in zones else zones


def is_emergency_number(number: str, region: str) -> bool:
    """Whether a number, as dialled in a region, reaches the emergency services."""
    return phonenumbers.is_emergency_number(number.removeprefix("+"), region)


def check_region(region: str, path: Path) -> None:
    if region not in REGIONS:
        raise InvalidInput(
            f"{path[-1]} must be a country or territory as an ISO 3166-1 code of two capital "
            "letters, for instance US or JM.",
            path,
        )


def check_prefix(prefix: str, path: Path) -> None:
    """Raise `InvalidInput` unless this is a prefix of numbers within one country code. A country
    code on its own would allow its premium-rate numbers and, for +1, all of the Caribbean."""
    if not PREFIX.fullmatch(prefix):
        raise InvalidInput(
            f"{path[-1]} must be the first digits of numbers in E.164, for instance +1876.", path
        )
    code = _country_code(prefix)
    if code is None:
        raise InvalidInput(f"{path[-1]} does not start with a country code.", path)
    if prefix == f"+{code}":
        raise InvalidInput(
            f"{path[-1]} is a country code, which covers more than one kind of number; add digits, "
            "or allow its region instead.",
            path,
        )


def check_short_number(number: str, path: Path) -> None:
    if number.startswith("+") or not SHORT_NUMBER.fullmatch(number):
        raise InvalidInput(
            f"{path[-1]} must be an emergency or service number of 2 to 6 digits, for instance 112.",
            path,
        )


def _country_code(prefix: str) -> int | None:
    """The country code at the start; None if it is unknown or the prefix ends within it."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    candidates = (int(prefix[1:end]) for end in range(2, min(len(prefix), 4) + 1))
    return next((code for code in candidates if code in codes), None)
