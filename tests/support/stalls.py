"""How long this machine kept processes from running: calls in real time cannot be tested meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

INTERVAL_SECONDS = 0.02
EXIT_SECONDS = 300.0


@dataclass(slots=True)
class Stalls:
    longest: float = 0.0
    """The longest time by which the test process or the other process was woken late, in seconds."""


@contextmanager
def measured_stalls() -> Iterator[Stalls]:
    """Measure while the block runs, in a thread of this process and in another process. That one has a
    session of its own, as the servers of a call have: Linux divides the processor among sessions."""
    stalls = Stalls()
    with _other_process() as other:
        ended = threading.Event()
        thread = threading.Thread(
            target=lambda: _measure(stalls, ended), name="stalls", daemon=True
        )
        thread.start()
        try:
            yield stalls
        finally:
            ended.set()
            thread.join()
            output, _ = other.communicate(timeout=EXIT_SECONDS)
            stalls.longest = max(stalls.longest, float(output))


@contextmanager
def _other_process() -> Iterator[subprocess.Popen[str]]:
    """A process that measures until its input ends, and then prints its longest stall."""
    command = (sys.executable, "-S", str(Path(__file__)))
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _measure(stalls: Stalls, ended: threading.Event) -> None:
    due = time.monotonic() + INTERVAL_SECONDS
    while not ended.wait(INTERVAL_SECONDS):
        now = time.monotonic()
        stalls.longest = max(stalls.longest, now - due)
        due = now + INTERVAL_SECONDS


def main() -> None:
    stalls, ended = Stalls(), threading.Event()
    thread = threading.Thread(target=_measure, args=(stalls, ended))
    thread.start()
    sys.stdin.read()
    ended.set()
    thread.join()
    print(stalls.longest)


if __name__ == "__main__":
    main()
