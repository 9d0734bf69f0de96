"""The hours in which callees may be called."""

from __future__ import annotations

from datetime import time
from typing import Any

import strawberry

from domain.common.calling_hours import CallingHours, parse_time_of_day
from domain.common.patches import Patch
from graph.schema.types.inputs import InputReader, same


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
    description=(
        "Hours of every day in which a callee may be called, in the local time of the callee. An "
        "update leaves omitted fields as they are."
    )
)
class AllowedHoursInput:
    start: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "Local time from which calls are allowed, as `08:00`; needed where there are no hours yet."
        )
    )
    end: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "Local time until which calls are allowed, as `21:00`; earlier than `start` when the "
            "hours include midnight. Needed where there are no hours yet."
        )
    )
    time_zone: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "IANA time zone of the callee, such as `Europe/Berlin`; null, the default, for the time "
            "zones of the phone number, in each of which the hour must be allowed."
        )
    )

    def patch(self, reader: InputReader) -> Patch[CallingHours]:
        fields = {"start": ("start", _time), "end": ("end", _time), **same("time_zone")}
        neutral = {"start": time(0), "end": time(12)}
        nullable = frozenset({"time_zone"})
        return reader.patch(self, CallingHours, fields, nullable=nullable, required=neutral)


def _time(text: str, reader: InputReader) -> time:
    # Distinct times stand in for those that cannot be read, so that they are not refused as equal.
    return reader.read(time(0) if reader.path[-1] == "start" else time(12), parse_time_of_day, text)
