"""What work costs in CPU time of its thread, whatever else runs on the machine.

Garbage is not collected meanwhile: how long that takes depends on what other tests left behind."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

MAX_GROWTH = 8.0
"""Of the cost of four times the work: twice what is linear, and half of what is quadratic."""


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
    """The least of so many rounds, each of which may end in that refusal."""

    def bounded() -> None:
        with suppress(*refusal):
            do()

    with without_collections():
        return min(_once(bounded) for _ in range(rounds))


def cpu_growth(less: Callable[[], object], more: Callable[[], object], rounds: int = 5) -> float:
    """How many times as much `more` costs; both are measured in turns, as machines change their pace."""
    with without_collections():
        pairs = [(_once(less), _once(more)) for _ in range(rounds)]
    return min(after for _, after in pairs) / min(before for before, _ in pairs)


def _once(do: Callable[[], object]) -> float:
    began = time.thread_time()
    do()
    return time.thread_time() - began
