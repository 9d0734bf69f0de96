"""Logs that are read from end to end, without anybody else having to wait for that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from domain.calls.events import StoredEvent
from domain.calls.model import CallId
from domain.calls.state import ReadPage
from domain.common.access import TenantId
from domain.ports import Services


@asynccontextmanager
async def log_reader(
    services: Services, tenant: TenantId, id: CallId, first: Iterable[StoredEvent] | None = None
) -> AsyncGenerator[ReadPage]:
    """A way to read the log page by page, where the first page may be there already. Only few logs
    of a tenant that are longer than that are read at once."""
    async with AsyncExitStack() as stack:

        async def read(after: int, limit: int) -> Iterable[StoredEvent]:
            if after == 0 and first is not None:
                return first
            if after == limit:  # the second page
                await stack.enter_async_context(services.long_log_limit.semaphore(tenant))
            # Each page in a transaction of its own: the connection is for others, too.
            async with services.store.transaction(tenant) as work:
                return await work.calls.log_page(id, after, limit)

        yield read
