"""Starts the services in the order of their dependencies, restarts them, and stops them in reverse
order."""

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
from local.voice_status import VoiceStatus


@dataclass(slots=True)
class Supervisor:
    state: StateDir
    url: str
    voice: VoiceStatus
    echo: Callable[[str], None]
    processes: list[SupervisedProcess] = field(default_factory=list)
    voice_description: str = ""
    ready: bool = False
    stop_requested: asyncio.Event = field(default_factory=asyncio.Event)
    force_requested: asyncio.Event = field(default_factory=asyncio.Event)

    def install_signal_handlers(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    async def run(self, services: Sequence[Service], on_ready: Callable[[], None]) -> int:
        """Run the services until a signal requests a stop or one cannot start. Returns the exit
        code."""
        self.processes = [self._supervised(service) for service in services]
        self._save_record()
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
            for process in self.processes:
                tasks.create_task(self._run_process(process))
            await self._wait_for_foreground()
            self.ready = True
            # First, because the record ends the wait of a process that repeats this output.
            on_ready()
            self._save_record()

    async def _wait_for_foreground(self) -> None:
        for process in self.processes:
            if not process.service.background:
                await process.ready.wait()

    async def _run_process(self, process: SupervisedProcess) -> None:
        service = process.service
        if service.background:  # what others need to become ready, such as the CPU, is theirs first
            await self._wait_for_foreground()
        for dependency in self.processes:
            waits = service.background or not dependency.service.background
            if dependency.service.name in service.after and waits:
                await dependency.ready.wait()
        try:
            await process.run()
        except (StartupError, OSError) as error:
            if not service.background:
                raise
            await process.give_up(str(error))

    async def _stop_all(self) -> None:
        stopped = {process.service.name: asyncio.Event() for process in self.processes}

        async def stop(process: SupervisedProcess) -> None:
            for dependent in self.processes:
                if process.service.name in dependent.service.after:
                    await stopped[dependent.service.name].wait()
            await process.stop(self.force_requested)
            stopped[process.service.name].set()

        async with asyncio.TaskGroup() as tasks:
            for process in self.processes:
                tasks.create_task(stop(process))

    async def _show_alerts(self) -> None:
        """Show warnings and errors from the logs of the services on the terminal."""
        alerts = {
            process.service.name: LogAlerts(Tail(process.log), process.service.alert_pattern)
            for process in self.processes
        }
        while True:
            await asyncio.sleep(0.2)
            for name, log_alerts in alerts.items():
                for line in log_alerts.new_lines():
                    self.echo(f"{name} | {line}")

    def _supervised(self, service: Service) -> SupervisedProcess:
        log = self.state.log(service.name)
        rotate(log)
        ready_file = self.state.ready_file(service.name)
        return SupervisedProcess(
            service, log, ready_file, self.echo, self._save_record, lambda: self.ready
        )

    def _save_record(self) -> None:
        entries = tuple(process.status for process in self.processes)
        pid = os.getpid()
        try:
            voice = self.voice.update(entries)
            self.state.write_record(
                SupervisorRecord(
                    pid, os_processes.start_time(pid), self.url, self.ready, entries, voice
                )
            )
        except OSError as error:  # a full disk must not stop the services
            self.echo(f"cannot save the status of the services: {error.strerror}")
        else:
            if self.ready and voice != self.voice_description:
                self.echo(f"voice calls: {voice}")
            self.voice_description = voice

    def _on_signal(self) -> None:
        if self.stop_requested.is_set():
            self.echo("killing the services")
            self.force_requested.set()
        else:
            self.echo("stopping (interrupt again to kill the services)")
            self.stop_requested.set()

    def _report_error(self, error: BaseException) -> None:
        causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        for cause in causes:
            if isinstance(cause, StartupError):
                self.echo(str(cause))
            elif isinstance(cause, OSError):
                self.echo(f"{cause.filename or 'the operating system'}: {cause.strerror or cause}")
            else:
                traceback.print_exception(cause)


def stop_leftovers(state: StateDir) -> list[str]:
    """Stop the services, and their child processes, that a killed supervisor left running because
    the kernel did not. Returns the names of these services."""
    record = state.read_record()
    if record is None:
        return []
    files, stopped = os_processes.find_by_variable(READY_FILE), []
    for entry in reversed(record.entries):
        own_file = str(state.ready_file(entry.name))
        children = [pid for pid, file in files.items() if file == own_file and pid != entry.pid]
        main = [entry.pid] if is_same_process(entry.pid, entry.born) else []
        for pids in (main, children):  # the main process first, as it may stop its own children
            os_processes.terminate_all(pids, signal.SIGTERM, 5)
        if main or children:
            stopped.append(entry.name)
    return stopped
