"""Lists of calls that are alive, looked up once for everybody who watches the same one.

A list is looked up again when a hint says that a call of its tenant changed, and when a regular
check of the tenant's calls finds what no hint told of. Each look-up is compared with the one
before, so a missed hint costs nothing but time."""

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
"""Between two look-ups of a list: there are at most ten a second, however much happens."""
MAX_LOOKUPS = 4
"""At once in a process. A tenant has one at most, so tenants take turns."""
CHECK_INTERVAL_SECONDS = 1.0
CHECK_INTERVAL_SECONDS_WITHOUT_REDIS = 0.1
MAX_COOLDOWN_SECONDS = 1.0
REFRESH_INTERVAL_SECONDS = 30.0
"""The check sees calls begin, change and end, but not that old ones are deleted: every so often
each list is looked up regardless."""

ListKey = tuple[TenantId, CallFilter]


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What a look-up found. Watchers share the updates, so that answers are made of them once."""

    version: int
    calls: CallsById
    snapshot: ListSnapshot
    """Made anew by each look-up: what is made of it is as fresh as it is."""
    _changes: dict[int, tuple[ListChange, ...]] = field(default_factory=dict)

    def followed_by(self, calls: CallsById) -> LookupResult:
        """This, followed by another look-up."""
        changes = list_changes(self.calls, calls)
        snapshot = ListSnapshot(tuple(calls.values()))
        if not changes:
            return replace(self, snapshot=snapshot)
        return LookupResult(self.version + 1, calls, snapshot, {self.version: changes})

    def changes_since(self, earlier: LookupResult) -> tuple[ListChange, ...]:
        """Also for somebody who missed some look-ups, as many do at once on a busy machine."""
        if earlier.version not in self._changes:
            self._changes[earlier.version] = list_changes(earlier.calls, self.calls)
        return self._changes[earlier.version]


@dataclass(slots=True, eq=False)
class SharedCallList:
    """One list, for everybody who watches it."""

    watchers: int = 0
    task: asyncio.Task[None] | None = None
    mailbox: Mailbox[object] | None = None
    result: LookupResult | None = None
    error: Exception | None = None
    _last_started: int = 0
    _last_finished: int = 0
    _last_awaited: int = 0
    """The look-up that somebody who has come in is waiting for."""
    _updated: asyncio.Event = field(default_factory=asyncio.Event)

    async def fresh_result(self) -> LookupResult:
        """What a look-up finds that begins after this was called."""
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
        # A look-up that failed leaves those who wait for it to the next one.
        waiting = self._last_finished < self._last_awaited
        self._last_finished = number
        if before is None or before.version != self.result.version or waiting:
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
        async with self._shared_list((tenant, filter)) as watched:
            told = await watched.fresh_result()
            yield told.snapshot
            while True:
                found = await watched.next_result(told)
                for change in found.changes_since(told):
                    yield change
                told = found

    @asynccontextmanager
    async def _shared_list(self, key: ListKey) -> AsyncGenerator[SharedCallList]:
        """The first watcher of a list begins to look it up, the last one ends that."""
        watched = self._lists.get(key)
        if watched is None or watched.error is not None:
            watched = self._lists[key] = SharedCallList()
            watched.task = asyncio.create_task(self._run_lookups(key, watched), name="call-list")
        watched.watchers += 1
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                if self._lists.get(key) is watched:
                    del self._lists[key]
                assert watched.task is not None
                await cancel_and_wait(watched.task)

    async def _run_lookups(self, key: ListKey, watched: SharedCallList) -> None:
        try:
            async with self._channels.listen(calls_channel(key[0])) as box:
                watched.mailbox = box
                while True:
                    await self._look_up_in_turn(key, watched, box)
                    await asyncio.sleep(LOOKUP_INTERVAL_SECONDS)
                    await box.get()
        except Exception as error:  # noqa: BLE001 - the watchers raise it, each to its client
            watched.fail(error)

    async def _look_up_in_turn(
        self, key: ListKey, watched: SharedCallList, box: Mailbox[object]
    ) -> None:
        """A tenant's lists are looked up one after the other, and as long as that takes, as long
        it rests: many lists of one tenant take half of one connection at most."""
        async with self._tenant_lock(key[0]):
            clock = asyncio.get_running_loop().time
            began = clock()
            box.clear_lag()
            number = watched.start_lookup()
            try:
                async with self._lookup_slots:
                    calls = await self._look_up(*key)
            except Unavailable:
                box.mark_lagged()  # look again after the pause
            else:
                watched.finish_lookup(number, calls)
            await asyncio.sleep(min(clock() - began, MAX_COOLDOWN_SECONDS))

    async def _look_up(self, tenant: TenantId, filter: CallFilter) -> CallsById:
        async with self._store.transaction(tenant) as work:
            found = await work.calls.page(filter, MAX_CALLS, None)
        return {call.id: call for call in found.items}

    def _tenant_lock(self, tenant: TenantId) -> asyncio.Lock:
        return self._tenant_locks.setdefault(tenant, asyncio.Lock())

    async def run_version_check(self) -> None:
        """The safety net: one cheap query for all watched tenants tells where calls changed."""
        seen: Mapping[TenantId, str] = {}
        loop = asyncio.get_running_loop()
        refreshed = loop.time()
        while True:
            up = self._channels.is_connected
            await asyncio.sleep(
                CHECK_INTERVAL_SECONDS if up else CHECK_INTERVAL_SECONDS_WITHOUT_REDIS
            )
            if loop.time() - refreshed >= REFRESH_INTERVAL_SECONDS:
                refreshed, seen = loop.time(), {}
            try:
                now = await self._fetch_versions()
            except Exception as error:
                if not is_outage(error):
                    raise
                continue
            for tenant, version in now.items():
                if seen.get(tenant) != version:
                    self._channels.mark_lagged(calls_channel(tenant))
            seen = now

    async def _fetch_versions(self) -> Mapping[TenantId, str]:
        tenants = list({tenant for tenant, _ in self._lists})
        if not tenants:
            return {}
        rows = await self._pool.fetch("select * from call_list_versions($1)", tenants)
        return {TenantId(row["tenant_id"]): row["version"] for row in rows}
