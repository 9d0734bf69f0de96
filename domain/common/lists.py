"""Pages of lists that are sorted by a value and, where it is equal, by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")
U = TypeVar("U")

SortValue = datetime | int | str


class SortDirection(StrEnum):
    """Whether a list begins with the least or with the greatest item."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class Position:
    """The position of an item: what the list is sorted by, and the id of the item."""

    value: SortValue
    id: UUID


@dataclass(frozen=True, slots=True)
class Window:
    """At most `size` items between two positions: the first ones, or the last ones."""

    size: int
    after: Position | None = None
    before: Position | None = None
    is_from_end: bool = False


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """The items of a window with their positions, in the order of the list."""

    entries: tuple[tuple[Position, T], ...]
    has_next: bool
    has_previous: bool

    @property
    def items(self) -> tuple[T, ...]:
        return tuple(item for _, item in self.entries)

    def with_items(self, items: Sequence[U]) -> ListPage[U]:
        """The same page with these items in place of its own, one for each."""
        positions = (position for position, _ in self.entries)
        entries = tuple(zip(positions, items, strict=True))
        return ListPage(entries, self.has_next, self.has_previous)


def rest_of(window: Window, entries: Sequence[tuple[Position, T]]) -> Window | None:
    """Where an item lies if the list has more on the side of the window's cursor; None without a
    cursor. `entries` are those of the window."""
    if window.is_from_end:
        if window.before is None:
            return None
        return Window(1, after=entries[-1][0] if entries else window.before)
    if window.after is None:
        return None
    return Window(1, before=entries[0][0] if entries else window.after)


def page_of(
    window: Window, entries: Sequence[tuple[Position, T]], *, has_more: bool, has_rest: bool
) -> ListPage[T]:
    """The page of a window. `has_more`: items follow in the direction in which it was read."""
    if window.is_from_end:
        return ListPage(tuple(entries), has_next=has_rest, has_previous=has_more)
    return ListPage(tuple(entries), has_next=has_more, has_previous=has_rest)


@dataclass(frozen=True, slots=True)
class Count:
    """The number of items in a list."""

    value: int
    is_estimate: bool = False


# All watchers of a live list receive the same objects. They compare by identity, so that the rendering of
# an update can be cached for the lifetime of the update.


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ListSnapshot(Generic[T]):
    """The first items of the list, in its order."""

    items: tuple[T, ...]
    kind: type[T]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class EntryAdded(Generic[T]):
    item: T


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class EntryChanged(Generic[T]):
    item: T


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class EntryRemoved(Generic[T]):
    id: UUID
    kind: type[T]


ListChange = EntryAdded[T] | EntryChanged[T] | EntryRemoved[T]
ListUpdate = ListSnapshot[T] | ListChange[T]
ItemsById = Mapping[UUID, T]


def list_changes(
    before: ItemsById[T], after: ItemsById[T], kind: type[T]
) -> tuple[ListChange[T], ...]:
    """The changes that turn the list `before` into the list `after`."""
    removed = tuple(EntryRemoved(id, kind) for id in before if id not in after)
    added = tuple(EntryAdded(after[id]) for id in reversed(list(after)) if id not in before)
    changed = tuple(
        EntryChanged(item) for id, item in after.items() if id in before and before[id] != item
    )
    return removed + added + changed
