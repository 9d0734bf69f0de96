"""What has been dialled over an outbound trunk today, and whether it is paused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.telephony.trunks import DialLimits

MS_PER_MINUTE = 60_000
NEAR_LIMIT = 0.8
"""The part of a limit per day from which on the trunk is close to it."""


class PauseReason(StrEnum):
    """Why calls are not dialled over a trunk for a while. The names are those of `EndReason`."""

    CARRIER_REFUSED = "CARRIER_REFUSED"
    TRUNK_UNAUTHORIZED = "TRUNK_UNAUTHORIZED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkPause:
    """The carrier has refused several calls in a row, so nothing is dialled until then."""

    reason: PauseReason
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkUsage:
    """Counted since midnight UTC."""

    calls: int = 0
    talk_ms: int = 0
    pause: TrunkPause | None = None

    @property
    def minutes(self) -> float:
        return self.talk_ms / MS_PER_MINUTE

    def is_near_limit(self, limits: DialLimits) -> bool:
        """Whether most of what may be dialled in a day has been dialled."""
        minutes = limits.minutes_per_day
        return self.calls >= NEAR_LIMIT * limits.calls_per_day or (
            minutes is not None and self.minutes >= NEAR_LIMIT * minutes
        )


NO_USAGE = TrunkUsage()
