"""The log files of the services: turned over at each start, read by people."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

KEPT = 3
LARGEST = 4 * 1024 * 1024


def turn_over(log: Path) -> None:
    """Begin a new file; the last few old ones stay as `.1`, `.2`, …"""
    for number in range(KEPT, 0, -1):
        old = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if old.exists():
            old.rename(log.with_name(f"{log.name}.{number}"))


@dataclass(slots=True)
class Tail:
    """The lines that a growing file has gained since the last look."""

    path: Path
    position: int = 0
    rest: bytes = b""

    def lines(self) -> list[str]:
        try:
            with self.path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self.position:  # a new file
                    self.position, self.rest = 0, b""
                file.seek(self.position)
                data = file.read(LARGEST)
                self.position = file.tell()
        except FileNotFoundError:
            return []
        *whole, self.rest = (self.rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in whole]


def show(logs: Mapping[str, Path], say: Callable[[str], None], *, last: int, follow: bool) -> None:
    """Print the last lines of each, then what they gain."""
    width = max(map(len, logs))
    tails = {name: _near_end(path) for name, path in logs.items()}

    def print_lines(name: str, lines: list[str]) -> None:
        for line in lines:
            say(line if len(logs) == 1 else f"{name:<{width}} | {line}")

    for name, tail in tails.items():
        print_lines(name, tail.lines()[-last:] if last else [])
    while follow:
        time.sleep(0.2)
        for name, tail in tails.items():
            print_lines(name, tail.lines())


def _near_end(path: Path) -> Tail:
    size = path.stat().st_size if path.exists() else 0
    return Tail(path, max(0, size - LARGEST))
