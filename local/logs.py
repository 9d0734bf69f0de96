"""The log files of the services: rotation at each start, and `./studio logs`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_ROTATED_FILES = 3
MAX_READ_BYTES = 4 * 1024 * 1024


def rotate(log: Path) -> None:
    """Rename the log to `.1`, the older ones to `.2`, …, so that a new one can be started."""
    for number in range(MAX_ROTATED_FILES, 0, -1):
        old = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if old.exists():
            old.rename(log.with_name(f"{log.name}.{number}"))


@dataclass(slots=True)
class Tail:
    """Reads the lines appended to a file since the last call."""

    path: Path
    position: int = 0
    partial_line: bytes = b""

    def read_lines(self) -> list[str]:
        try:
            with self.path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self.position:  # the log was rotated
                    self.position, self.partial_line = 0, b""
                file.seek(self.position)
                data = file.read(MAX_READ_BYTES)
                self.position = file.tell()
        except FileNotFoundError:
            return []
        *lines, self.partial_line = (self.partial_line + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def print_logs(
    logs: Mapping[str, Path], echo: Callable[[str], None], *, last: int, follow: bool
) -> None:
    """Print the last lines of each log; with `follow`, continue to print new lines."""
    width = max(map(len, logs))
    tails = {name: _tail_from_end(path) for name, path in logs.items()}

    def print_lines(name: str, lines: list[str]) -> None:
        for line in lines:
            echo(line if len(logs) == 1 else f"{name:<{width}} | {line}")

    for name, tail in tails.items():
        print_lines(name, tail.read_lines()[-last:] if last else [])
    while follow:
        time.sleep(0.2)
        for name, tail in tails.items():
            print_lines(name, tail.read_lines())


def _tail_from_end(path: Path) -> Tail:
    size = path.stat().st_size if path.exists() else 0
    return Tail(path, max(0, size - MAX_READ_BYTES))
