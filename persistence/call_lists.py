"""Live lists of calls. Each list is looked up once for all of its watchers.

A list is looked up again when a notification says that a call of the tenant changed, and when a
periodic check finds a change without a notification. Each lookup is compared with the previous one,
so a lost notification only costs time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

import asyncpg

from domain.calls.lists import CallsById, ListChange, ListSnapshot, ListUpdate, list_changes
from domain.calls.model import CallFilter
from domain.common.access import TenantId
from domain.common.errors import Unavailable
from domain.common.tasks import cancel_and_wait
from domain.ports import Store
from persistence.db_errors import is_outage
from persistence.notifications import calls_channel
from persistence.pubsub import Channels, Mailbox

MAX_CALLS = 100
LOOKUP_INTERVAL_SECONDS = 0.1
"""The time between two lookups of a list: at most ten per second, however much happens."""
MAX_LOOKUPS = 4
"""How many lookups a process runs at once. A tenant runs at most one, so tenants take turns."""
CHECK_INTERVAL_SECONDS = 1.0
CHECK_INTERVAL_SECONDS_WITHOUT_REDIS = 0.1
MAX_COOLDOWN_SECONDS = 1.0
REFRESH_INTERVAL_SECONDS = 30.0
"""The periodic check sees calls start, change and end, but not that old ones are deleted. So each
list is also looked up at this interval."""

ListKey = tuple[TenantId, CallFilter]


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The result of a lookup. Watchers share its updates, so that each is rendered once."""

    version: int
    calls: CallsById
    snapshot: ListSnapshot
    """Created by each lookup, so that whatever is cached for it is as fresh as the lookup."""
    _changes: dict[int, tuple[ListChange, ...]] = field(default_factory=dict)

    def followed_by(self, calls: CallsById) -> LookupResult:
        """The result of the next lookup, which found `calls`."""
        changes = list_changes(self.calls, calls)
        snapshot = ListSnapshot(tuple(calls.values()))
        if not changes:
            return replace(self, snapshot=snapshot)
        return LookupResult(self.version + 1, calls, snapshot, {self.version: changes})

    def changes_since(self, earlier: LookupResult) -> tuple[ListChange, ...]:
        """The changes since an earlier result, which need not be the previous one: on a busy
        machine many watchers skip the same lookups."""
        if earlier.version not in self._changes:
            self._changes[earlier.version] = list_changes(earlier.calls, self.calls)
        return self._changes[earlier.version]


@dataclass(slots=True, eq=False)
class SharedCallList:
    """One list with all of its watchers."""

    watchers: int = 0
    task: asyncio.Task[None] | None = None
    mailbox: Mailbox[object] | None = None
    result: LookupResult | None = None
    error: Exception | None = None
    _last_started: int = 0
    _last_finished: int = 0
    _last_awaited: int = 0
    """The number of the newest lookup that a new watcher is waiting for."""
    _updated: asyncio.Event = field(default_factory=asyncio.Event)

    async def fresh_result(self) -> LookupResult:
        """Wait for the result of a lookup that starts after this call."""
        self._last_awaited = wanted = self._last_started + 1
        if self.mailbox is not None:
            self.mailbox.mark_lagged()
        while self.result is None or self._last_finished < wanted:
            await self._wait_for_update()
        return self.result

    async def next_result(self, than: LookupResult) -> LookupResult:
        while self.result is None or self.result.version == than.version:
            await self._wait_for_update()
        return self.result

    async def _wait_for_update(self) -> None:
        if self.error is not None:
            raise self.error
        await self._updated.wait()

    def start_lookup(self) -> int:
        self._last_started += 1
        return self._last_started

    def finish_lookup(self, number: int, calls: CallsById) -> None:
        before = self.result
        if before is None:
            self.result = LookupResult(1, calls, ListSnapshot(tuple(calls.values())))
        else:
            self.result = before.followed_by(calls)
        # Watchers that wait for a lookup that failed are notified by the next one.
        is_awaited = self._last_finished < self._last_awaited
        self._last_finished = number
        if before is None or before.version != self.result.version or is_awaited:
            self._notify_watchers()

    def fail(self, error: Exception) -> None:
        self.error = error
        self._notify_watchers()

    def _notify_watchers(self) -> None:
        self._updated.set()
        self._updated = asyncio.Event()


class SqlCallLists:
    def __init__(
        self,
        store: Store,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[object],
    ) -> None:
        self._store = store
        self._pool = pool
        self._channels = channels
        self._lists: dict[ListKey, SharedCallList] = {}
        self._tenant_locks: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()
        self._lookup_slots = asyncio.Semaphore(MAX_LOOKUPS)

    async def watch(self, tenant: TenantId, filter: CallFilter) -> AsyncGenerator[ListUpdate]:
        async with self._shared_list((tenant, filter)) as shared:
            delivered = await shared.fresh_result()
            yield delivered.snapshot
            while True:
                result = await shared.next_result(delivered)
                for change in result.changes_since(delivered):
                    yield change
                delivered = result

    @asynccontextmanager
    async def _shared_list(self, key: ListKey) -> AsyncGenerator[SharedCallList]:
        """Join a list. Its first watcher starts the lookups, and the last one stops them."""
        shared = self._lists.get(key)
        if shared is None or shared.error is not None:
            shared = self._lists[key] = SharedCallList()
            shared.task = asyncio.create_task(self._run_lookups(key, shared), name="call-list")
        shared.watchers += 1
        try:
            yield shared
        finally:
            shared.watchers -= 1
            if not shared.watchers:
                if self._lists.get(key) is shared:
                    del self._lists[key]
                assert shared.task is not None
                await cancel_and_wait(shared.task)

    async def _run_lookups(self, key: ListKey, shared: SharedCallList) -> None:
        try:
            async with self._channels.listen(calls_channel(key[0])) as mailbox:
                shared.mailbox = mailbox
                while True:
                    await self._look_up_in_turn(key, shared, mailbox)
                    await asyncio.sleep(LOOKUP_INTERVAL_SECONDS)
                    await mailbox.get()
        except Exception as error:  # noqa: BLE001 - each watcher raises it to its client
            shared.fail(error)

    async def _look_up_in_turn(
        self, key: ListKey, shared: SharedCallList, mailbox: Mailbox[object]
    ) -> None:
        """Look up a list after the tenant's other lists, then pause for as long as the lookup took.
        So all lists of one tenant together use at most half of one connection."""
        async with self._tenant_lock(key[0]):
            clock = asyncio.get_running_loop().time
            started_at = clock()
            mailbox.clear_lag()
            number = shared.start_lookup()
            try:
                async with self._lookup_slots:
                    calls = await self._look_up(*key)
            except Unavailable:
                mailbox.mark_lagged()  # so that the lookup is retried after the pause
            else:
                shared.finish_lookup(number, calls)
            await asyncio.sleep(min(clock() - started_at, MAX_COOLDOWN_SECONDS))

    async def _look_up(self, tenant: TenantId, filter: CallFilter) -> CallsById:
        async with self._store.transaction(tenant) as work:
            page = await work.calls.page(filter, MAX_CALLS, None)
        return {call.id: call for call in page.items}

    def _tenant_lock(self, tenant: TenantId) -> asyncio.Lock:
        return self._tenant_locks.setdefault(tenant, asyncio.Lock())

    async def run_version_check(self) -> None:
        """Find changes whose notification was lost, with one query for all watched tenants."""
        versions: Mapping[TenantId, str] = {}
        loop = asyncio.get_running_loop()
        refreshed_at = loop.time()
        while True:
            has_redis = self._channels.is_connected
            await asyncio.sleep(
                CHECK_INTERVAL_SECONDS if has_redis else CHECK_INTERVAL_SECONDS_WITHOUT_REDIS
            )
            if loop.time() - refreshed_at >= REFRESH_INTERVAL_SECONDS:
                refreshed_at, versions = loop.time(), {}
            try:
                current = await self._fetch_versions()
            except Exception as error:
                if not is_outage(error):
                    raise
                continue
            for tenant, version in current.items():
                if versions.get(tenant) != version:
                    self._channels.mark_lagged(calls_channel(tenant))
            versions = current

    async def _fetch_versions(self) -> Mapping[TenantId, str]:
        tenants = list({tenant for tenant, _ in self._lists})
        if not tenants:
            return {}
        rows = await self._pool.fetch("select * from call_list_versions($1)", tenants)
        return {TenantId(row["tenant_id"]): row["version"] for row in rows}
