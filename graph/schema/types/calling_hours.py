"""The hours in which callees may be called."""

from __future__ import annotations

from typing import Any

import strawberry

from domain.common.calling_hours import CallingHours, parse_time_of_day


def _start(root: Any) -> str:
    return f"{root.start:%H:%M}"


def _end(root: Any) -> str:
    return f"{root.end:%H:%M}"


@strawberry.type(
    description="Hours of every day in which callees may be called, in their local time."
)
class AllowedHours:
    start: str = strawberry.field(
        resolver=_start, description="Local time from which calls are allowed, as `08:00`."
    )
    end: str = strawberry.field(
        resolver=_end, description="Local time until which calls are allowed, as `21:00`."
    )
    time_zone: str | None = strawberry.field(
        description="IANA time zone of the callees; null for the time zones of each phone number."
    )


@strawberry.input(
    description="Hours of every day in which a callee may be called, in the local time of the callee."
)
class AllowedHoursInput:
    start: str = strawberry.field(
        description="Local time from which calls are allowed, as `08:00`."
    )
    end: str = strawberry.field(
        description=(
            "Local time until which calls are allowed, as `21:00`; earlier than `start` when the "
            "hours include midnight."
        )
    )
    time_zone: str | None = strawberry.field(
        default=None,
        description=(
            "IANA time zone of the callee, such as `Europe/Berlin`; omit for the time zones of the "
            "phone number, in each of which the hour must be allowed."
        ),
    )

    def calling_hours(self) -> CallingHours:
        return CallingHours(
            start=parse_time_of_day(self.start, ("allowedHours", "start")),
            end=parse_time_of_day(self.end, ("allowedHours", "end")),
            time_zone=self.time_zone,
        )
