"""Live lists. Each list is looked up once for all of its watchers.

A list is looked up again when a notification says that an item of the tenant changed, and when a
periodic check finds a change without a notification. Each lookup is compared with the previous one,
so a lost notification only costs time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from domain.common.access import TenantId
from domain.common.errors import Unavailable
from domain.common.lists import ItemsById, ListChange, ListSnapshot, ListUpdate, list_changes
from domain.common.tasks import cancel_and_wait
from persistence.db_errors import is_outage
from persistence.pubsub import Channels, Mailbox

T = TypeVar("T")

MAX_ITEMS = 100
LOOKUP_INTERVAL_SECONDS = 0.1
"""The time between two lookups of a list: at most ten per second, however much happens."""
MAX_LOOKUPS = 4
"""How many lookups a process runs at once. A tenant runs at most one, so tenants take turns."""
CHECK_INTERVAL_SECONDS = 1.0
CHECK_INTERVAL_SECONDS_WITHOUT_REDIS = 0.1
MAX_COOLDOWN_SECONDS = 1.0
REFRESH_INTERVAL_SECONDS = 30.0
"""The periodic check does not see every change, such as that old calls are deleted. So each list is
also looked up at this interval."""


@dataclass(frozen=True, slots=True)
class ListSource(Generic[T]):
    """What a live list shows."""

    tenant: TenantId
    kind: type[T]
    filter: Hashable
    channel: str
    """Announces changes of items of this kind."""
    fetch: Callable[[], Awaitable[Sequence[T]]] = field(compare=False)
    id_of: Callable[[T], UUID] = field(compare=False)


@dataclass(frozen=True, slots=True)
class LookupResult(Generic[T]):
    """The result of a lookup. Watchers share its updates, so that each is rendered once."""

    version: int
    items: ItemsById[T]
    snapshot: ListSnapshot[T]
    """Created by each lookup, so that whatever is cached for it is as fresh as the lookup."""
    _changes: dict[int, tuple[ListChange[T], ...]] = field(default_factory=dict)

    def followed_by(self, items: ItemsById[T]) -> LookupResult[T]:
        """The result of the next lookup, which found `items`."""
        kind = self.snapshot.kind
        changes = list_changes(self.items, items, kind)
        snapshot = ListSnapshot(tuple(items.values()), kind)
        if not changes:
            return replace(self, snapshot=snapshot)
        return LookupResult(self.version + 1, items, snapshot, {self.version: changes})

    def changes_since(self, earlier: LookupResult[T]) -> tuple[ListChange[T], ...]:
        """The changes since an earlier result, which need not be the previous one: on a busy
        machine many watchers skip the same lookups."""
        if earlier.version not in self._changes:
            changes = list_changes(earlier.items, self.items, self.snapshot.kind)
            self._changes[earlier.version] = changes
        return self._changes[earlier.version]


@dataclass(slots=True, eq=False)
class SharedList(Generic[T]):
    """One list with all of its watchers."""

    kind: type[T]
    watchers: int = 0
    task: asyncio.Task[None] | None = None
    mailbox: Mailbox[object] | None = None
    result: LookupResult[T] | None = None
    error: Exception | None = None
    _last_started: int = 0
    _last_finished: int = 0
    _last_awaited: int = 0
    """The number of the newest lookup that a new watcher is waiting for."""
    _updated: asyncio.Event = field(default_factory=asyncio.Event)

    async def fresh_result(self) -> LookupResult[T]:
        """Wait for the result of a lookup that starts after this call."""
        self._last_awaited = wanted = self._last_started + 1
        if self.mailbox is not None:
            self.mailbox.mark_lagged()
        while self.result is None or self._last_finished < wanted:
            await self._wait_for_update()
        return self.result

    async def next_result(self, than: LookupResult[T]) -> LookupResult[T]:
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

    def finish_lookup(self, number: int, items: ItemsById[T]) -> None:
        before = self.result
        if before is None:
            snapshot = ListSnapshot(tuple(items.values()), self.kind)
            self.result = LookupResult(1, items, snapshot)
        else:
            self.result = before.followed_by(items)
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


class LookupTurns:
    """Limits the lookups of a process. All of its lists share them, whatever they show."""

    def __init__(self) -> None:
        self._tenant_locks: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()
        self._slots = asyncio.Semaphore(MAX_LOOKUPS)

    @asynccontextmanager
    async def turn(self, tenant: TenantId) -> AsyncGenerator[None]:
        """Wait for the tenant's other lookups, and pause afterwards for as long as the lookup took. So
        all lists of one tenant together use at most half of one connection."""
        async with self._tenant_locks.setdefault(tenant, asyncio.Lock()):
            clock = asyncio.get_running_loop().time
            started_at = clock()
            async with self._slots:
                yield
            await asyncio.sleep(min(clock() - started_at, MAX_COOLDOWN_SECONDS))


class LiveLists:
    """All lists of one process that share a check for changes."""

    def __init__(
        self,
        channels: Channels[object],
        turns: LookupTurns,
        fetch_versions: Callable[[Sequence[TenantId]], Awaitable[Mapping[TenantId, str]]],
    ) -> None:
        """`fetch_versions` returns a text for each tenant that changes when one of its lists does."""
        self._channels = channels
        self._turns = turns
        self._fetch_versions = fetch_versions
        self._lists: dict[ListSource[Any], SharedList[Any]] = {}

    async def watch(self, source: ListSource[T]) -> AsyncGenerator[ListUpdate[T]]:
        async with self._shared_list(source) as shared:
            delivered = await shared.fresh_result()
            yield delivered.snapshot
            while True:
                result = await shared.next_result(delivered)
                for change in result.changes_since(delivered):
                    yield change
                delivered = result

    @asynccontextmanager
    async def _shared_list(self, source: ListSource[T]) -> AsyncGenerator[SharedList[T]]:
        """Join a list. Its first watcher starts the lookups, and the last one stops them."""
        shared = self._lists.get(source)
        if shared is None or shared.error is not None:
            shared = self._lists[source] = SharedList(source.kind)
            shared.task = asyncio.create_task(self._run_lookups(source, shared), name="live-list")
        shared.watchers += 1
        try:
            yield shared
        finally:
            shared.watchers -= 1
            if not shared.watchers:
                if self._lists.get(source) is shared:
                    del self._lists[source]
                assert shared.task is not None
                await cancel_and_wait(shared.task)

    async def _run_lookups(self, source: ListSource[T], shared: SharedList[T]) -> None:
        try:
            async with self._channels.listen(source.channel) as mailbox:
                shared.mailbox = mailbox
                while True:
                    async with self._turns.turn(source.tenant):
                        await self._look_up(source, shared, mailbox)
                    await asyncio.sleep(LOOKUP_INTERVAL_SECONDS)
                    await mailbox.get()
        except Exception as error:  # noqa: BLE001 - each watcher raises it to its client
            shared.fail(error)

    async def _look_up(
        self, source: ListSource[T], shared: SharedList[T], mailbox: Mailbox[object]
    ) -> None:
        mailbox.clear_lag()
        number = shared.start_lookup()
        try:
            items = await source.fetch()
        except Unavailable:
            mailbox.mark_lagged()  # so that the lookup is retried after the pause
        else:
            shared.finish_lookup(number, {source.id_of(item): item for item in items})

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
                current = await self._current_versions()
            except Exception as error:
                if not is_outage(error):
                    raise
                continue
            self._mark_changed(
                {tenant for tenant, version in current.items() if versions.get(tenant) != version}
            )
            versions = current

    async def _current_versions(self) -> Mapping[TenantId, str]:
        tenants = list({source.tenant for source in self._lists})
        return await self._fetch_versions(tenants) if tenants else {}

    def _mark_changed(self, tenants: set[TenantId]) -> None:
        for channel in {each.channel for each in self._lists if each.tenant in tenants}:
            self._channels.mark_lagged(channel)
