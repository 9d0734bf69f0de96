"""One process of a pool. It hosts calls and reports its worker id and draining to its parent."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from domain.common.settings import Settings
from domain.common.tasks import background_task
from persistence.worker_wiring import worker_services
from worker.process.entrypoint import DRAINING, run
from worker.process.host import Host
from worker.session.call_recorder import RecordingResources
from worker.session.turn_detection import prewarm

PARENT_ONLY_VARIABLES = ("READY_FILE", "HEALTH_PORT")

ORPHAN_GRACE_SECONDS = 60.0
"""How long calls continue after the parent died. The supervisor starts a new parent, which must
load all code before its processes can take our calls. Once that is ready, it stops us at once."""
POLL_INTERVAL_SECONDS = 0.5
EXIT_TIMEOUT_SECONDS = 25.0
"""An orphaned process exits after this time even if it cannot release its calls, which takes less."""


def main(parent: socket.socket, environ: Mapping[str, str]) -> None:
    parent.set_inheritable(False)  # a subprocess that inherited it would keep the socket open
    gc.freeze()  # loaded code is never collected; scanning it would delay every call
    own = {name: value for name, value in environ.items() if name not in PARENT_ONLY_VARIABLES}
    supervisor = int(environ["SUPERVISOR_PID"]) if "SUPERVISOR_PID" in environ else None
    run(partial(run_host, parent, supervisor), own, stop_on_interrupt=False)


async def run_host(
    parent: socket.socket,
    supervisor: int | None,
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Host calls until SIGTERM or until the parent is gone, then release them."""
    reader, writer = await asyncio.open_connection(sock=parent)
    if settings.livekit_url:
        await prewarm()
    async with (
        worker_services(settings) as services,
        RecordingResources.open(
            settings, services.audio_store, services.recording_store
        ) as recording_resources,
        background_task(_stop_when_orphaned(reader, supervisor, stop)),
    ):
        host = Host(
            services.queue,
            services.event_writer,
            services.http_client,
            settings,
            recording_resources,
        )
        send = partial(_send_line, writer)
        await host.serve(stop, lambda worker: send(str(worker)), lambda: send(DRAINING))


def _send_line(parent: asyncio.StreamWriter, line: str) -> None:
    parent.write(f"{line}\n".encode())


async def _stop_when_orphaned(
    parent: asyncio.StreamReader, supervisor: int | None, stop: asyncio.Event
) -> None:
    """Set `stop` once the parent is gone: after ORPHAN_GRACE_SECONDS, or at once when the
    supervisor is gone, too, because then no new parent is started."""
    with suppress(ConnectionError):
        await parent.read()
    with suppress(TimeoutError):
        async with asyncio.timeout(ORPHAN_GRACE_SECONDS):
            while supervisor is None or _is_running(supervisor):  # noqa: ASYNC110 - not our process
                await asyncio.sleep(POLL_INTERVAL_SECONDS)
    asyncio.get_running_loop().call_later(EXIT_TIMEOUT_SECONDS, os._exit, 1)
    stop.set()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs as another user
        pass
    return True
