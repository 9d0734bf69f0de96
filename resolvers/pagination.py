"""Pages of lists, with keyset cursors."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from domain.common.errors import InvalidCursor, InvalidInput
from domain.ports import PageKey, PageSlice

T = TypeVar("T")

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 100


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
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, at, id = text.split("|")
        if name != list_name:
            raise ValueError(name)
        return PageKey(datetime.fromisoformat(at).astimezone(UTC), UUID(id))
    except (ValueError, OverflowError):
        raise InvalidCursor(f"This is not a cursor of {list_name}.", ("after",)) from None


def decode_name(list_name: str, cursor: str | None) -> str | None:
    """The name behind which a list that is ordered by name continues."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        text = ""
    name, separator, item = text.partition("|")
    if not separator or name != list_name:
        raise InvalidCursor(f"This is not a cursor of {list_name}.", ("after",))
    return item


def encode_name(list_name: str, name: str) -> str:
    return urlsafe_b64encode(f"{list_name}|{name}".encode()).decode().rstrip("=")


def encode_cursor(list_name: str, key: PageKey) -> str:
    text = f"{list_name}|{key.at.isoformat()}|{key.id}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def keyset_page(list_name: str, page: PageSlice[T], key: Callable[[T], PageKey]) -> Page[T]:
    return page_from_slice(page, lambda item: encode_cursor(list_name, key(item)))


def page_from_slice(page: PageSlice[T], cursor: Callable[[T], str]) -> Page[T]:
    edges = [Edge(cursor(item), item) for item in page.items]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return Page(edges, PageInfo(page.has_more, end, start_cursor=start))
