"""The callers that one lobby process has on hold."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from domain.calls.holding import HeldCall, HeldCalls
from domain.calls.model import CallId
from domain.common.errors import Unavailable
from domain.common.settings import Settings
from worker.common.livekit_rooms import LiveKitRooms
from worker.lobby.announcer import Announcer
from worker.lobby.held_caller import HeldCaller, HoldInterrupted

log = logging.getLogger(__name__)

ROUND_SECONDS = 0.5
MAX_ROUND_AGE_SECONDS = 30.0
"""A lobby whose last round ended longer ago than this is not ready."""
MAX_CALLERS = 400
"""A lobby is replaced after so many callers, because LiveKit's library leaks half a megabyte per room."""
STOP_SECONDS = 5.0


class Lobby:
    def __init__(self, calls: HeldCalls, rooms: LiveKitRooms | None, settings: Settings) -> None:
        """Without `rooms`, there are no telephone calls."""
        self._calls = calls
        self._rooms = rooms
        self._capacity = settings.lobby_capacity
        self._announcer = Announcer(settings)
        self._id = uuid4()
        self._callers: dict[CallId, HeldCaller] = {}
        self._tasks: dict[CallId, asyncio.Task[None]] = {}
        self._total_callers = 0
        self._last_round_at: float | None = None

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether the lobby completes its rounds, and how many callers it has on hold."""
        age = None if self._last_round_at is None else time.monotonic() - self._last_round_at
        is_ready = age is not None and age < MAX_ROUND_AGE_SECONDS
        return is_ready, {
            "callers": len(self._callers),
            "last_round_seconds": age and round(age, 1),
        }

    async def serve(self, stop: asyncio.Event) -> None:
        """Put callers on hold until `stop` is set, or until the process is to be replaced. Other
        lobbies take over the callers that are left."""
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set() and not self._is_used_up:
                try:
                    await self._run_round(tasks)
                except Unavailable:
                    log.warning("store unavailable")
                self._last_round_at = time.monotonic()
                with suppress(TimeoutError):
                    async with asyncio.timeout(ROUND_SECONDS):
                        await stop.wait()
            await self._release_all()

    @property
    def _is_used_up(self) -> bool:
        return self._total_callers >= MAX_CALLERS and not self._callers

    async def _run_round(self, tasks: asyncio.TaskGroup) -> None:
        if self._rooms is None:
            return
        await self._renew()
        free = self._capacity - len(self._callers)
        if self._total_callers >= MAX_CALLERS:
            free = 0
        for held in await self._calls.take(self._id, free):
            self._start(held, self._rooms, tasks)
        await self._calls.note_waiting()

    async def _renew(self) -> None:
        states = {state.call_id: state for state in await self._calls.renew(self._id)}
        for id, caller in self._callers.items():
            caller.update(states.get(id))
        for id in states.keys() - self._callers.keys():
            await self._calls.leave(self._id, id)  # its end could not be stored before

    def _start(self, held: HeldCall, rooms: LiveKitRooms, tasks: asyncio.TaskGroup) -> None:
        id = held.call.id
        facts = {"call_id": str(id), "epoch": held.epoch}
        log.info("puts a caller on hold", extra=facts)
        caller = HeldCaller(held, self._calls, rooms, self._announcer)
        self._callers[id] = caller
        self._total_callers += 1
        self._tasks[id] = task = tasks.create_task(self._hold(caller))
        task.add_done_callback(lambda _: self._forget(caller))

    def _forget(self, caller: HeldCaller) -> None:
        id = caller.call.id
        if self._callers.get(id) is caller:
            del self._callers[id]
            del self._tasks[id]

    async def _hold(self, caller: HeldCaller) -> None:
        id = caller.call.id
        try:
            await caller.run()
            await self._calls.leave(self._id, id)
        except HoldInterrupted as error:
            log.warning("interrupted a hold", extra={"call_id": str(id), "why": str(error)})
            with suppress(Unavailable):
                await self._calls.release(self._id, id)
        except Unavailable:
            log.warning("store unavailable")  # the next round of a lobby settles it
        except Exception:
            log.exception("hold failed", extra={"call_id": str(id)})
            with suppress(Unavailable):
                await self._calls.release(self._id, id)

    async def _release_all(self) -> None:
        """Leave the rooms without a word, and let other lobbies take over."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        with suppress(Unavailable):
            await self._calls.release(self._id)
