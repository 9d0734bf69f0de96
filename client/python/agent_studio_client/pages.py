"""Pages of Relay connections, in both directions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from agent_studio_client.client import Studio
from agent_studio_client.errors import failed

Json = dict[str, Any]


async def pages(
    studio: Studio,
    document: str,
    *,
    select: Callable[[Json], Json | None],
    backward: bool = False,
    page_size: int = 50,
    **variables: Any,
) -> AsyncGenerator[Json]:
    """The pages of a connection, each with its items in the order of the list.

    Forward uses the variables `first` and `after`; backward starts at the end, with `last` and `before`.
    """
    cursor = None
    while True:
        position = (
            {"last": page_size, "before": cursor}
            if backward
            else {"first": page_size, "after": cursor}
        )
        response = await studio.execute(document, **variables, **position)
        page = select(response.data)
        if page is None:
            # A list that could not be read is not one that has ended.
            if response.errors:
                raise failed(response.errors)
            return
        yield page
        info = page["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return
        cursor = info["startCursor" if backward else "endCursor"]


async def nodes(studio: Studio, document: str, **options: Any) -> AsyncGenerator[Any]:
    """The items of a connection: from the first one on, or backward from the last one on."""
    async for page in pages(studio, document, **options):
        edges = page["edges"][::-1] if options.get("backward") else page["edges"]
        for edge in edges:
            yield edge["node"]
