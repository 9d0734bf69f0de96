"""One service under supervision: begun, watched, begun again when it dies, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from local import machine, program
from local.program import CannotStart, Program
from local.service import Service
from local.state import READY_FILE, Entry, same

MIN_RESTART_PAUSE_SECONDS, MAX_RESTART_PAUSE_SECONDS = 0.2, 30.0
STABLE_SECONDS = 60.0
"""Who was ready for so long begins a new row of deaths."""
MAX_DEATHS = 5
"""In a row: then a start is given up, and a service that was part of a whole one is failing."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a service started and left running when it died."""

    pid: int
    born: float

    @property
    def is_alive(self) -> bool:
        return same(self.pid, self.born)

    def tell(self, how: signal.Signals) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, how)


@dataclass(slots=True)
class Child:
    service: Service
    log: Path
    ready_file: Path
    say: Callable[[str], None]
    changed: Callable[[], None]
    # Whether every service has been ready once: from then on none is given up.
    all_were_ready: Callable[[], bool]
    entry: Entry = field(init=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    ready_at: float | None = None
    log_began: int = 0
    deaths: int = 0
    told: str = ""
    orphans: list[Orphan] = field(default_factory=list)

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
            why: str | None = await self._until_dead()
            while why:
                await self._pause(why)
                why = await self._begin_again()

    async def end(self, force: asyncio.Event) -> None:
        """Ask it and what outlived it to stop; insist when its grace is over or when told to."""
        self._dismiss_orphans()
        if self.process is not None and self.process.returncode is None:
            await self._end_process(self.process, force)
        if self.service.program.children_outlive:
            self.orphans += self._left_behind()
            self._dismiss_orphans()
        await self._end_orphans(force)

    async def _end_process(self, process: asyncio.subprocess.Process, force: asyncio.Event) -> None:
        self._note(replace(self.entry, state="stopping"))
        plan = self.service.program
        asked = asyncio.create_task(program.stop(process, plan.stop, plan.grace, plan.asks))
        forced = asyncio.create_task(force.wait())
        await asyncio.wait((asked, forced), return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            program.kill_group(process.pid)
        if not await asked:
            self.say(f"{self.service.name} did not stop in {plan.grace:g} s and was killed")
        forced.cancel()
        self._note(replace(self.entry, state="stopped", pid=0))

    async def _begin(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        self.ready_at, self.log_began = None, program.size(self.log)
        self.process = await program.spawn(self._plan(), self.log)
        pid, born, now = self.process.pid, machine.born(self.process.pid), time.time()
        self._note(replace(self.entry, state="starting", pid=pid, born=born, since=now))
        if self.service.once:
            if returncode := await self.process.wait():
                raise CannotStart(self._last_words(program.ending(returncode)))
            self._note(replace(self.entry, state="done", pid=0))
        else:
            plan = self.service.program
            await program.until_ready(plan, self.process, self.log, self.log_began)
            self.ready_at = time.monotonic()
            self._note(replace(self.entry, state="ready", reason="", next_try=0.0))

    async def _until_dead(self) -> str:
        """Why it is dead: a headline, and below it what it said last."""
        assert self.process is not None
        how = program.ending(await self.process.wait())
        if self.service.program.children_outlive:
            self.orphans = [o for o in self.orphans if o.is_alive] + self._left_behind()
        else:
            program.kill_group(self.process.pid)
        return self._last_words(how)

    async def _pause(self, why: str) -> None:
        was_ready = time.monotonic() - self.ready_at if self.ready_at is not None else 0.0
        self.deaths = 1 if was_ready > STABLE_SECONDS else self.deaths + 1
        name, headline = self.service.name, why.partition("\n")[0]
        failing = self.deaths >= MAX_DEATHS
        if failing and not self.all_were_ready():
            raise CannotStart(f"{name} died {self.deaths} times in a row; last: {why}")
        doublings = min(self.deaths - 1, 16)
        pause = min(MAX_RESTART_PAUSE_SECONDS, MIN_RESTART_PAUSE_SECONDS * 2**doublings)
        self.say(f"{headline}; starting it again in {pause:g} s")
        if failing and why != self.told:
            self.told = why
            self.say(f"{name} keeps failing, {self.deaths} times in a row; the others go on\n{why}")
        self._note(
            replace(
                self.entry,
                state="failing" if failing else "restarting",
                pid=0,
                restarts=self.entry.restarts + 1,
                reason=why,
                next_try=time.time() + pause,
            )
        )
        await asyncio.sleep(pause)

    async def _begin_again(self) -> str | None:
        """Why it could not be begun, if so."""
        try:
            await self._begin()
        except (CannotStart, OSError) as error:
            if self.process is not None:
                await program.stop(self.process, self.service.program.stop, 1)
            return str(error)
        self.say(f"{self.service.name} is ready again")
        self._dismiss_orphans()
        return None

    def _last_words(self, how: str) -> str:
        return f"{self.service.name} {how}\n{program.tail(self.log, self.log_began)}"

    def _plan(self) -> Program:
        plan = self.service.program
        given = {name: path.read_text().strip() for name, path in self.service.env_files.items()}
        ours = {READY_FILE: str(self.ready_file), "SUPERVISOR_PID": str(os.getpid())}
        return replace(plan, env={**(plan.env or os.environ), **given, **ours})

    def _left_behind(self) -> list[Orphan]:
        known, own = {orphan.pid for orphan in self.orphans}, str(self.ready_file)
        started = machine.with_variable(READY_FILE).items()
        pids = [pid for pid, file in started if file == own and pid not in known]
        return [Orphan(pid, machine.born(pid)) for pid in pids]

    def _dismiss_orphans(self) -> None:
        """Their work is done by others now: they hand over what they hold, and leave."""
        for orphan in self.orphans:
            orphan.tell(self.service.program.stop)

    async def _end_orphans(self, force: asyncio.Event) -> None:
        deadline = time.monotonic() + self.service.program.grace
        while any(orphan.is_alive for orphan in self.orphans):
            if force.is_set() or time.monotonic() > deadline:
                for orphan in self.orphans:
                    orphan.tell(signal.SIGKILL)
            await asyncio.sleep(0.02)
        self.orphans.clear()

    def _note(self, entry: Entry) -> None:
        self.entry = entry
        self.changed()
