"""The time on the telephone as usage, for the price of its trunk."""

from __future__ import annotations

from domain.calls.model import Call
from domain.providers.model import ProviderKind
from domain.providers.usage import Usage
from domain.telephony.numbers import region_of


def line_usage(call: Call, trunk: str | None, milliseconds: int = 0) -> Usage:
    """Usage of the trunk with that name, by the region of the called number."""
    return Usage(
        kind=ProviderKind.TRUNK,
        provider=trunk or "",
        model=region_of(call.to_number or ""),
        audio_ms=milliseconds,
    )
