"""`./studio up`: run everything on this machine under one supervisor, in the foreground or the
background."""

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
from local.livekit_availability import LivekitAvailability, check_livekit
from local.logs import Tail, rotate
from local.process_spec import StartupError
from local.service import Service
from local.services import Plan
from local.state_dir import PROGRAM, StateDir
from local.supervisor import Supervisor, stop_leftovers
from local.telephone_service import Telephone, choose_telephone
from local.voice_status import VoiceStatus

# The loopback address at which this machine reaches an API that listens on every address.
REACHABLE_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}

WEBHOOK_PATH = "/webhooks/livekit"
"""Where the API takes LiveKit's webhooks."""

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
    with_phone: bool = False,
) -> int:
    settings = Settings.from_env(environ)
    port = port or settings.api_port
    _check_not_running(state)
    with private_files.exclusive_lock(state.lock):
        for name in stop_leftovers(state):
            echo(f"stopped {name}, left running by an earlier start")
        if not private_files.is_free(port, settings.api_host):
            raise StartupError(
                f"port {port} (api) is in use by {os_processes.describe_listener(port)}:"
                " stop it, or choose another port with --port"
            )
        voice = check_livekit(environ, enabled=with_voice)
        emulators = choose_emulators(state, environ) if with_emulators else None
        telephone = _choose_telephone(state, environ, voice) if with_phone else None
        if emulators:
            voice = replace(voice, remark=f"; with {emulators.description}")
        if telephone:
            remark = f"{voice.remark}; telephone {telephone.description}"
            voice = replace(voice, remark=remark)
        if detach and (pid := _daemonize(state)):
            return _follow_startup(state, pid)
        host = REACHABLE_HOSTS.get(settings.api_host, settings.api_host)
        plan = Plan(
            state=state,
            environ=environ,
            host=host,
            port=port,
            voice=voice,
            emulators=emulators,
            telephone=telephone,
        )
        return asyncio.run(_supervise(plan, services, show_banner=not detach))


def _choose_telephone(
    state: StateDir, environ: Mapping[str, str], voice: LivekitAvailability
) -> Telephone:
    if voice.binary is None and voice.credentials is None:
        raise StartupError(
            f"--phone: telephone calls need voice calls, which are {voice.description}"
        )
    return choose_telephone(state, environ)


def echo(line: str) -> None:
    # The terminal may have been closed, which must not stop the services.
    with contextlib.suppress(OSError):
        print(line, flush=True)


async def _supervise(plan: Plan, services: ServiceFactory, *, show_banner: bool) -> int:
    started = time.monotonic()
    voice = VoiceStatus(plan.voice, plan.state.voice_notice)
    supervisor = Supervisor(plan.state, plan.url, voice, echo)
    supervisor.install_signal_handlers()
    plan = await _with_servers(plan)

    def on_ready() -> None:
        echo(f"{'everything':<10} ready  {time.monotonic() - started:6.2f} s")
        if show_banner:
            voice = supervisor.voice_description
            echo(render_banner(plan.state, plan.url, voice, plan.environ, "Ctrl-C"))

    code = await supervisor.run(services(plan), on_ready)
    echo("stopped")
    return code


async def _with_servers(plan: Plan) -> Plan:
    """Add the built-in servers in place of those for which the environment has no URL."""
    root, environ, binary = plan.state.root, plan.environ, plan.voice.binary
    webhook_url = f"{plan.url}{WEBHOOK_PATH}"
    return replace(
        plan,
        postgres=None if environ.get("DATABASE_URL") else await postgres.prepare(root),
        valkey=None if environ.get("REDIS_URL") else await valkey.prepare(root),
        livekit=await livekit.prepare(root, binary, webhook_url) if binary else None,
    )


def _check_not_running(state: StateDir) -> None:
    if record := state.running_record():
        raise StartupError(f"already running (pid {record.pid}), {record.url}/graphql")


def _daemonize(state: StateDir) -> int:
    """Continue in a background process with its own session, which writes to the log. Returns its
    pid in the parent and 0 in the child."""
    log = state.log("studio")
    rotate(log)
    if pid := os.fork():
        return pid
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for fd, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(target, fd)
    return 0


def _follow_startup(state: StateDir, pid: int) -> int:
    """Print the log of the background supervisor until everything is ready or it exits."""
    tail = Tail(state.log("studio"))
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            record = state.running_record()
            ready = record is not None and record.pid == pid and record.ready
            exited, status = os.waitpid(pid, os.WNOHANG)
            for line in tail.read_lines():
                echo(line)
            if exited:
                return os.waitstatus_to_exitcode(status) or 1
            if record and ready:
                echo(render_banner(state, record.url, record.voice, os.environ, f"{PROGRAM} down"))
                return 0
            time.sleep(0.05)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return 130
