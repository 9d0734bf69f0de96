"""Measures CPU time of the current thread, which does not depend on other processes.

Garbage collection is disabled during a measurement, because its cost depends on earlier tests."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

MAX_GROWTH = 8.0
"""The limit for the growth with four times the work: 4 is linear, 16 is quadratic."""


@contextmanager
def without_collections() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_seconds(
    do: Callable[[], object], rounds: int = 3, *, refusal: tuple[type[Exception], ...] = ()
) -> float:
    """The minimum of several rounds, each of which may raise one of the `refusal` exceptions."""

    def bounded() -> None:
        with suppress(*refusal):
            do()

    with without_collections():
        return min(_once(bounded) for _ in range(rounds))


def cpu_growth(less: Callable[[], object], more: Callable[[], object], rounds: int = 5) -> float:
    """The cost of `more` relative to `less`, measured alternately because machines change speed."""
    with without_collections():
        pairs = [(_once(less), _once(more)) for _ in range(rounds)]
    return min(after for _, after in pairs) / min(before for before, _ in pairs)


def _once(do: Callable[[], object]) -> float:
    started_at = time.thread_time()
    do()
    return time.thread_time() - started_at
