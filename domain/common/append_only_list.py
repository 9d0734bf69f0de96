"""A list for values that never change and grow by one item at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar, overload

T = TypeVar("T")


class PersistentList(Sequence[T]):
    """Immutable. `appended` takes constant time, because all versions share one list, of which each
    sees only its own beginning. Only a version that something else was already appended to is
    copied.

    With `keep`, at least so many of the newest items are there, and at most twice as many; `total`
    counts all that ever were."""

    __slots__ = ("_items", "_keep", "_length", "total")

    def __init__(self, items: Iterable[T] = (), keep: int | None = None) -> None:
        self._items = list(items)
        self._length = self.total = len(self._items)
        self._keep = keep

    def appended(self, item: T) -> PersistentList[T]:
        grown: PersistentList[T] = PersistentList.__new__(PersistentList)
        grown._items = self._room()
        grown._items.append(item)
        grown._length = len(grown._items)
        grown._keep = self._keep
        grown.total = self.total + 1
        return grown

    def _room(self) -> list[T]:
        """The items, in a list that ends with ours."""
        if self._keep is not None and self._length >= 2 * self._keep:
            return self._items[self._length - self._keep + 1 : self._length]
        is_newest = self._length == len(self._items)
        return self._items if is_newest else self._items[: self._length]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._items, self._length)

    def __reversed__(self) -> Iterator[T]:
        return (self._items[place] for place in range(self._length - 1, -1, -1))

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        """A slice costs its own length, not that of the list."""
        if isinstance(place, slice):
            return tuple(self._items[n] for n in range(*place.indices(self._length)))
        return self._items[range(self._length)[place]]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PersistentList):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"PersistentList({self[:]!r})"
