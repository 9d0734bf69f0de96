"""One process of a pool. It hosts calls, and tells its parent as what, and when it takes no more."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from domain.settings import Settings
from domain.tasks import beside
from persistence.worker_wiring import worker_services
from worker.hearing import warm_up
from worker.host import Host
from worker.process import RETIRES, run
from worker.recording import Recorders

OF_THE_PARENT = ("READY_FILE", "HEALTH_PORT")

ORPHAN_SECONDS = 60.0
"""Whoever started the parent starts another, which has all code to load before its processes can take
our calls. A supervisor that sees it ready tells us to leave at once."""
LOOK_INTERVAL_SECONDS = 0.5
LAST_SECONDS = 25.0
"""Longer than it takes to give every call back, as long as the store answers."""


def main(parent: socket.socket, environ: Mapping[str, str]) -> None:
    parent.set_inheritable(False)  # or programs that it starts would keep its end secret
    gc.freeze()  # what was loaded stays: to look through it again would hold up every call
    own = {name: value for name, value in environ.items() if name not in OF_THE_PARENT}
    supervisor = int(environ["SUPERVISOR_PID"]) if "SUPERVISOR_PID" in environ else None
    run(partial(hold_calls, parent, supervisor), own, on_interrupt=False)


async def hold_calls(
    parent: socket.socket,
    supervisor: int | None,
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Until SIGTERM, or until the parent is gone: then the calls are given back."""
    reader, writer = await asyncio.open_connection(sock=parent)
    if settings.livekit_url:
        await warm_up()
    async with (
        worker_services(settings) as services,
        Recorders.of(settings, services.sounds, services.recordings) as recorders,
        beside(_until_orphaned(reader, supervisor, stop)),
    ):
        host = Host(services.queue, services.recorder, services.outbound, settings, recorders)
        say = partial(_say, writer)
        await host.serve(stop, lambda worker: say(str(worker)), lambda: say(RETIRES))


def _say(parent: asyncio.StreamWriter, word: str) -> None:
    parent.write(f"{word}\n".encode())


async def _until_orphaned(
    parent: asyncio.StreamReader, supervisor: int | None, stop: asyncio.Event
) -> None:
    """Until the parent is gone, and for a while after it; no longer when its supervisor is gone too,
    since nobody then starts another."""
    with suppress(ConnectionError):
        await parent.read()
    with suppress(TimeoutError):
        async with asyncio.timeout(ORPHAN_SECONDS):
            while supervisor is None or _is_there(supervisor):  # noqa: ASYNC110 - not our process
                await asyncio.sleep(LOOK_INTERVAL_SECONDS)
    asyncio.get_running_loop().call_later(LAST_SECONDS, os._exit, 1)
    stop.set()


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True
