"""An immutable list that grows by one item at a time, for values that are copied at each change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar, overload

T = TypeVar("T")


class AppendOnlyList(Sequence[T]):
    """An immutable list whose `appended` takes constant time: all versions share one list, and each
    sees only its own prefix. Only a version to which another item was already appended is copied.

    With `keep`, the list retains at least that many of the newest items and at most twice as many;
    `total` counts all items ever appended."""

    __slots__ = ("_items", "_keep", "_length", "total")

    def __init__(self, items: Iterable[T] = (), keep: int | None = None) -> None:
        self._items = list(items)
        self._length = self.total = len(self._items)
        self._keep = keep

    def appended(self, item: T) -> AppendOnlyList[T]:
        grown: AppendOnlyList[T] = AppendOnlyList.__new__(AppendOnlyList)
        grown._items = self._room()
        grown._items.append(item)
        grown._length = len(grown._items)
        grown._keep = self._keep
        grown.total = self.total + 1
        return grown

    def _room(self) -> list[T]:
        """Return the items in a list that ends with this version's last item."""
        if self._keep is not None and self._length >= 2 * self._keep:
            return self._items[self._length - self._keep + 1 : self._length]
        is_newest = self._length == len(self._items)
        return self._items if is_newest else self._items[: self._length]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._items, self._length)

    def __reversed__(self) -> Iterator[T]:
        return (self._items[index] for index in range(self._length - 1, -1, -1))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        """A slice takes time proportional to its own length, not to that of the list."""
        if isinstance(index, slice):
            return tuple(self._items[n] for n in range(*index.indices(self._length)))
        return self._items[range(self._length)[index]]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppendOnlyList):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"AppendOnlyList({self[:]!r})"
