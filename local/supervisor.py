"""Starts the services as their needs allow, keeps them running, stops them in reverse."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local import machine
from local.child import Child
from local.complaints import Complaints
from local.logs import Tail, turn_over
from local.program import CannotStart
from local.service import Service
from local.state import READY_FILE, Record, State, same


@dataclass(slots=True)
class Supervisor:
    state: State
    url: str
    voice: str
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    ready: bool = False
    asked_to_stop: asyncio.Event = field(default_factory=asyncio.Event)
    forced: asyncio.Event = field(default_factory=asyncio.Event)

    def heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    async def run(self, services: Sequence[Service], on_ready: Callable[[], None]) -> int:
        """Run them until told to stop; answers the exit code."""
        self.children = [self._child(service) for service in services]
        work = asyncio.create_task(self._keep_all(on_ready))
        stop = asyncio.create_task(self.asked_to_stop.wait())
        await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
        code = 0
        if work.done() and (error := work.exception()):
            code = 1
            self._explain(error)
        work.cancel()
        await asyncio.wait((work,))
        self.ready = False
        await self._stop_all()
        return code

    async def _keep_all(self, on_ready: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            for child in self.children:
                tasks.create_task(self._keep(child))
            for child in self.children:
                await child.ready.wait()
            self.ready = True
            # Before the record, which ends the wait of whoever repeats what is said here.
            on_ready()
            self._record()

    async def _keep(self, child: Child) -> None:
        for needed in self.children:
            if needed.service.name in child.service.after:
                await needed.ready.wait()
        await child.keep()

    async def _stop_all(self) -> None:
        gone = {child.service.name: asyncio.Event() for child in self.children}

        async def stop(child: Child) -> None:
            for other in self.children:
                if child.service.name in other.service.after:
                    await gone[other.service.name].wait()
            await child.end(self.forced)
            gone[child.service.name].set()

        async with asyncio.TaskGroup() as tasks:
            for child in self.children:
                tasks.create_task(stop(child))

    async def _listen(self) -> None:
        """Show what the services complain about; their logs have all of it."""
        complaints = {
            child.service.name: Complaints(Tail(child.log), child.service.loud)
            for child in self.children
        }
        while True:
            await asyncio.sleep(0.2)
            for name, said in complaints.items():
                for line in said.new():
                    self.say(f"{name} | {line}")

    def _child(self, service: Service) -> Child:
        log = self.state.log(service.name)
        turn_over(log)
        ready_file = self.state.ready_file(service.name)
        return Child(service, log, ready_file, self.say, self._record, lambda: self.ready)

    def _record(self) -> None:
        entries = tuple(child.entry for child in self.children)
        mine = os.getpid()
        record = Record(mine, machine.born(mine), self.url, self.ready, entries, self.voice)
        try:
            self.state.write(record)
        except OSError as error:  # a full disk is no reason to stop what runs
            self.say(f"cannot write down what runs: {error.strerror}")

    def _on_signal(self) -> None:
        if self.asked_to_stop.is_set():
            self.say("stopping by force")
            self.forced.set()
        else:
            self.say("stopping (once more to force)")
            self.asked_to_stop.set()

    def _explain(self, error: BaseException) -> None:
        causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        for cause in causes:
            if isinstance(cause, CannotStart):
                self.say(str(cause))
            else:
                traceback.print_exception(cause)


def end_leftovers(state: State) -> list[str]:
    """End what a killed supervisor left running where the kernel does not see to it, and what that
    had started itself; answers which services they were of."""
    record = state.read()
    if record is None:
        return []
    files, ended = machine.with_variable(READY_FILE), []
    for entry in reversed(record.entries):
        own = str(state.ready_file(entry.name))
        started = [pid for pid, file in files.items() if file == own and pid != entry.pid]
        main = [entry.pid] if same(entry.pid, entry.born) else []
        for pids in (main, started):  # in this order: it may see to the others itself
            machine.end_all(pids, signal.SIGTERM, 5)
        if main or started:
            ended.append(entry.name)
    return ended
