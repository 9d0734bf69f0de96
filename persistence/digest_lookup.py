"""Looks up secrets of which only a digest is stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, TextClause
from sqlalchemy.ext.asyncio import AsyncConnection


async def find_by_digest(
    db: AsyncConnection, query: TextClause, digests: Iterable[bytes]
) -> Row[Any] | None:
    """The row of a secret, of which `digests` has the digest under each entry of SECRET_KEY. `query` takes
    one of them as `:digest`."""
    for digest in digests:
        row = (await db.execute(query, {"digest": digest})).one_or_none()
        if row is not None:
            return row
    return None
