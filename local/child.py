"""One service under supervision: begun, watched, begun again when it dies, ended."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from local import machine, program
from local.program import CannotStart, Program
from local.service import Service
from local.state import Entry

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
DEATHS, WITHIN = 5, 60.0


@dataclass(slots=True)
class Child:
    service: Service
    log: Path
    ready_file: Path
    say: Callable[[str], None]
    changed: Callable[[], None]
    entry: Entry = field(init=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    deaths: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entry = Entry(self.service.name, "waiting")

    async def keep(self) -> None:
        """Run it until cancelled; a step, until it is done. Raises `CannotStart` to give up."""
        began = time.monotonic()
        await self._begin()
        took = time.monotonic() - began
        self.say(f"{self.service.name:<10} {self.entry.state:<6} {took:6.2f} s")
        self.ready.set()
        while not self.service.once:
            await self._until_dead()
            await self._begin_again()

    async def end(self, force: asyncio.Event) -> None:
        """Ask it to stop; insist when its grace is over or when told to."""
        if self.process is None or self.process.returncode is not None:
            return
        self._note(replace(self.entry, state="stopping"))
        plan = self.service.program
        asked = asyncio.create_task(program.stop(self.process, plan.stop, plan.grace, plan.asks))
        forced = asyncio.create_task(force.wait())
        await asyncio.wait((asked, forced), return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            program.kill_group(self.process.pid)
        if not await asked:
            self.say(f"{self.service.name} did not stop in {plan.grace:g} s and was killed")
        forced.cancel()
        self._note(replace(self.entry, state="stopped", pid=0))

    async def _begin(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        self.process = await program.spawn(self._plan(), self.log)
        pid, born, now = self.process.pid, machine.born(self.process.pid), time.time()
        self._note(replace(self.entry, state="starting", pid=pid, born=born, since=now))
        if self.service.once:
            if returncode := await self.process.wait():
                how = program.ending(returncode)
                raise CannotStart(f"{self.service.name} {how}\n{program.tail(self.log)}")
            self._note(replace(self.entry, state="done", pid=0))
        else:
            await program.until_ready(self.service.program, self.process, self.log)
            self._note(replace(self.entry, state="ready"))

    async def _until_dead(self) -> None:
        assert self.process is not None
        how = program.ending(await self.process.wait())
        program.kill_group(self.process.pid)
        self.deaths = [at for at in self.deaths if at > time.monotonic() - WITHIN]
        self.deaths.append(time.monotonic())
        if len(self.deaths) >= DEATHS:
            often = f"{self.service.name} died {DEATHS} times in {WITHIN:g} s; last it {how}"
            raise CannotStart(f"{often}\n{program.tail(self.log)}")
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (len(self.deaths) - 1))
        again = self.entry.restarts + 1
        self._note(replace(self.entry, state="restarting", pid=0, restarts=again))
        self.say(f"{self.service.name} {how}; starting it again in {pause:g} s")
        await asyncio.sleep(pause)

    async def _begin_again(self) -> None:
        try:
            await self._begin()
        except CannotStart as error:
            self.say(str(error))
            assert self.process is not None
            await program.stop(self.process, self.service.program.stop, 1)
        else:
            self.say(f"{self.service.name} is ready again")

    def _plan(self) -> Program:
        plan = self.service.program
        given = {name: path.read_text().strip() for name, path in self.service.env_files.items()}
        env = {**(plan.env or os.environ), **given, "READY_FILE": str(self.ready_file)}
        return replace(plan, env=env)

    def _note(self, entry: Entry) -> None:
        self.entry = entry
        self.changed()
