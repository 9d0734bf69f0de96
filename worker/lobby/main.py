"""`python -m worker.lobby`: the process that puts callers on hold while all workers are busy.

It is apart from the worker, whose load would make the tones stutter, and from the keeper, which must
respond every second. Any number may run, and none is needed: without a lobby, callers hear ringing until
a worker is free."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from domain.common.settings import Settings
from persistence.worker_wiring import worker_services
from worker.common.health import health_server
from worker.common.livekit_rooms import LiveKitRooms
from worker.lobby.lobby import Lobby
from worker.process.entrypoint import run

DATABASE_CONNECTIONS = 3


async def run_lobby(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    async with worker_services(settings, DATABASE_CONNECTIONS) as services:
        lobby = Lobby(services.held_calls, LiveKitRooms.from_settings(settings), settings)
        ready()
        async with health_server(settings, lobby.report):
            await lobby.serve(stop)


def main() -> None:
    run(run_lobby, os.environ)
