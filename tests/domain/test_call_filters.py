"""Which lists of calls cover a part of all calls unless a range of time is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.calls.filters import CallFilter, CallOrder, CallSort
from domain.calls.model import Blame, CallKind, CallState, EndReason
from domain.common.time_ranges import DEFAULT_RANGE

NOW = datetime(2026, 11, 30, tzinfo=UTC)
NEWEST, LONGEST, COSTLIEST = (CallOrder(sort) for sort in CallSort)
TICKET = (("ticket", "T1"),)
WHOLE = [
    (CallFilter(), NEWEST),
    (CallFilter(), LONGEST),
    (CallFilter(live=False), COSTLIEST),
    (CallFilter(min_cost=1), COSTLIEST),
    (CallFilter(min_duration=timedelta(minutes=1)), LONGEST),
    (CallFilter(kinds=(CallKind.SIP,), blames=(Blame.CARRIER,), user_id="u1"), NEWEST),
    (CallFilter(metadata=TICKET, agent="desk", live=False), NEWEST),
    # Calls in progress are few.
    (CallFilter(live=True, agent="desk", user_id="u1"), COSTLIEST),
]
BOUNDED = [
    (CallFilter(kinds=(CallKind.SIP,)), LONGEST),
    (CallFilter(metadata=TICKET), COSTLIEST),
    (CallFilter(min_cost=1), LONGEST),
    (CallFilter(max_cost=1), NEWEST),
    (CallFilter(max_duration=timedelta(minutes=1)), NEWEST),
    (CallFilter(metadata=TICKET, states=(CallState.FAILED,)), NEWEST),
    (CallFilter(tool="book", end_reasons=(EndReason.SILENCE,)), NEWEST),
]


@pytest.mark.parametrize(("filter", "order"), WHOLE)
def test_a_list_that_an_index_serves_covers_all_calls(filter: CallFilter, order: CallOrder) -> None:
    assert filter.covered(order, NOW) == filter


@pytest.mark.parametrize(("filter", "order"), BOUNDED)
def test_a_list_without_an_index_covers_a_month_unless_a_range_is_given(
    filter: CallFilter, order: CallOrder
) -> None:
    assert filter.covered(order, NOW) == replace(filter, created_since=NOW - DEFAULT_RANGE)
    given = replace(filter, created_until=NOW)
    assert given.covered(order, NOW) == given


def test_end_reasons_follow_from_states_and_blames() -> None:
    busy = CallFilter(states=(CallState.BUSY, CallState.ACTIVE))
    assert busy.outcomes == {EndReason.BUSY, EndReason.DECLINED}
    assert busy.live_states == {CallState.ACTIVE}
    provider = CallFilter(blames=(Blame.PROVIDER,))
    assert provider.outcomes == {EndReason.PROVIDER_FAILED}
    assert (provider.includes_live, provider.includes_ended) == (False, True)
    assert CallFilter(states=()).includes_live is CallFilter(states=()).includes_ended is False
