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

from local import os_processes, process_spec
from local.process_spec import ProcessSpec, StartupError
from local.service import Service
from local.state_dir import READY_FILE, ServiceStatus, is_same_process

MIN_RESTART_BACKOFF_SECONDS, MAX_RESTART_BACKOFF_SECONDS = 0.2, 30.0
STABLE_SECONDS = 60.0
"""Who was ready for so long begins a new row of deaths."""
MAX_CONSECUTIVE_FAILURES = 5
"""In a row: then a start is given up, and a service that was part of a whole one is failing."""


@dataclass(frozen=True, slots=True)
class OrphanProcess:
    """What a service started and left running when it died."""

    pid: int
    start_time: float

    @property
    def is_alive(self) -> bool:
        return is_same_process(self.pid, self.start_time)

    def send_signal(self, signal_number: signal.Signals) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal_number)


@dataclass(slots=True)
class SupervisedProcess:
    service: Service
    log: Path
    ready_file: Path
    echo: Callable[[str], None]
    on_change: Callable[[], None]
    # Whether every service has been ready once: from then on none is given up.
    all_were_ready: Callable[[], bool]
    status: ServiceStatus = field(init=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    ready_at: float | None = None
    log_offset: int = 0
    consecutive_failures: int = 0
    last_reported_failure: str = ""
    orphans: list[OrphanProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.status = ServiceStatus(self.service.name, "waiting")

    async def run(self) -> None:
        """Run it until cancelled; a step, until it is done. Raises `CannotStart` to give up."""
        began = time.monotonic()
        await self._start()
        took = time.monotonic() - began
        self.echo(f"{self.service.name:<10} {self.status.state:<6} {took:6.2f} s")
        self.ready.set()
        while not self.service.once:
            why: str | None = await self._wait_for_exit()
            while why:
                await self._back_off(why)
                why = await self._restart()

    async def stop(self, force: asyncio.Event) -> None:
        """Ask it and what outlived it to stop; insist when its grace is over or when told to."""
        self._signal_orphans()
        if self.process is not None and self.process.returncode is None:
            await self._stop_process(self.process, force)
        if self.service.spec.children_outlive:
            self.orphans += self._find_orphans()
            self._signal_orphans()
        await self._stop_orphans(force)

    async def _stop_process(
        self, process: asyncio.subprocess.Process, force: asyncio.Event
    ) -> None:
        self._update_status(replace(self.status, state="stopping"))
        plan = self.service.spec
        asked = asyncio.create_task(
            process_spec.stop(process, plan.stop_signal, plan.grace_seconds, plan.stop_attempts)
        )
        forced = asyncio.create_task(force.wait())
        await asyncio.wait((asked, forced), return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            process_spec.kill_group(process.pid)
        if not await asked:
            self.echo(
                f"{self.service.name} did not stop in {plan.grace_seconds:g} s and was killed"
            )
        forced.cancel()
        self._update_status(replace(self.status, state="stopped", pid=0))

    async def _start(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        self.ready_at, self.log_offset = None, process_spec.log_size(self.log)
        self.process = await process_spec.spawn(self._process_spec(), self.log)
        pid, born, now = self.process.pid, os_processes.start_time(self.process.pid), time.time()
        self._update_status(replace(self.status, state="starting", pid=pid, born=born, since=now))
        if self.service.once:
            if returncode := await self.process.wait():
                raise StartupError(self._exit_report(process_spec.describe_exit(returncode)))
            self._update_status(replace(self.status, state="done", pid=0))
        else:
            plan = self.service.spec
            await process_spec.wait_until_ready(plan, self.process, self.log, self.log_offset)
            self.ready_at = time.monotonic()
            self._update_status(replace(self.status, state="ready", reason="", next_try=0.0))

    async def _wait_for_exit(self) -> str:
        """Why it is dead: a headline, and below it what it said last."""
        assert self.process is not None
        how = process_spec.describe_exit(await self.process.wait())
        if self.service.spec.children_outlive:
            self.orphans = [o for o in self.orphans if o.is_alive] + self._find_orphans()
        else:
            process_spec.kill_group(self.process.pid)
        return self._exit_report(how)

    async def _back_off(self, why: str) -> None:
        was_ready = time.monotonic() - self.ready_at if self.ready_at is not None else 0.0
        self.consecutive_failures = (
            1 if was_ready > STABLE_SECONDS else self.consecutive_failures + 1
        )
        name, headline = self.service.name, why.partition("\n")[0]
        failing = self.consecutive_failures >= MAX_CONSECUTIVE_FAILURES
        if failing and not self.all_were_ready():
            raise StartupError(
                f"{name} died {self.consecutive_failures} times in a row; last: {why}"
            )
        doublings = min(self.consecutive_failures - 1, 16)
        pause = min(MAX_RESTART_BACKOFF_SECONDS, MIN_RESTART_BACKOFF_SECONDS * 2**doublings)
        self.echo(f"{headline}; starting it again in {pause:g} s")
        if failing and why != self.last_reported_failure:
            self.last_reported_failure = why
            self.echo(
                f"{name} keeps failing, {self.consecutive_failures} times in a row; the others go on\n{why}"
            )
        self._update_status(
            replace(
                self.status,
                state="failing" if failing else "restarting",
                pid=0,
                restarts=self.status.restarts + 1,
                reason=why,
                next_try=time.time() + pause,
            )
        )
        await asyncio.sleep(pause)

    async def _restart(self) -> str | None:
        """Why it could not be begun, if so."""
        try:
            await self._start()
        except (StartupError, OSError) as error:
            if self.process is not None:
                await process_spec.stop(self.process, self.service.spec.stop_signal, 1)
            return str(error)
        self.echo(f"{self.service.name} is ready again")
        self._signal_orphans()
        return None

    def _exit_report(self, how: str) -> str:
        return f"{self.service.name} {how}\n{process_spec.tail(self.log, self.log_offset)}"

    def _process_spec(self) -> ProcessSpec:
        plan = self.service.spec
        given = {name: path.read_text().strip() for name, path in self.service.env_files.items()}
        ours = {READY_FILE: str(self.ready_file), "SUPERVISOR_PID": str(os.getpid())}
        return replace(plan, env={**(plan.env or os.environ), **given, **ours})

    def _find_orphans(self) -> list[OrphanProcess]:
        known, own = {orphan.pid for orphan in self.orphans}, str(self.ready_file)
        started = os_processes.find_by_variable(READY_FILE).items()
        pids = [pid for pid, file in started if file == own and pid not in known]
        return [OrphanProcess(pid, os_processes.start_time(pid)) for pid in pids]

    def _signal_orphans(self) -> None:
        """Their work is done by others now: they hand over what they hold, and leave."""
        for orphan in self.orphans:
            orphan.send_signal(self.service.spec.stop_signal)

    async def _stop_orphans(self, force: asyncio.Event) -> None:
        deadline = time.monotonic() + self.service.spec.grace_seconds
        while any(orphan.is_alive for orphan in self.orphans):
            if force.is_set() or time.monotonic() > deadline:
                for orphan in self.orphans:
                    orphan.send_signal(signal.SIGKILL)
            await asyncio.sleep(0.02)
        self.orphans.clear()

    def _update_status(self, entry: ServiceStatus) -> None:
        self.status = entry
        self.on_change()
