"""Starts the services as their needs allow, keeps them running, stops them in reverse."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local import os_processes
from local.log_alerts import LogAlerts
from local.logs import Tail, rotate
from local.process_spec import StartupError
from local.service import Service
from local.state_dir import READY_FILE, StateDir, SupervisorRecord, is_same_process
from local.supervised_process import SupervisedProcess


@dataclass(slots=True)
class Supervisor:
    state: StateDir
    url: str
    voice: str
    echo: Callable[[str], None]
    processes: list[SupervisedProcess] = field(default_factory=list)
    ready: bool = False
    stop_requested: asyncio.Event = field(default_factory=asyncio.Event)
    force_requested: asyncio.Event = field(default_factory=asyncio.Event)

    def install_signal_handlers(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    async def run(self, services: Sequence[Service], on_ready: Callable[[], None]) -> int:
        """Run them until told to stop; answers the exit code."""
        self.processes = [self._supervised(service) for service in services]
        work = asyncio.create_task(self._run_all(on_ready))
        stop = asyncio.create_task(self.stop_requested.wait())
        await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
        code = 0
        if work.done() and (error := work.exception()):
            code = 1
            self._report_error(error)
        work.cancel()
        await asyncio.wait((work,))
        self.ready = False
        await self._stop_all()
        return code

    async def _run_all(self, on_ready: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._show_alerts())
            for child in self.processes:
                tasks.create_task(self._run_process(child))
            for child in self.processes:
                await child.ready.wait()
            self.ready = True
            self._save_record()
            on_ready()

    async def _run_process(self, child: SupervisedProcess) -> None:
        for needed in self.processes:
            if needed.service.name in child.service.after:
                await needed.ready.wait()
        await child.run()

    async def _stop_all(self) -> None:
        gone = {child.service.name: asyncio.Event() for child in self.processes}

        async def stop(child: SupervisedProcess) -> None:
            for other in self.processes:
                if child.service.name in other.service.after:
                    await gone[other.service.name].wait()
            await child.stop(self.force_requested)
            gone[child.service.name].set()

        async with asyncio.TaskGroup() as tasks:
            for child in self.processes:
                tasks.create_task(stop(child))

    async def _show_alerts(self) -> None:
        """Show what the services complain about; their logs have all of it."""
        complaints = {
            child.service.name: LogAlerts(Tail(child.log), child.service.alert_pattern)
            for child in self.processes
        }
        while True:
            await asyncio.sleep(0.2)
            for name, said in complaints.items():
                for line in said.new_lines():
                    self.echo(f"{name} | {line}")

    def _supervised(self, service: Service) -> SupervisedProcess:
        log = self.state.log(service.name)
        rotate(log)
        ready_file = self.state.ready_file(service.name)
        return SupervisedProcess(
            service, log, ready_file, self.echo, self._save_record, lambda: self.ready
        )

    def _save_record(self) -> None:
        entries = tuple(child.status for child in self.processes)
        mine = os.getpid()
        record = SupervisorRecord(
            mine, os_processes.start_time(mine), self.url, self.ready, entries, self.voice
        )
        try:
            self.state.write_record(record)
        except OSError as error:  # a full disk is no reason to stop what runs
            self.echo(f"cannot write down what runs: {error.strerror}")

    def _on_signal(self) -> None:
        if self.stop_requested.is_set():
            self.echo("stopping by force")
            self.force_requested.set()
        else:
            self.echo("stopping (once more to force)")
            self.stop_requested.set()

    def _report_error(self, error: BaseException) -> None:
        causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        for cause in causes:
            if isinstance(cause, StartupError):
                self.echo(str(cause))
            else:
                traceback.print_exception(cause)


def stop_leftovers(state: StateDir) -> list[str]:
    """End what a killed supervisor left running where the kernel does not see to it, and what that
    had started itself; answers which services they were of."""
    record = state.read_record()
    if record is None:
        return []
    files, ended = os_processes.find_by_variable(READY_FILE), []
    for entry in reversed(record.entries):
        own = str(state.ready_file(entry.name))
        started = [pid for pid, file in files.items() if file == own and pid != entry.pid]
        main = [entry.pid] if is_same_process(entry.pid, entry.born) else []
        for pids in (main, started):  # in this order: it may see to the others itself
            os_processes.terminate_all(pids, signal.SIGTERM, 5)
        if main or started:
            ended.append(entry.name)
    return ended
