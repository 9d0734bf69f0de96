"""Pages of lists that are sorted by a value and, where it is equal, by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")

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

    items: tuple[tuple[Position, T], ...]
    has_next: bool
    has_previous: bool


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
