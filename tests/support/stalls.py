"""How long this machine kept the process from running: calls in real time cannot be tested meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

INTERVAL_SECONDS = 0.02


@dataclass(slots=True)
class Stalls:
    longest: float = 0.0
    """The longest time by which a thread was woken late, in seconds."""


@contextmanager
def measured_stalls() -> Iterator[Stalls]:
    """Measure while the block runs, in a thread of its own."""
    stalls, ended = Stalls(), threading.Event()

    def measure() -> None:
        due = time.monotonic() + INTERVAL_SECONDS
        while not ended.wait(INTERVAL_SECONDS):
            now = time.monotonic()
            stalls.longest = max(stalls.longest, now - due)
            due = now + INTERVAL_SECONDS

    thread = threading.Thread(target=measure, name="stalls", daemon=True)
    thread.start()
    try:
        yield stalls
    finally:
        ended.set()
        thread.join()
