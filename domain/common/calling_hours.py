"""The hours in which a callee may be called, in the local time of the callee."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, available_timezones

from domain.common.errors import InvalidInput, Path

TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
MAX_ZONES = 4
"""With more time zones than this, a number does not say where its owner is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingHours:
    """From `start` until `end`, every day; over midnight when `end` is earlier. `time_zone` is an
    IANA name; None: the time zones of the number."""

    start: time
    end: time
    time_zone: str | None = None

    def includes(self, local: time) -> bool:
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


def parse_time_of_day(text: str, path: Path) -> time:
    """Raises `InvalidInput` unless the text is a time such as 08:00."""
    if not TIME_OF_DAY.fullmatch(text):
        raise InvalidInput(
            f"{path[-1]} must be a time of the day in 24 hours, for instance 08:00.", path
        )
    return time.fromisoformat(text)


def check_calling_hours(hours: CallingHours, path: Path) -> None:
    """Raises `InvalidInput` when no hours or an unknown time zone are given."""
    if hours.start == hours.end:
        raise InvalidInput("start and end must be different times.", (*path, "end"))
    if hours.time_zone is not None and hours.time_zone not in available_timezones():
        raise InvalidInput(
            "timeZone must be an IANA time zone, such as Europe/Berlin.", (*path, "timeZone")
        )


def hours_problem(hours: CallingHours, number_zones: Sequence[str], at: datetime) -> str | None:
    """Why the callee may not be called at that time; None if they may. The hours must allow the
    call in each time zone in which the callee may be."""
    zones = number_zones if hours.time_zone is None else (hours.time_zone,)
    if not zones or len(zones) > MAX_ZONES:
        return (
            "The phone number does not say in which time zone the callee is, so the allowed hours "
            "cannot be checked; give allowedHours.timeZone."
        )
    for zone in zones:
        local = at.astimezone(ZoneInfo(zone)).time()
        if not hours.includes(local):
            return (
                f"It is {local:%H:%M} in {zone}, and calls are allowed from {hours.start:%H:%M} "
                f"until {hours.end:%H:%M}."
            )
    return None
