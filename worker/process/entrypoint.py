"""How a process of this package starts and stops."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import uvloop

from domain.common.errors import DomainError
from domain.common.json_logging import log_to_stderr
from domain.common.settings import Settings

DRAINING = "retires"
"""Said by a process to its parent: it takes no more calls, and leaves when those it has are over."""


def run(
    serve: Callable[[Settings, asyncio.Event, Callable[[], None]], Awaitable[None]],
    environ: Mapping[str, str],
    *,
    stop_on_interrupt: bool = True,
) -> None:
    """Run until SIGTERM or SIGINT; touch READY_FILE, when named, once at work.

    Ctrl-C reaches a whole process group: whom a parent stops does not obey it by itself."""

    async def until_stopped() -> None:
        settings = Settings.from_env(environ)
        log_to_stderr(settings.log_level)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGINT, stop.set if stop_on_interrupt else lambda: None)
        ready_file = environ.get("READY_FILE")
        await serve(settings, stop, lambda: Path(ready_file).touch() if ready_file else None)

    try:
        uvloop.run(until_stopped())
    except DomainError as error:
        sys.exit(error.message)
