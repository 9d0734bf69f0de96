"""A service of the studio: a program, what it needs first, and how one notices its trouble."""

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
    # Started once these are ready, and stopped before they are.
    after: tuple[str, ...] = ()
    # A step that has to succeed, instead of a process that has to stay.
    once: bool = False
    # Variables whose values lie in files that an earlier step may have to write.
    env_files: Mapping[str, Path] = field(default_factory=dict)
    # Lines of its log that are also shown on the terminal.
    alert_pattern: re.Pattern[str] = ALERT_PATTERN

    @property
    def name(self) -> str:
        return self.spec.name


def http_ready(host: str, port: int, path: str) -> Callable[[int], Awaitable[bool]]:
    """Ready when a GET of the path is answered with 200."""
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
    """Ready when the file appears; whoever starts the program removes it before."""

    is_there = path.exists

    async def ready(pid: int) -> bool:
        return is_there()

    return ready
