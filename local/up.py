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
from local import home, livekit, machine, postgres, valkey
from local.banner import banner
from local.logs import Tail, turn_over
from local.program import CannotStart
from local.service import Service
from local.services import Plan
from local.stand_ins import stand_ins
from local.state import State
from local.supervisor import Supervisor, end_leftovers
from local.voice import voice

# Where an API that listens on every address is reached from this machine.
FROM_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}

Services = Callable[[Plan], Sequence[Service]]


def up(
    state: State,
    environ: Mapping[str, str],
    services: Services,
    *,
    port: int | None,
    detach: bool,
    with_voice: bool,
    with_stand_ins: bool = False,
) -> int:
    settings = Settings.from_env(environ)
    port = port or settings.api_port
    _refuse_a_second(state)
    with home.locked(state.lock):
        for name in end_leftovers(state):
            say(f"ended a {name} that was left over")
        if not home.is_free(port, settings.api_host):
            raise CannotStart(
                f"port {port} (api) is taken by {machine.listener(port)}:"
                " stop it, or choose another with --port"
            )
        calls = voice(environ, wanted=with_voice, say=say)
        standing_in = stand_ins(state, environ) if with_stand_ins else None
        if standing_in:
            calls = replace(calls, said=f"{calls.said}; on {standing_in.said}")
        if detach and (pid := _fork_away(state)):
            return _follow(state, pid)
        host = FROM_HERE.get(settings.api_host, settings.api_host)
        plan = Plan(
            state=state,
            environ=environ,
            host=host,
            port=port,
            voice=calls,
            stand_ins=standing_in,
        )
        return asyncio.run(_supervise(plan, services, show_banner=not detach))


def say(line: str) -> None:
    # The terminal may be gone; that must not end anything but the talking.
    with contextlib.suppress(OSError):
        print(line, flush=True)


async def _supervise(plan: Plan, services: Services, *, show_banner: bool) -> int:
    began = time.monotonic()
    supervisor = Supervisor(plan.state, plan.url, plan.voice.said, say)
    supervisor.heed_signals()
    plan = await _with_servers(plan)

    def on_ready() -> None:
        say(f"{'everything':<10} ready  {time.monotonic() - began:6.2f} s")
        if show_banner:
            say(banner(plan.state, plan.url, plan.voice.said, plan.environ, "Ctrl-C"))

    code = await supervisor.run(services(plan), on_ready)
    say("stopped")
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


def _refuse_a_second(state: State) -> None:
    if record := state.running():
        raise CannotStart(f"already running (pid {record.pid}), {record.url}/graphql")


def _fork_away(state: State) -> int:
    """Go on behind, in a session of its own, with the log as the terminal; 0 in the child."""
    log = state.log("studio")
    turn_over(log)
    if pid := os.fork():
        return pid
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(target, number)
    return 0


def _follow(state: State, pid: int) -> int:
    """Repeat what the supervisor behind says until all is ready or it gave up."""
    tail = Tail(state.log("studio"))
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            record = state.running()
            ready = record is not None and record.pid == pid and record.ready
            gone, status = os.waitpid(pid, os.WNOHANG)
            for line in tail.lines():
                say(line)
            if gone:
                return os.waitstatus_to_exitcode(status) or 1
            if record and ready:
                say(banner(state, record.url, record.voice, os.environ, "./studio down"))
                return 0
            time.sleep(0.05)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return 130
