"""The queries for pages of calls and for their number.

Calls that have ended are read from `ended_call`, which has an index for every filter. Calls in progress
are few and are read from `call_log`. One statement reads both, so that a call that ends meanwhile is
neither missed nor listed twice.

Row-level security lets only leakproof operators reach an index: equality and comparison, not the
operators of JSON and arrays. So metadata, agents and tools are looked up in `call_label`.

Each call has one end reason, one kind and one direction. The indexes have the calls of each combination
in order, and the first calls of all matching combinations are merged. An index on time alone would be
scanned to its end for a rare combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from domain.calls.filters import (
    METADATA_PREFIX,
    NEWEST_FIRST,
    CallFilter,
    CallOrder,
    CallSort,
)
from domain.calls.model import Call, CallKind, Direction, EndReason
from domain.common.access import TenantId
from domain.common.lists import Position, Window
from persistence import tables

MAX_EXACT_COUNT = 1_000
PAGE_SIZES = (21, 101)
"""The row limits with which pages are read. The limit is part of the query text, because the
planner assumes that a bound parameter returns a tenth of the table."""

COLUMNS = tuple(each.name for each in fields(Call))
SELECTED = ", ".join(f"c.{name}" if name in tables.call.c else f"l.{name}" for name in COLUMNS)

ENDED_VALUES = {
    CallSort.CREATED_AT: "created_at",
    CallSort.DURATION: "duration_ms",
    CallSort.COST: "spent",
}
LIVE_VALUES = {
    CallSort.CREATED_AT: "l.created_at",
    CallSort.DURATION: "0::bigint",
    CallSort.COST: "l.spent",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with its parameters."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where calls are read from."""

    tables: str
    conditions: Sequence[str]
    value: str
    """What the list is sorted by."""
    id: str
    sort_key: str
    """`value`, or an expression that equals it and that no index has."""


@dataclass(frozen=True, slots=True)
class CallQueries:
    """The queries about the calls of a tenant that match a filter."""

    tenant: TenantId
    filter: CallFilter

    def page(self, order: CallOrder, window: Window) -> Query | None:
        """The calls of the window and at least one more, from its first or its last one on, each with
        its `place`; None if no call can match."""
        limit = next(size for size in PAGE_SIZES if size > window.size)
        statement = Statement(self.tenant, self.filter, order, window, limit)
        places = statement.places()
        if places is None:
            return None
        text = (
            f"select {SELECTED}, p.place from ({places}) p"
            " join call c on c.id = p.call_id join call_log l on l.call_id = c.id"
            f" where c.tenant_id = $1 order by p.place {statement.direction},"
            f" p.call_id {statement.direction}"
        )
        return Query(text, tuple(statement.values))

    def exists(self, order: CallOrder, window: Window) -> Query | None:
        """Whether the window has a call; None if no call can match."""
        statement = Statement(self.tenant, self.filter, order, window, 1)
        places = statement.places()
        return (
            None if places is None else Query(f"select exists ({places})", tuple(statement.values))
        )

    def counts(self) -> Query:
        """The numbers of calls in progress and of calls that have ended, each counted to one more than
        `MAX_EXACT_COUNT`."""
        limit = MAX_EXACT_COUNT + 1
        statement = Statement(self.tenant, self.filter, NEWEST_FIRST, Window(limit), limit)
        live = _count(statement.live(), limit) if self.filter.includes_live else "0"
        ended = _count(statement.ended(), limit) if self.filter.includes_ended else "0"
        return Query(f"select {live} as live, {ended} as ended", tuple(statement.values))

    def estimate(self) -> Query:
        """PostgreSQL's estimate of the number of calls that have ended, as a plan in JSON."""
        statement = Statement(self.tenant, self.filter, NEWEST_FIRST, Window(1), 1)
        source = statement.ended()
        text = f"explain (format json) select from {source.tables} where {_all(source.conditions)}"
        return Query(text, tuple(statement.values))


@dataclass(slots=True)
class Statement:
    """Builds one statement and collects its parameters; the first one is the tenant."""

    tenant: TenantId
    filter: CallFilter
    order: CallOrder
    window: Window
    limit: int
    values: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.values = [self.tenant]

    @property
    def direction(self) -> str:
        """In which direction rows are read."""
        return "desc" if self.order.is_descending is not self.window.is_from_end else "asc"

    def places(self) -> str | None:
        """The ids and the places of the first calls of the window."""
        parts = [self._first(self.live())] if self.filter.includes_live else []
        if self.filter.includes_ended:
            parts.append(self._merged() if self._is_merged else self._first(self.ended()))
        if len(parts) < 2:
            return next(iter(parts), None)
        return self._ordered(f"select * from (({parts[0]}) union all ({parts[1]})) parts")

    # ---- calls in progress ------------------------------------------------------------------------

    def live(self) -> Source:
        filter, value = self.filter, LIVE_VALUES[self.order.sort]
        conditions = [
            *self._any("l.state", filter.states and sorted(filter.live_states)),
            *self._any("l.kind", filter.kinds),
            *self._any("c.direction", filter.directions),
            *self._is("l.workflow_id", filter.workflow_id),
            *self._workflow_of_slug("l.workflow_id"),
            *self._is("c.version_id", filter.version_id),
            *self._is("l.user_id", filter.user_id),
            *self._is("c.phone_number", filter.phone_number),
            *self._between("l.spent", filter.min_cost, filter.max_cost),
            *(self._has_label("l", label) for label in self._event_labels),
            *(self._has_metadata(label) for label in self._metadata_labels),
        ]
        is_by_time = self.order.sort is CallSort.CREATED_AT
        if not is_by_time:
            conditions += self._window(value, "l.call_id")
        source = f"({self._live_calls(is_ordered=is_by_time)}) l"
        of_call = (filter.directions, filter.version_id, filter.phone_number)
        if self._metadata_labels or any(each is not None for each in of_call):
            source += " join call c on c.id = l.call_id"
        return Source(source, conditions, value, "l.call_id", value)

    def _live_calls(self, *, is_ordered: bool) -> str:
        """The calls in progress. `offset 0` keeps the other conditions out of this query: their
        indexes have the calls that have ended, too, of which there are many."""
        conditions = ["l.tenant_id = $1", "l.ended_at is null", *self._created("l.created_at")]
        order = ""
        if is_ordered:
            conditions += self._window("l.created_at", "l.call_id")
            order = f" order by l.created_at {self.direction}, l.call_id {self.direction}"
        return (
            "select l.call_id, l.created_at, l.state, l.kind, l.workflow_id, l.user_id, l.spent"
            f" from call_log l where {_all(conditions)}{order} offset 0"
        )

    def _has_metadata(self, label: tuple[str, str]) -> str:
        name, value = map(self._parameter, label)
        key = self._parameter(label[0].removeprefix(METADATA_PREFIX))
        # The first comparison is cheap, and few calls pass it.
        return (
            f"c.metadata ->> {key} = {value} and (select true from metadata_labels(c.metadata) m"
            f" where m.name = {name} and m.value = {value})"
        )

    # ---- calls that have ended --------------------------------------------------------------------

    def ended(self) -> Source:
        """Calls that have ended, read from the first label, or else in the order of an index."""
        first, *others = self.filter.labels or (None,)
        at, id = ("d.created_at", "d.call_id") if first else ("e.created_at", "e.call_id")
        is_by_time = self.order.sort is CallSort.CREATED_AT
        value = at if is_by_time else f"e.{ENDED_VALUES[self.order.sort]}"
        conditions = ["e.tenant_id = $1", *self._outcome(), *self._other_facts()]
        source = "ended_call e"
        if first is not None:
            name, text = map(self._parameter, first)
            source = "call_label d join ended_call e on e.call_id = d.call_id"
            conditions += ["d.tenant_id = $1", f"d.name = {name}", f"d.value = {text}"]
        conditions += [self._has_label("e", label) for label in others if label]
        conditions += [*self._created(at), *self._window(value, id)]
        # The index on durations or costs would be scanned to its end for a rare combination.
        is_indexed = is_by_time or self.filter.is_served_by(self.order)
        return Source(source, conditions, value, id, value if is_indexed else f"{value} + 0")

    @property
    def _is_merged(self) -> bool:
        f = self.filter
        facts = (f.states, f.kinds, f.directions, f.end_reasons, f.blames, f.version_id)
        owners = (f.workflow_id, f.workflow_slug, f.user_id, f.phone_number)
        is_by_time = self.order.sort is CallSort.CREATED_AT
        return is_by_time and not f.labels and any(each is not None for each in facts + owners)

    def _merged(self) -> str:
        """The first calls of every combination of end reason, kind and direction."""
        filter = self.filter
        reasons = self._parameter(sorted(filter.outcomes))
        kinds = self._parameter(sorted(set(CallKind if filter.kinds is None else filter.kinds)))
        directions = self._parameter(
            sorted(set(Direction if filter.directions is None else filter.directions))
        )
        conditions = [
            "e.tenant_id = $1",
            "e.end_reason = reason.one and e.kind = kind.one and e.direction = direction.one",
            *self._other_facts(),
            *self._created("e.created_at"),
            *self._window("e.created_at", "e.call_id"),
        ]
        per_combination = self._first(
            Source("ended_call e", conditions, "e.created_at", "e.call_id", "e.created_at")
        )
        return self._ordered(
            f"select first.* from unnest({reasons}::text[]) reason (one)"
            f" cross join unnest({kinds}::text[]) kind (one)"
            f" cross join unnest({directions}::text[]) direction (one)"
            f" cross join lateral ({per_combination}) first"
        )

    def _outcome(self) -> list[str]:
        filter = self.filter
        is_narrowed = filter.outcomes != frozenset(EndReason)
        return [
            *self._any("e.end_reason", sorted(filter.outcomes) if is_narrowed else None),
            *self._any("e.kind", filter.kinds),
            *self._any("e.direction", filter.directions),
        ]

    def _other_facts(self) -> list[str]:
        filter = self.filter
        conditions = [
            *self._is("e.workflow_id", filter.workflow_id),
            *self._workflow_of_slug("e.workflow_id"),
            *self._is("e.user_id", filter.user_id),
            *self._is("e.phone_number", filter.phone_number),
            *self._between("e.duration_ms", *map(_milliseconds, self._durations)),
            *self._between("e.spent", filter.min_cost, filter.max_cost),
        ]
        if filter.version_id is not None:
            version = self._parameter(filter.version_id)
            workflow = (
                "select v.workflow_id from workflow_version v"
                f" where v.tenant_id = $1 and v.id = {version}"
            )
            # The index begins with the workflow.
            conditions += [f"e.version_id = {version}", f"e.workflow_id = ({workflow})"]
        return conditions

    @property
    def _durations(self) -> tuple[Any, Any]:
        return self.filter.min_duration, self.filter.max_duration

    # ---- conditions -------------------------------------------------------------------------------

    @property
    def _event_labels(self) -> Sequence[tuple[str, str]]:
        return [label for label in self.filter.labels if label[0] in ("agent", "tool")]

    @property
    def _metadata_labels(self) -> Sequence[tuple[str, str]]:
        return [label for label in self.filter.labels if label[0] not in ("agent", "tool")]

    def _has_label(self, call: str, label: tuple[str, str]) -> str:
        name, value = map(self._parameter, label)
        # A scalar, because a join might begin with all calls that have the label.
        return (
            f"(select true from call_label t where t.tenant_id = $1 and t.name = {name}"
            f" and t.value = {value} and t.created_at = {call}.created_at"
            f" and t.call_id = {call}.call_id)"
        )

    def _workflow_of_slug(self, column: str) -> list[str]:
        if self.filter.workflow_slug is None:
            return []
        slug = self._parameter(self.filter.workflow_slug)
        return [
            f"{column} = (select w.id from workflow w where w.tenant_id = $1 and w.name = {slug})"
        ]

    def _created(self, column: str) -> list[str]:
        since, until = self.filter.created_since, self.filter.created_until
        conditions = [] if since is None else [f"{column} >= {self._parameter(since)}"]
        return (
            conditions if until is None else [*conditions, f"{column} < {self._parameter(until)}"]
        )

    def _window(self, value: str, id: str) -> list[str]:
        after, before = ("<", ">") if self.order.is_descending else (">", "<")
        return [
            *self._beyond(value, id, after, self.window.after),
            *self._beyond(value, id, before, self.window.before),
        ]

    def _beyond(self, value: str, id: str, comparison: str, position: Position | None) -> list[str]:
        if position is None:
            return []
        bounds = f"{self._parameter(position.value)}, {self._parameter(position.id)}"
        return [f"({value}, {id}) {comparison} ({bounds})"]

    def _any(self, column: str, values: Sequence[str] | None) -> list[str]:
        if values is None:
            return []
        return [f"{column} = any({self._parameter(sorted(set(values)))}::text[])"]

    def _is(self, column: str, value: Any) -> list[str]:
        return [] if value is None else [f"{column} = {self._parameter(value)}"]

    def _between(self, column: str, low: int | None, high: int | None) -> list[str]:
        conditions = [] if low is None else [f"{column} >= {self._parameter(low)}"]
        return conditions if high is None else [*conditions, f"{column} <= {self._parameter(high)}"]

    def _parameter(self, value: Any) -> str:
        """The placeholder of the value."""
        self.values.append(value)
        return f"${len(self.values)}"

    # ---- order ------------------------------------------------------------------------------------

    def _first(self, source: Source) -> str:
        return (
            f"select {source.id} as call_id, {source.value} as place from {source.tables}"
            f" where {_all(source.conditions)}"
            f" order by {source.sort_key} {self.direction}, {source.id} {self.direction}"
            f" limit {self.limit}"
        )

    def _ordered(self, calls: str) -> str:
        return (
            f"{calls} order by place {self.direction}, call_id {self.direction} limit {self.limit}"
        )


def _count(source: Source, limit: int) -> str:
    rows = f"select from {source.tables} where {_all(source.conditions)} limit {limit}"
    return f"(select count(*) from ({rows}) counted)"


def _all(conditions: Sequence[str]) -> str:
    return " and ".join(conditions) or "true"


def _milliseconds(duration: Any) -> int | None:
    return None if duration is None else round(duration.total_seconds() * 1000)
