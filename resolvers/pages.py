"""Stretches of long lists, by keyset cursors."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from domain.common.errors import InvalidCursor
from domain.ports import Key, Slice

T = TypeVar("T")

DEFAULT, MOST = 20, 100


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


def clamped(first: int | None) -> int:
    return max(1, min(MOST, DEFAULT if first is None else first))


def key_of(list_name: str, cursor: str | None) -> Key | None:
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, at, id = text.split("|")
        if name != list_name:
            raise ValueError(name)
        return Key(datetime.fromisoformat(at).astimezone(UTC), UUID(id))
    except (ValueError, OverflowError):
        raise InvalidCursor(f"That is not a cursor of {list_name}.", ("after",)) from None


def cursor_of(list_name: str, key: Key) -> str:
    text = f"{list_name}|{key.at.isoformat()}|{key.id}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def page(list_name: str, found: Slice[T], key: Callable[[T], Key]) -> Page[T]:
    return pages_of(found, lambda item: cursor_of(list_name, key(item)))


def pages_of(found: Slice[T], cursor: Callable[[T], str]) -> Page[T]:
    edges = [Edge(cursor(item), item) for item in found.items]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return Page(edges, PageInfo(found.more, end, start_cursor=start))
