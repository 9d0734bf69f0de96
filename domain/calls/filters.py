"""Which calls to list, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from domain.calls.model import (
    END_OUTCOMES,
    FINAL_STATES,
    Blame,
    CallKind,
    CallState,
    Direction,
    EndReason,
)
from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems
from domain.common.time_ranges import DEFAULT_RANGE, time_range_problems
from domain.workflows.model import VersionId, WorkflowId

B = TypeVar("B", timedelta, int)

METADATA_PREFIX = "metadata."
"""The start of the names of labels that are keys of the metadata."""
MAX_METADATA_FILTERS = 5
MAX_LABEL_LENGTH = 200
"""Of a key and of a value of the metadata by which calls can be found."""
MAX_TEXT_LENGTH = 500


class CallSort(StrEnum):
    """What a list of calls is sorted by."""

    CREATED_AT = "CREATED_AT"
    DURATION = "DURATION"
    COST = "COST"


@dataclass(frozen=True, slots=True)
class CallOrder:
    sort: CallSort = CallSort.CREATED_AT
    is_descending: bool = True


NEWEST_FIRST = CallOrder()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls to list; a field that is None matches any call."""

    states: tuple[CallState, ...] | None = None
    kinds: tuple[CallKind, ...] | None = None
    directions: tuple[Direction, ...] | None = None
    end_reasons: tuple[EndReason, ...] | None = None
    blames: tuple[Blame, ...] | None = None
    workflow_id: WorkflowId | None = None
    workflow_slug: str | None = None
    version_id: VersionId | None = None
    agent: str | None = None
    tool: str | None = None
    user_id: str | None = None
    phone_number: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    """Keys with the text of their values."""
    created_since: datetime | None = None
    """Calls that were created at this time or later."""
    created_until: datetime | None = None
    """Calls that were created before this time."""
    min_duration: timedelta | None = None
    max_duration: timedelta | None = None
    min_cost: int | None = None
    """In billionths of a dollar."""
    max_cost: int | None = None
    live: bool | None = None

    @property
    def outcomes(self) -> frozenset[EndReason]:
        """The end reasons that match: each has one final state and one blame."""
        return frozenset(
            reason
            for reason, (state, blame) in END_OUTCOMES.items()
            if (self.states is None or state in self.states)
            and (self.end_reasons is None or reason in self.end_reasons)
            and (self.blames is None or blame in self.blames)
        )

    @property
    def live_states(self) -> frozenset[CallState]:
        """The states of calls in progress that match; none if only calls that ended can match."""
        ended_only = (self.end_reasons, self.blames, self.min_duration, self.max_duration)
        if any(condition is not None for condition in ended_only):
            return frozenset()
        states = CallState if self.states is None else self.states
        return frozenset(states) - FINAL_STATES

    @property
    def includes_live(self) -> bool:
        return self.live is not False and bool(self.live_states)

    @property
    def includes_ended(self) -> bool:
        return self.live is not True and bool(self.outcomes)

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """The labels that calls must have, each with its value."""
        names = (("agent", self.agent), ("tool", self.tool))
        given = tuple((name, value) for name, value in names if value is not None)
        return given + tuple((METADATA_PREFIX + key, value) for key, value in self.metadata)

    def covered(self, order: CallOrder, now: datetime) -> CallFilter:
        """The filter with the default range of time, if it needs one and has none."""
        if self.created_since is not None or self.created_until is not None:
            return self
        return replace(self, created_since=now - DEFAULT_RANGE) if self._is_slow(order) else self

    def is_served_by(self, order: CallOrder) -> bool:
        """Whether the index of the order alone serves the filter."""
        rest = replace(self, live=None)
        if order.sort is CallSort.DURATION:
            rest = replace(rest, min_duration=None, max_duration=None)
        elif order.sort is CallSort.COST:
            rest = replace(rest, min_cost=None, max_cost=None)
        return rest == CallFilter()

    def _is_slow(self, order: CallOrder) -> bool:
        """Whether calls have to be read one by one, because no index has both what they are filtered
        and what they are sorted by."""
        if not self.includes_ended or self.is_served_by(order):
            return False
        if order.sort is not CallSort.CREATED_AT:
            return True
        if any(bound is not None for bound in self._ranges):
            return True
        others = replace(self, agent=None, tool=None, metadata=(), live=None)
        return bool(self.labels) and others != CallFilter()

    @property
    def _ranges(self) -> tuple[timedelta | int | None, ...]:
        return self.min_duration, self.max_duration, self.min_cost, self.max_cost


EVERY_CALL = CallFilter()


def filter_problems(filter: CallFilter) -> Problems:
    """What makes the filter too large, or such that no call could match."""
    if len(filter.metadata) > MAX_METADATA_FILTERS:
        yield InvalidInput(
            f"A filter may have at most {MAX_METADATA_FILTERS} entries of metadata.", ("metadata",)
        )
        return
    for n, (key, value) in enumerate(filter.metadata):
        yield from _length_problems(key, MAX_LABEL_LENGTH, ("metadata", str(n), "key"))
        yield from _length_problems(value, MAX_LABEL_LENGTH, ("metadata", str(n), "value"))
    for name in ("workflow_slug", "agent", "tool", "user_id", "phone_number"):
        path = (PATHS.get(name, name),)
        yield from _length_problems(getattr(filter, name) or "", MAX_TEXT_LENGTH, path)
    yield from time_range_problems(filter.created_since, filter.created_until, ("created",))
    yield from _range_problems(filter.min_duration, filter.max_duration, ("duration", "max"))
    yield from _range_problems(filter.min_cost, filter.max_cost, ("cost", "max"))


PATHS = {"workflow_slug": "workflow", "user_id": "userId", "phone_number": "phoneNumber"}
"""Names of fields in the API."""


def _length_problems(text: str, limit: int, path: Path) -> Problems:
    if len(text) > limit:
        yield InvalidInput(f"{path[-1]} must have at most {limit} characters.", path)


def _range_problems(low: B | None, high: B | None, path: Path) -> Problems:
    if low is not None and high is not None and low > high:
        yield InvalidInput(f"{path[0]}: the range ends before it begins.", path)
