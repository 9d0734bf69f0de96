"""Pages of lists that a query reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.lists import ListPage, Position, Window, page_of, rest_of


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The rows of a list, and what it is sorted by: a column and, where that is equal, the id."""

    rows: Select[Any]
    value: ColumnElement[Any]
    id: ColumnElement[Any]
    is_descending: bool = True

    def within(self, window: Window) -> Select[Any]:
        """The rows between the positions of the window, in the direction in which it is read."""
        query, key = self.rows, tuple_(self.value, self.id)
        for position, is_after in ((window.after, True), (window.before, False)):
            if position is not None:
                bound = (position.value, position.id)
                is_less = self.is_descending is is_after
                query = query.where(key < bound if is_less else key > bound)
        if self.is_descending is not window.is_from_end:
            return query.order_by(self.value.desc(), self.id.desc())
        return query.order_by(self.value, self.id)


async def fetch_page(
    connection: AsyncConnection, query: ListQuery, window: Window
) -> ListPage[Row[Any]]:
    found = await connection.execute(query.within(window).limit(window.size + 1))
    rows = found.all()
    entries = [
        (Position(row._mapping[query.value], row._mapping[query.id]), row)
        for row in rows[: window.size]
    ]
    if window.is_from_end:
        entries.reverse()
    rest = rest_of(window, entries)
    has_rest = rest is not None and await _has_row(connection, query.within(rest))
    return page_of(window, entries, has_more=len(rows) > window.size, has_rest=has_rest)


async def _has_row(connection: AsyncConnection, query: Select[Any]) -> bool:
    return (await connection.execute(query.limit(1))).first() is not None
