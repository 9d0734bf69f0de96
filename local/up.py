"""`./studio up`: everything on this machine, under one supervisor, in front or behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from domain.common.settings import Settings
from local import livekit, os_processes, postgres, private_files, valkey
from local.banner import render_banner
from local.emulator_service import choose_emulators
from local.livekit_availability import check_livekit
from local.logs import Tail, rotate
from local.process_spec import StartupError
from local.service import Service
from local.services import Plan
from local.state_dir import StateDir
from local.supervisor import Supervisor, stop_leftovers

# Where an API that listens on every address is reached from this machine.
REACHABLE_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}

ServiceFactory = Callable[[Plan], Sequence[Service]]


def up(
    state: StateDir,
    environ: Mapping[str, str],
    services: ServiceFactory,
    *,
    port: int | None,
    detach: bool,
    with_voice: bool,
    with_emulators: bool = False,
) -> int:
    settings = Settings.from_env(environ)
    port = port or settings.api_port
    _check_not_running(state)
    with private_files.exclusive_lock(state.lock):
        for name in stop_leftovers(state):
            echo(f"ended a {name} that was left over")
        if not private_files.is_free(port, settings.api_host):
            raise StartupError(
                f"port {port} (api) is taken by {os_processes.describe_listener(port)}:"
                " stop it, or choose another with --port"
            )
        calls = check_livekit(environ, enabled=with_voice, echo=echo)
        standing_in = choose_emulators(state, environ) if with_emulators else None
        if standing_in:
            calls = replace(calls, description=f"{calls.description}; on {standing_in.description}")
        if detach and (pid := _daemonize(state)):
            return _follow_startup(state, pid)
        host = REACHABLE_HOSTS.get(settings.api_host, settings.api_host)
        plan = Plan(
            state=state,
            environ=environ,
            host=host,
            port=port,
            voice=calls,
            emulators=standing_in,
        )
        return asyncio.run(_supervise(plan, services, show_banner=not detach))


def echo(line: str) -> None:
    # The terminal may be gone; that must not end anything but the talking.
    with contextlib.suppress(OSError):
        print(line, flush=True)


async def _supervise(plan: Plan, services: ServiceFactory, *, show_banner: bool) -> int:
    began = time.monotonic()
    supervisor = Supervisor(plan.state, plan.url, plan.voice.description, echo)
    supervisor.install_signal_handlers()
    plan = await _with_servers(plan)

    def on_ready() -> None:
        echo(f"{'everything':<10} ready  {time.monotonic() - began:6.2f} s")
        if show_banner:
            echo(
                render_banner(plan.state, plan.url, plan.voice.description, plan.environ, "Ctrl-C")
            )

    code = await supervisor.run(services(plan), on_ready)
    echo("stopped")
    return code


async def _with_servers(plan: Plan) -> Plan:
    """With servers of our own for those that the user did not name."""
    root, given, binary = plan.state.root, plan.environ, plan.voice.binary
    return replace(
        plan,
        postgres=None if given.get("DATABASE_URL") else await postgres.prepare(root),
        valkey=None if given.get("REDIS_URL") else await valkey.prepare(root),
        livekit=await livekit.prepare(root, binary) if binary else None,
    )


def _check_not_running(state: StateDir) -> None:
    if record := state.running_record():
        raise StartupError(f"already running (pid {record.pid}), {record.url}/graphql")


def _daemonize(state: StateDir) -> int:
    """Go on behind, in a session of its own, with the log as the terminal; 0 in the child."""
    log = state.log("studio")
    rotate(log)
    if pid := os.fork():
        return pid
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(target, number)
    return 0


def _follow_startup(state: StateDir, pid: int) -> int:
    """Repeat what the supervisor behind says until all is ready or it gave up."""
    tail = Tail(state.log("studio"))
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            record = state.running_record()
            ready = record is not None and record.pid == pid and record.ready
            gone, status = os.waitpid(pid, os.WNOHANG)
            for line in tail.read_lines():
                echo(line)
            if gone:
                return os.waitstatus_to_exitcode(status) or 1
            if record and ready:
                echo(render_banner(state, record.url, record.voice, os.environ, "./studio down"))
                return 0
            time.sleep(0.05)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return 130
