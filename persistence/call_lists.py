"""Live lists of calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime

import asyncpg

from domain.calls.filters import NEWEST_FIRST, CallFilter
from domain.calls.model import Call
from domain.common.access import TenantId
from domain.common.lists import ListUpdate, Window
from domain.ports import Store
from persistence.live_lists import MAX_ITEMS, ListSource, LiveLists, LookupTurns
from persistence.notifications import calls_channel
from persistence.pubsub import Channels


class SqlCallLists:
    def __init__(
        self,
        store: Store,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[object],
        turns: LookupTurns,
    ) -> None:
        self._store = store
        self._pool = pool
        self._lists = LiveLists(channels, turns, self._fetch_versions)
        self.run_version_check = self._lists.run_version_check

    def watch(self, tenant: TenantId, filter: CallFilter) -> AsyncGenerator[ListUpdate[Call]]:
        async def fetch() -> Sequence[Call]:
            covered = filter.covered(NEWEST_FIRST, datetime.now(UTC))
            async with self._store.transaction(tenant) as work:
                return (await work.calls.page(Window(MAX_ITEMS), covered)).items

        source = ListSource(
            tenant, Call, filter, calls_channel(tenant), fetch, lambda call: call.id
        )
        return self._lists.watch(source)

    async def _fetch_versions(self, tenants: Sequence[TenantId]) -> Mapping[TenantId, str]:
        rows = await self._pool.fetch("select * from call_list_versions($1)", tenants)
        return {TenantId(row["tenant_id"]): row["version"] for row in rows}
