"""One target, run on made-up inputs for a while: what breaks it, and what takes it longest.

Every input comes from the seed and its number alone, so a finding can be had again."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from domain.common.errors import DomainError
from domain.templating.lexer import TemplateSyntaxError

MAX_CPU_SECONDS = 0.005
"""Seconds of CPU that one execution may take."""
RETRIES = 3
MAX_CRASHES = 5


@dataclass(frozen=True, slots=True)
class Target:
    """`make` invents an input; `run` may refuse it as the domain does, and no other way."""

    name: str
    generate: Callable[[Random], Any]
    run: Callable[[Any], None]
    clear_caches: Callable[[], None]
    """Empties the caches: what was read before would be read at once."""


@dataclass(slots=True)
class Outcome:
    executions: int = 0
    accepted: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_input: str = ""
    crashes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.crashes and self.slowest <= MAX_CPU_SECONDS


def fuzz(target: Target, seconds: float, seed: int, max_executions: int = sys.maxsize) -> Outcome:
    """For so long, or for so many inputs."""
    outcome = Outcome()
    began = time.monotonic()
    while outcome.executions < max_executions and time.monotonic() - began < seconds:
        made = target.generate(Random(f"{target.name} {seed} {outcome.executions}"))
        outcome.executions += 1
        try:
            took, accepted = _timed(target, made)
            outcome.accepted += accepted
            if took > outcome.slowest:
                # Once more, some times: the machine may have been busy with something else.
                took = min(took, *(_timed(target, made)[0] for _ in range(RETRIES)))
        except Exception:  # noqa: BLE001, whatever it is, it is a finding
            number = outcome.executions - 1
            outcome.crashes.append(f"input {number}: {made!r:.2000}\n{traceback.format_exc()}")
            if len(outcome.crashes) >= MAX_CRASHES:
                break
            continue
        if took > outcome.slowest:
            number = outcome.executions - 1
            outcome.slowest, outcome.slowest_input = took, f"input {number}: {made!r:.2000}"
    outcome.seconds = time.monotonic() - began
    return outcome


def _timed(target: Target, made: Any) -> tuple[float, bool]:
    target.clear_caches()
    began = time.thread_time()
    try:
        target.run(made)
        accepted = True
    except (DomainError, TemplateSyntaxError):
        accepted = False
    return time.thread_time() - began, accepted
