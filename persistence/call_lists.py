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

from domain.calls.lists import Change, Listed, ListUpdate, Snapshot, difference
from domain.calls.model import CallFilter
from domain.common.access import TenantId
from domain.common.errors import Unavailable
from domain.common.tasks import end
from domain.ports import Store
from persistence.channels import Channels, Mailbox
from persistence.hints import calls_channel
from persistence.outages import is_outage

MAX_CALLS = 100
PAUSE_SECONDS = 0.1
"""Between two look-ups of a list: there are at most ten a second, however much happens."""
MAX_LOOKUPS = 4
"""At once in a process. A tenant has one at most, so tenants take turns."""
CHECK_SECONDS = 1.0
CHECK_SECONDS_WITHOUT_REDIS = 0.1
MAX_REST_SECONDS = 1.0
REFRESH_SECONDS = 30.0
"""The check sees calls begin, change and end, but not that old ones are deleted: every so often
each list is looked up regardless."""

Key = tuple[TenantId, CallFilter]


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found. Watchers share the updates, so that answers are made of them once."""

    version: int
    calls: Listed
    snapshot: Snapshot
    """Made anew by each look-up: what is made of it is as fresh as it is."""
    _changes: dict[int, tuple[Change, ...]] = field(default_factory=dict)

    def then(self, calls: Listed) -> Found:
        """This, followed by another look-up."""
        changes = difference(self.calls, calls)
        snapshot = Snapshot(tuple(calls.values()))
        if not changes:
            return replace(self, snapshot=snapshot)
        return Found(self.version + 1, calls, snapshot, {self.version: changes})

    def changes_since(self, told: Found) -> tuple[Change, ...]:
        """Also for somebody who missed some look-ups, as many do at once on a busy machine."""
        if told.version not in self._changes:
            self._changes[told.version] = difference(told.calls, self.calls)
        return self._changes[told.version]


@dataclass(slots=True, eq=False)
class CallList:
    """One list, for everybody who watches it."""

    watchers: int = 0
    task: asyncio.Task[None] | None = None
    box: Mailbox[object] | None = None
    found: Found | None = None
    error: Exception | None = None
    _begun: int = 0
    _done: int = 0
    _awaited: int = 0
    """The look-up that somebody who has come in is waiting for."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def joined(self) -> Found:
        """What a look-up finds that begins after this was called."""
        self._awaited = wanted = self._begun + 1
        if self.box is not None:
            self.box.lag()
        while self.found is None or self._done < wanted:
            await self._next()
        return self.found

    async def newer(self, than: Found) -> Found:
        while self.found is None or self.found.version == than.version:
            await self._next()
        return self.found

    async def _next(self) -> None:
        if self.error is not None:
            raise self.error
        await self._news.wait()

    def begin(self) -> int:
        self._begun += 1
        return self._begun

    def finish(self, number: int, calls: Listed) -> None:
        before = self.found
        if before is None:
            self.found = Found(1, calls, Snapshot(tuple(calls.values())))
        else:
            self.found = before.then(calls)
        # A look-up that failed leaves those who wait for it to the next one.
        waiting = self._done < self._awaited
        self._done = number
        if before is None or before.version != self.found.version or waiting:
            self._tell()

    def fail(self, error: Exception) -> None:
        self.error = error
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


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
        self._lists: dict[Key, CallList] = {}
        self._turns: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()
        self._lookups = asyncio.Semaphore(MAX_LOOKUPS)

    async def watch(self, tenant: TenantId, filter: CallFilter) -> AsyncGenerator[ListUpdate]:
        async with self._watched((tenant, filter)) as watched:
            told = await watched.joined()
            yield told.snapshot
            while True:
                found = await watched.newer(told)
                for change in found.changes_since(told):
                    yield change
                told = found

    @asynccontextmanager
    async def _watched(self, key: Key) -> AsyncGenerator[CallList]:
        """The first watcher of a list begins to look it up, the last one ends that."""
        watched = self._lists.get(key)
        if watched is None or watched.error is not None:
            watched = self._lists[key] = CallList()
            watched.task = asyncio.create_task(self._follow(key, watched), name="call-list")
        watched.watchers += 1
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                if self._lists.get(key) is watched:
                    del self._lists[key]
                assert watched.task is not None
                await end(watched.task)

    async def _follow(self, key: Key, watched: CallList) -> None:
        try:
            async with self._channels.listen(calls_channel(key[0])) as box:
                watched.box = box
                while True:
                    await self._look_in_turn(key, watched, box)
                    await asyncio.sleep(PAUSE_SECONDS)
                    await box.get()
        except Exception as error:  # noqa: BLE001 - the watchers raise it, each to its client
            watched.fail(error)

    async def _look_in_turn(self, key: Key, watched: CallList, box: Mailbox[object]) -> None:
        """A tenant's lists are looked up one after the other, and as long as that takes, as long
        it rests: many lists of one tenant take half of one connection at most."""
        async with self._turn(key[0]):
            clock = asyncio.get_running_loop().time
            began = clock()
            box.forget_lag()
            number = watched.begin()
            try:
                async with self._lookups:
                    calls = await self._look(*key)
            except Unavailable:
                box.lag()  # look again after the pause
            else:
                watched.finish(number, calls)
            await asyncio.sleep(min(clock() - began, MAX_REST_SECONDS))

    async def _look(self, tenant: TenantId, filter: CallFilter) -> Listed:
        async with self._store.work(tenant) as work:
            found = await work.calls.page(filter, MAX_CALLS, None)
        return {call.id: call for call in found.items}

    def _turn(self, tenant: TenantId) -> asyncio.Lock:
        return self._turns.setdefault(tenant, asyncio.Lock())

    async def check_for_ever(self) -> None:
        """The safety net: one cheap query for all watched tenants tells where calls changed."""
        seen: Mapping[TenantId, str] = {}
        loop = asyncio.get_running_loop()
        refreshed = loop.time()
        while True:
            up = self._channels.up
            await asyncio.sleep(CHECK_SECONDS if up else CHECK_SECONDS_WITHOUT_REDIS)
            if loop.time() - refreshed >= REFRESH_SECONDS:
                refreshed, seen = loop.time(), {}
            try:
                now = await self._versions()
            except Exception as error:
                if not is_outage(error):
                    raise
                continue
            for tenant, version in now.items():
                if seen.get(tenant) != version:
                    self._channels.lag(calls_channel(tenant))
            seen = now

    async def _versions(self) -> Mapping[TenantId, str]:
        tenants = list({tenant for tenant, _ in self._lists})
        if not tenants:
            return {}
        rows = await self._pool.fetch("select * from call_list_versions($1)", tenants)
        return {TenantId(row["tenant_id"]): row["version"] for row in rows}
