"""One supervised service: starts it, restarts it with backoff when it dies, and stops it."""

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
"""A service that was ready for this long starts again with zero consecutive failures."""
MAX_CONSECUTIVE_FAILURES = 5
"""After this many failures the initial start is aborted; later the service is marked failing."""


@dataclass(frozen=True, slots=True)
class OrphanProcess:
    """A child process that a service left running when it died."""

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
    # Whether every service has been ready at the same time; from then on restarts never stop.
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
        """Run the service until cancelled, or a one-time step until it is done. Raises
        `StartupError` to abort the start."""
        started = time.monotonic()
        await self._start()
        elapsed = time.monotonic() - started
        self.echo(f"{self.service.name:<10} {self.status.state:<6} {elapsed:6.2f} s")
        self.ready.set()
        while not self.service.once:
            reason: str | None = await self._wait_for_exit()
            while reason:
                await self._back_off(reason)
                reason = await self._restart()

    async def give_up(self, reason: str) -> None:
        """Mark a service that could not start as failed; the others continue without it."""
        if self.process is not None:
            await process_spec.stop(self.process, self.service.spec.stop_signal, 1)
        self.echo(reason)
        self._update_status(replace(self.status, state="failed", pid=0, reason=reason))

    async def stop(self, force: asyncio.Event) -> None:
        """Stop the service and its orphans; kill them after the grace period or once `force` is
        set."""
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
        spec = self.service.spec
        stopping = asyncio.create_task(
            process_spec.stop(process, spec.stop_signal, spec.grace_seconds, spec.stop_attempts)
        )
        forced = asyncio.create_task(force.wait())
        await asyncio.wait((stopping, forced), return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            process_spec.kill_group(process.pid)
        if not await stopping:
            self.echo(
                f"{self.service.name} did not stop within {spec.grace_seconds:g} s and was killed"
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
            spec = self.service.spec
            await process_spec.wait_until_ready(spec, self.process, self.log, self.log_offset)
            self.ready_at = time.monotonic()
            self._update_status(replace(self.status, state="ready", reason="", next_try=0.0))

    async def _wait_for_exit(self) -> str:
        """Wait until the process dies. Returns how it ended and, below, its last log lines."""
        assert self.process is not None
        how = process_spec.describe_exit(await self.process.wait())
        if self.service.spec.children_outlive:
            self.orphans = [o for o in self.orphans if o.is_alive] + self._find_orphans()
        else:
            process_spec.kill_group(self.process.pid)
        return self._exit_report(how)

    async def _back_off(self, reason: str) -> None:
        ready_seconds = time.monotonic() - self.ready_at if self.ready_at is not None else 0.0
        self.consecutive_failures = (
            1 if ready_seconds > STABLE_SECONDS else self.consecutive_failures + 1
        )
        name, headline = self.service.name, reason.partition("\n")[0]
        failing = self.consecutive_failures >= MAX_CONSECUTIVE_FAILURES
        if failing and not self.all_were_ready():
            raise StartupError(
                f"{name} died {self.consecutive_failures} times in a row; the last time: {reason}"
            )
        doublings = min(self.consecutive_failures - 1, 16)
        pause = min(MAX_RESTART_BACKOFF_SECONDS, MIN_RESTART_BACKOFF_SECONDS * 2**doublings)
        self.echo(f"{headline}; restarting it in {pause:g} s")
        if failing and reason != self.last_reported_failure:
            self.last_reported_failure = reason
            self.echo(
                f"{name} keeps failing ({self.consecutive_failures} times in a row); "
                f"the other services keep running\n{reason}"
            )
        self._update_status(
            replace(
                self.status,
                state="failing" if failing else "restarting",
                pid=0,
                restarts=self.status.restarts + 1,
                reason=reason,
                next_try=time.time() + pause,
            )
        )
        await asyncio.sleep(pause)

    async def _restart(self) -> str | None:
        """Start the process again. Returns why that failed; None if the service is ready."""
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
        spec = self.service.spec
        from_files = {
            name: path.read_text().strip() for name, path in self.service.env_files.items()
        }
        supervision = {READY_FILE: str(self.ready_file), "SUPERVISOR_PID": str(os.getpid())}
        return replace(spec, env={**(spec.env or os.environ), **from_files, **supervision})

    def _find_orphans(self) -> list[OrphanProcess]:
        known, own_file = {orphan.pid for orphan in self.orphans}, str(self.ready_file)
        candidates = os_processes.find_by_variable(READY_FILE).items()
        pids = [pid for pid, file in candidates if file == own_file and pid not in known]
        return [OrphanProcess(pid, os_processes.start_time(pid)) for pid in pids]

    def _signal_orphans(self) -> None:
        """Ask the orphans to hand over their calls and exit."""
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

    def _update_status(self, status: ServiceStatus) -> None:
        self.status = status
        self.on_change()
