"""The lame-duck period between the signal to stop and the shutdown.

Readiness fails at once, so that load balancers stop sending requests. The process continues to serve
until the period is over, and closes its connections only then."""

from __future__ import annotations

import time
from types import FrameType

import uvicorn


class LameDuck:
    """Whether the process is about to stop, and whether the period before the shutdown is over."""

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
    """A server that stops after the lame-duck period, or at once after a second signal."""

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
