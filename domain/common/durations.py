"""Durations as the API writes and reads them, in ISO 8601."""

from __future__ import annotations

import re
from datetime import timedelta

MAX_DAYS = 10_000
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def format_duration(value: timedelta) -> str:
    return f"PT{value.total_seconds():.3f}".rstrip("0").rstrip(".") + "S"


def parse_duration(text: object) -> timedelta:
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise ValueError("A duration must be in ISO 8601, for instance PT30S, PT5M or PT1H30M.")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if total > MAX_DAYS * 86_400:
        raise ValueError(f"The duration must not exceed {MAX_DAYS:,} days.")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
