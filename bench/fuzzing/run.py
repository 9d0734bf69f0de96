"""Runs a target on generated inputs, and reports crashes and the slowest input.

Every input depends only on the seed and its number, so that a finding can be reproduced."""

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
"""The limit for the CPU time of one execution."""
RETRIES = 3
MAX_CRASHES = 5


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed: `generate` creates an input; `run` may reject it only with a domain error."""

    name: str
    generate: Callable[[Random], Any]
    run: Callable[[Any], None]
    clear_caches: Callable[[], None]
    """Empties the caches, because cached inputs would not be parsed again."""


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
    """Run for `seconds` or until `max_executions`."""
    outcome = Outcome()
    started_at = time.monotonic()
    while outcome.executions < max_executions and time.monotonic() - started_at < seconds:
        generated = target.generate(Random(f"{target.name} {seed} {outcome.executions}"))
        outcome.executions += 1
        try:
            cpu_seconds, accepted = _timed(target, generated)
            outcome.accepted += accepted
            if cpu_seconds > outcome.slowest:
                # Retried, because the machine may have been busy with something else.
                cpu_seconds = min(
                    cpu_seconds, *(_timed(target, generated)[0] for _ in range(RETRIES))
                )
        except Exception:  # noqa: BLE001, any other exception is a finding
            number = outcome.executions - 1
            outcome.crashes.append(f"input {number}: {generated!r:.2000}\n{traceback.format_exc()}")
            if len(outcome.crashes) >= MAX_CRASHES:
                break
            continue
        if cpu_seconds > outcome.slowest:
            number = outcome.executions - 1
            outcome.slowest, outcome.slowest_input = (
                cpu_seconds,
                f"input {number}: {generated!r:.2000}",
            )
    outcome.seconds = time.monotonic() - started_at
    return outcome


def _timed(target: Target, generated: Any) -> tuple[float, bool]:
    target.clear_caches()
    started_at = time.thread_time()
    try:
        target.run(generated)
        accepted = True
    except (DomainError, TemplateSyntaxError):
        accepted = False
    return time.thread_time() - started_at, accepted
