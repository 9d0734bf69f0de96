"""Pages of lists, with keyset cursors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from domain.common import base64url
from domain.common.casing import camel
from domain.common.errors import InvalidCursor, InvalidInput
from domain.common.lists import Count, ListPage, Position, SortValue, Window

T = TypeVar("T")

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 100
MAX_INTEGER, MAX_NUMBER = 2**63 - 1, 2**31 - 1
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
    since: datetime | None = None
    """None: the list covers all items that its filter names, however old."""


@dataclass(frozen=True, slots=True)
class CountedPage(Page[T]):
    """A page of a list that can be counted."""

    count: Callable[[], Awaitable[Count]] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The arguments with which a page is requested."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def window(self, list_name: str, parse: ParseValue) -> Window:
        """The items of the list that are requested; `parse` reads the value by which it is sorted. Raises
        `InvalidInput` or `InvalidCursor`."""
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
            f"{argument} must be at least 1, not {size}; omit it for {DEFAULT_PAGE_SIZE}.",
            (argument,),
        )
    return min(MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE if size is None else size)


def decode_position(
    list_name: str, cursor: str | None, parse: ParseValue, argument: str
) -> Position | None:
    if cursor is None:
        return None
    try:
        text = base64url.decode(cursor).decode()
        name, _, rest = text.partition("|")
        value, _, id = rest.rpartition("|")
        if name != list_name:
            raise ValueError(name)
        return Position(parse(value), UUID(id))
    except (ValueError, OverflowError):
        raise InvalidCursor(f"This is not a cursor of {camel(list_name)}.", (argument,)) from None


def encode_position(list_name: str, position: Position) -> str:
    value = position.value
    shown = value.isoformat() if isinstance(value, datetime) else value
    return base64url.encode(f"{list_name}|{shown}|{position.id}".encode())


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_integer(text: str, maximum: int = MAX_INTEGER) -> int:
    value = int(text)
    if abs(value) > maximum:
        raise ValueError(text)
    return value


def parse_number(text: str) -> int:
    """The number of a version, which PostgreSQL stores in 32 bits."""
    return parse_integer(text, MAX_NUMBER)


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
    uncounted = list_page(list_name, page, since)
    return CountedPage(uncounted.edges, uncounted.page_info, since, count=count)


def list_page(list_name: str, page: ListPage[T], since: datetime | None = None) -> Page[T]:
    edges = [Edge(encode_position(list_name, position), item) for position, item in page.entries]
    return Page(edges, page_info(edges, page.has_next, page.has_previous), since)


def page_info(edges: Sequence[Edge[T]], has_next: bool, has_previous: bool = False) -> PageInfo:
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return PageInfo(has_next, end, has_previous, start)
