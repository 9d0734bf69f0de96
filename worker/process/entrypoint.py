"""How worker and keeper processes start and stop."""

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

DRAINING = "draining"
"""Sent by a worker process to its parent: it claims no more calls and exits once its calls end."""


def run(
    serve: Callable[[Settings, asyncio.Event, Callable[[], None]], Awaitable[None]],
    environ: Mapping[str, str],
    *,
    stop_on_interrupt: bool = True,
) -> None:
    """Run until SIGTERM or SIGINT. Touches READY_FILE, if set, once ready.

    Ctrl-C signals the whole process group, so children managed by a parent pass
    `stop_on_interrupt=False` to ignore SIGINT and wait for SIGTERM."""

    async def run_until_stopped() -> None:
        settings = Settings.from_env(environ)
        log_to_stderr(settings.log_level)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGINT, stop.set if stop_on_interrupt else lambda: None)
        ready_file = environ.get("READY_FILE")
        await serve(settings, stop, lambda: Path(ready_file).touch() if ready_file else None)

    try:
        uvloop.run(run_until_stopped())
    except DomainError as error:
        sys.exit(error.message)
