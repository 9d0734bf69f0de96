"""Pages of lists, with keyset cursors."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from domain.common.errors import InvalidCursor, InvalidInput
from domain.common.lists import Count, ListPage, Position, SortValue, Window
from domain.ports import PageKey, PageSlice

T = TypeVar("T")

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 100
MAX_INTEGER = 2**63 - 1
ParseValue = Callable[[str], SortValue]


@dataclass(frozen=True, slots=True)
class PageInfo:
    has_next_page: bool
    end_cursor: str | None
    has_previous_page: bool = False
    start_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    cursor: str
    node: T


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo


@dataclass(frozen=True, slots=True)
class CountedPage(Page[T]):
    """A page of a list that can be counted."""

    count: Callable[[], Awaitable[Count]]
    since: datetime | None = None
    """None: the list covers all items, however old."""


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The arguments with which a page is requested."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def window(self, list_name: str, parse: ParseValue) -> Window:
        """Raises `InvalidInput` or `InvalidCursor`."""
        if self.first is not None and self.last is not None:
            raise InvalidInput("Give first or last, not both.", ("last",))
        is_from_end = self.last is not None
        return Window(
            clamp_page_size(self.last, "last") if is_from_end else clamp_page_size(self.first),
            decode_position(list_name, self.after, parse, "after"),
            decode_position(list_name, self.before, parse, "before"),
            is_from_end,
        )


def clamp_page_size(size: int | None, argument: str = "first") -> int:
    """The size of a page that is requested with this argument. Raises `InvalidInput` below 1."""
    if size is not None and size < 1:
        raise InvalidInput(
            f"{argument} must be between 1 and {MAX_PAGE_SIZE}, not {size}; omit it for "
            f"{DEFAULT_PAGE_SIZE}.",
            (argument,),
        )
    return min(MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE if size is None else size)


def decode_cursor(list_name: str, cursor: str | None) -> PageKey | None:
    position = decode_position(list_name, cursor, parse_time, "after")
    if position is None:
        return None
    assert isinstance(position.value, datetime)
    return PageKey(position.value, position.id)


def encode_cursor(list_name: str, key: PageKey) -> str:
    return encode_position(list_name, Position(key.at, key.id))


def decode_position(
    list_name: str, cursor: str | None, parse: ParseValue, argument: str
) -> Position | None:
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, _, rest = text.partition("|")
        value, _, id = rest.rpartition("|")
        if name != list_name:
            raise ValueError(name)
        return Position(parse(value), UUID(id))
    except (ValueError, OverflowError):
        raise InvalidCursor(f"This is not a cursor of {list_name}.", (argument,)) from None


def encode_position(list_name: str, position: Position) -> str:
    value = position.value
    shown = value.isoformat() if isinstance(value, datetime) else value
    return urlsafe_b64encode(f"{list_name}|{shown}|{position.id}".encode()).decode().rstrip("=")


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_integer(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_INTEGER:
        raise ValueError(text)
    return value


def parse_text(text: str) -> str:
    if "\0" in text:
        raise ValueError(text)
    return text


def counted_page(
    list_name: str,
    page: ListPage[T],
    count: Callable[[], Awaitable[Count]],
    since: datetime | None = None,
) -> CountedPage[T]:
    edges = [Edge(encode_position(list_name, position), item) for position, item in page.items]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    info = PageInfo(page.has_next, end, page.has_previous, start)
    return CountedPage(edges, info, count, since)


def keyset_page(list_name: str, page: PageSlice[T], key: Callable[[T], PageKey]) -> Page[T]:
    return page_from_slice(page, lambda item: encode_cursor(list_name, key(item)))


def page_from_slice(page: PageSlice[T], cursor: Callable[[T], str]) -> Page[T]:
    edges = [Edge(cursor(item), item) for item in page.items]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return Page(edges, PageInfo(page.has_more, end, start_cursor=start))
