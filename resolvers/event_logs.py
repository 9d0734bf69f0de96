"""Reads complete logs of calls without blocking other requests."""

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
    """Yield a function that reads the log page by page; `first` is the first page if it has been
    read already. Of logs longer than one page, only a few per tenant are read at once."""
    async with AsyncExitStack() as stack:

        async def read(after: int, limit: int) -> Iterable[StoredEvent]:
            if after == 0 and first is not None:
                return first
            if after == limit:  # the second page
                await stack.enter_async_context(services.long_log_limit.semaphore(tenant))
            # Each page has its own transaction, which frees the connection in between.
            async with services.store.transaction(tenant) as work:
                return await work.calls.log_page(id, after, limit)

        yield read
