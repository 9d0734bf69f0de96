"""A worker process: claims calls while it has room, holds many of them in one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from domain.calls.lease import CallQueue, Claim, Recorder
from domain.calls.model import CallId, CallKind
from domain.common.pacing import Pacer
from domain.common.settings import Settings
from domain.common.tasks import end
from domain.tools.http import Outbound
from worker.common.livekit_rooms import Rooms
from worker.common.retry import patiently
from worker.process.call_runner import HeldCall
from worker.providers.api_keys import ProviderKeys
from worker.session.call_recorder import Recorders

log = logging.getLogger(__name__)

DRAIN_SECONDS = 15.0
TIDY_SECONDS = 2.0
MOST_AT_ONCE = 20
COURTESY_SECONDS = 0.002
FEW = 2


class Host:
    def __init__(
        self,
        queue: CallQueue,
        recorder: Recorder,
        outbound: Outbound,
        settings: Settings,
        recorders: Recorders | None = None,
    ) -> None:
        self._queue = queue
        self._outbound = outbound
        self._recorder = recorder
        self._settings = settings
        self._recorders = recorders
        self._keys = ProviderKeys.of(settings)
        self._rooms = Rooms.of(settings)
        self._pacer = Pacer()
        self._calls: dict[UUID, HeldCall] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._worker: UUID
        self._voice_calls = 0
        self._tell: Callable[[UUID], None]
        self._retires: Callable[[], None]
        self._retired = asyncio.Event()
        self._tidied_at = 0.0

    async def serve(
        self, stop: asyncio.Event, enlisted: Callable[[UUID], None], retires: Callable[[], None]
    ) -> None:
        """Hold calls until told to stop; then give every call back for another worker.

        `enlisted` is told the name we are known by: at the start, and when it changes. `retires`:
        enough voice calls were held, and no more are taken; when they are over, we leave."""
        self._tell, self._retires = enlisted, retires
        self._worker = await self._enlist()
        async with asyncio.TaskGroup() as tasks:
            beat = tasks.create_task(self._heartbeat())
            work = tasks.create_task(self._claim_for_ever(tasks))
            inbox = tasks.create_task(self._read_inbox_for_ever())
            last = tasks.create_task(self._see_out(stop))
            await stop.wait()
            await end(work, last)
            await self._give_back()
            await end(inbox, beat)
        await self._queue.dismiss(self._worker)

    async def _enlist(self) -> UUID:
        worker = await patiently(lambda: self._queue.enlist(self._settings.worker_capacity))
        self._tell(worker)
        return worker

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(self._settings.heartbeat_seconds)
            if not await patiently(lambda: self._queue.heartbeat(self._worker)):
                # Others may hold our calls already; what we would still write is fenced.
                log.warning("taken for dead; beginning anew")
                self._drop_all()
                self._worker = await self._enlist()

    async def _read_inbox_for_ever(self) -> None:
        """Beside claiming: what is asked of a call does not wait until others are taken."""
        while True:
            worker = self._worker
            async with _closing(self._queue.inbox_hints(worker)) as hints:
                async for _ in hints:
                    await patiently(self._read_inbox)
                    if self._worker != worker:
                        break

    async def _read_inbox(self) -> None:
        if self._calls:
            for command in await self._queue.inbox(self._worker):
                call = self._calls.get(command.call_id)
                if call is not None:
                    call.deliver(command)

    async def _claim_for_ever(self, tasks: asyncio.TaskGroup) -> None:
        async with _closing(self._queue.queue_hints()) as hints:
            async for hinted in hints:
                await patiently(partial(self._look_for_calls, tasks, hinted))

    async def _look_for_calls(self, tasks: asyncio.TaskGroup, hinted: bool) -> None:
        await self._let_go()
        if self._room <= 0 or self._retired.is_set():
            return
        if hinted or await self._queue.has_waiting():
            # Whoever has least to do takes the next call.
            await asyncio.sleep(min(len(self._calls), MOST_AT_ONCE) * COURTESY_SECONDS)
            await self._claim(tasks)
        self._retire_if_spent()

    @property
    def _room(self) -> int:
        return min(self._settings.worker_capacity - len(self._calls), MOST_AT_ONCE)

    async def _claim(self, tasks: asyncio.TaskGroup) -> None:
        room = self._room
        voice = min(room, self._settings.worker_voice_capacity - self._voice_held)
        taken = await self._take(voice, tasks) if voice > 0 else 0
        if taken >= voice and taken < room:
            taken += await self._take(room - taken, tasks, voice=False)
        if taken:
            await self._read_inbox()  # what was asked of them before we held them

    async def _take(self, most: int, tasks: asyncio.TaskGroup, *, voice: bool = True) -> int:
        claims = await self._queue.claim(self._worker, most, voice=voice)
        for claim in claims:
            self._hold(claim, tasks)
        self._voice_calls += sum(map(_is_voice, claims))
        return len(claims)

    @property
    def _voice_held(self) -> int:
        return sum(_is_voice(call.claim) for call in self._calls.values())

    def _retire_if_spent(self) -> None:
        """LiveKit's library keeps half a megabyte of every room that was joined.

        Whoever comes instead may hold as many calls as we do, on the same core: so better while
        there are few."""
        most = self._settings.worker_voice_calls
        late = self._voice_calls >= 2 * most
        if most and self._voice_calls >= most and (late or self._voice_held <= FEW):
            log.info("held enough calls; another process takes this one's place")
            self._retired.set()
            self._retires()

    async def _see_out(self, stop: asyncio.Event) -> None:
        """Once retired. Voice calls end by themselves; for others it is all one who holds them."""
        await self._retired.wait()
        for call in self._calls.values():
            if not _is_voice(call.claim):
                call.leave()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        stop.set()

    async def _let_go(self) -> None:
        """Now and then. In one line with claiming, so that no claim is taken for lost."""
        now = asyncio.get_running_loop().time()
        if now - self._tidied_at > TIDY_SECONDS:
            await self._queue.let_go(self._worker, [CallId(id) for id in self._calls])
            self._tidied_at = now

    def _hold(self, claim: Claim, tasks: asyncio.TaskGroup) -> None:
        id = claim.call.id
        log.info("call claimed", extra={"call_id": str(id), "epoch": claim.epoch})
        self._recorder.open(claim)
        call = HeldCall(
            claim,
            self._queue,
            self._recorder,
            self._outbound,
            self._keys,
            self._rooms,
            self._settings,
            self._pacer,
            self._recorders,
        )
        previous = self._tasks.get(id)
        task = tasks.create_task(_run(call, previous))
        self._calls[id], self._tasks[id] = call, task
        task.add_done_callback(lambda _: self._over(call))

    def _over(self, call: HeldCall) -> None:
        id = call.claim.call.id
        self._recorder.forget(call.claim)
        if self._calls.get(id) is call:
            del self._calls[id]
            del self._tasks[id]

    async def _give_back(self) -> None:
        for call in self._calls.values():
            call.leave()
        tasks = list(self._tasks.values())
        log.info("handing over calls", extra={"calls": len(tasks)})
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            await end(*late)

    def _drop_all(self) -> None:
        for task in self._tasks.values():
            task.cancel()


async def _run(call: HeldCall, previous: asyncio.Task[None] | None) -> None:
    if previous is not None:
        await end(previous)
    await call.run()


def _is_voice(claim: Claim) -> bool:
    return claim.call.kind is not CallKind.TEXT


@asynccontextmanager
async def _closing(hints: AsyncIterator[bool]) -> AsyncGenerator[AsyncIterator[bool]]:
    try:
        yield hints
    finally:
        if isinstance(hints, AsyncGenerator):
            await hints.aclose()
