"""The time on the telephone as usage, for the price of its trunk."""

from __future__ import annotations

from domain.providers.model import ProviderKind
from domain.providers.usage import Usage
from domain.telephony.numbers import region_of

Line = tuple[str, str]
"""The trunk, and the region of the number that is called: what a price depends on."""


def line_of(trunk: str | None, number: str | None) -> Line:
    return trunk or "", region_of(number or "")


def line_usage(line: Line, milliseconds: int) -> Usage:
    trunk, region = line
    return Usage(kind=ProviderKind.TRUNK, provider=trunk, model=region, audio_ms=milliseconds)
