"""A supervised service: its process, its dependencies, and the log lines that are alerts."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.log_alerts import ALERT_PATTERN
from local.process_spec import ProcessSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    spec: ProcessSpec
    # Dependencies: it starts once these are ready, and stops before they do.
    after: tuple[str, ...] = ()
    # Whether it is a step that must succeed once rather than a process that keeps running.
    once: bool = False
    # Whether it starts once all others are ready; they do not depend on it, nor on its success.
    background: bool = False
    # Variables whose values are read from files, which an earlier service may create.
    env_files: Mapping[str, Path] = field(default_factory=dict)
    # Log lines that are also shown on the terminal.
    alert_pattern: re.Pattern[str] = ALERT_PATTERN

    @property
    def name(self) -> str:
        return self.spec.name


def http_ready(host: str, port: int, path: str) -> Callable[[int], Awaitable[bool]]:
    """A readiness check: a GET request for the path is answered with status 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"

    async def ready(pid: int) -> bool:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(host, port)
                with contextlib.closing(writer):
                    writer.write(request.encode())
                    return (await reader.readexactly(12)).endswith(b" 200")
        return False

    return ready


def file_ready(path: Path) -> Callable[[int], Awaitable[bool]]:
    """A readiness check: the file exists. Remove the file before starting the process."""

    exists = path.exists

    async def ready(pid: int) -> bool:
        return exists()

    return ready
