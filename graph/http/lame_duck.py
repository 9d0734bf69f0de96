"""The time between the order to stop and stopping: load balancers learn of it, clients need not.

Readiness turns at once, everything is served on for a while, and only then connections close."""

from __future__ import annotations

import time
from types import FrameType

import uvicorn


class LameDuck:
    """Whether the process is about to stop, and from when on it may."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._stops_at: float | None = None

    @property
    def started(self) -> bool:
        return self._stops_at is not None

    @property
    def expired(self) -> bool:
        return self._stops_at is not None and time.monotonic() >= self._stops_at

    def start(self) -> None:
        self._stops_at = time.monotonic() + self._seconds


class Server(uvicorn.Server):
    """Stops when its lame duck is over; a second signal does not wait for that."""

    def __init__(self, config: uvicorn.Config, lame_duck: LameDuck) -> None:
        super().__init__(config)
        self._lame_duck = lame_duck

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if not self._lame_duck.started:
            self._lame_duck.start()
            self.should_exit = self._lame_duck.expired

    async def on_tick(self, counter: int) -> bool:
        self.should_exit |= self._lame_duck.expired
        return await super().on_tick(counter)
