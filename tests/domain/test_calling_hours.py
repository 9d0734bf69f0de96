"""The hours in which a callee may be called."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from domain.common.calling_hours import (
    CallingHours,
    check_calling_hours,
    hours_problem,
    parse_time_of_day,
)
from domain.common.errors import InvalidInput
from domain.telephony.numbers import time_zones

DAY = CallingHours(start=time(8), end=time(21))
NIGHT = CallingHours(start=time(22), end=time(6))
BERLIN = CallingHours(start=time(8), end=time(21), time_zone="Europe/Berlin")


def at(hour: int, minute: int = 0) -> datetime:
    """A time in winter, in UTC."""
    return datetime(2026, 1, 15, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "hour", "minute", "allowed"),
    [
        (BERLIN, 6, 59, False),
        (BERLIN, 7, 0, True),
        (BERLIN, 19, 59, True),
        (BERLIN, 20, 0, False),
    ],
)
def test_the_hours_are_those_of_the_callee(
    hours: CallingHours, hour: int, minute: int, allowed: bool
) -> None:
    assert (hours_problem(hours, (), at(hour, minute)) is None) is allowed


def test_the_hours_may_include_midnight() -> None:
    allowed = [hour for hour in range(24) if NIGHT.includes(time(hour))]
    assert allowed == [0, 1, 2, 3, 4, 5, 22, 23]


def test_the_hours_follow_daylight_saving_time() -> None:
    summer = datetime(2026, 7, 15, 6, 30, tzinfo=UTC)
    assert hours_problem(BERLIN, (), summer) is None
    assert hours_problem(BERLIN, (), at(6, 30)) is not None


def test_every_time_zone_of_a_number_must_allow_the_hour() -> None:
    zones = ("America/New_York", "America/Los_Angeles")
    assert hours_problem(DAY, zones, at(14)) == (
        "It is 06:00 in America/Los_Angeles, and calls are allowed from 08:00 until 21:00."
    )
    assert hours_problem(DAY, zones, at(18)) is None


def test_a_number_without_a_place_needs_a_time_zone() -> None:
    for zones in ((), tuple(f"Etc/GMT+{n}" for n in range(5))):
        problem = hours_problem(DAY, zones, at(12))
        assert problem is not None
        assert "allowedHours.timeZone" in problem


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+12025550123", ("America/New_York",)),
        ("+4915112345678", ("Europe/Berlin",)),
        ("112", ()),
        ("no number", ()),
    ],
)
def test_a_number_says_in_which_time_zones_it_is(number: str, zones: tuple[str, ...]) -> None:
    assert time_zones(number) == zones


def test_a_toll_free_number_is_in_too_many_time_zones() -> None:
    assert hours_problem(DAY, time_zones("+18005550123"), at(18)) is not None


@pytest.mark.parametrize("text", ["8:00", "24:00", "08:60", "08:00:00", "noon", "", "٠٨:٠٠"])
def test_a_time_of_day_has_one_form(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_time_of_day(text, ("allowedHours", "start"))
    assert refused.value.path == ("allowedHours", "start")


@pytest.mark.parametrize(
    ("hours", "path"),
    [
        (CallingHours(start=time(8), end=time(8)), ("allowedHours", "end")),
        (
            CallingHours(start=time(8), end=time(9), time_zone="Berlin"),
            ("allowedHours", "timeZone"),
        ),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours: CallingHours, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_calling_hours(hours, ("allowedHours",))
    assert refused.value.path == path
