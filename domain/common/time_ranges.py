"""Ranges of time that clients give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of

DEFAULT_RANGE = timedelta(days=31)
"""What a list covers whose filter no index serves, unless its filter says otherwise."""


def check_time(time: datetime | None, path: Path) -> None:
    if time is None:
        return
    if time.tzinfo is None:
        raise InvalidInput(f"{path[-1]} needs a time zone, for instance Z for UTC.", path)
    try:
        time.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{path[-1]} is out of range.", path) from None


def time_range_problems(since: datetime | None, until: datetime | None, path: Path) -> Problems:
    """What is wrong with the range that the request gave at `path`."""
    problems = [
        *problems_of(check_time, since, (*path, "since")),
        *problems_of(check_time, until, (*path, "until")),
    ]
    yield from problems
    # Times with and without a zone cannot be compared.
    if not problems and since is not None and until is not None and since > until:
        yield InvalidInput(f"{path[0]}: the range ends before it begins.", (*path, "until"))
