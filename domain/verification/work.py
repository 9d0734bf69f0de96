"""The work budget of a verification, which bounds its CPU time for any workflow."""

from __future__ import annotations

from dataclasses import dataclass

from domain.common.findings import Severity


class TooMuchWork(Exception):
    """The work budget of a verification is exhausted."""


@dataclass(frozen=True, slots=True)
class Effort:
    """The work budget of a verification, and the severity of the finding if it is exceeded."""

    max_work: int
    severity: Severity


DRAFT = Effort(100_000, Severity.WARNING)
"""For editing: at most about 100 ms of CPU time."""
PUBLISH = Effort(1_000_000, Severity.ERROR)
"""For publishing, which requires a complete verification and so allows ten times the work."""


class WorkBudget:
    """Counts work; one unit is about one evaluation of one part of a condition."""

    def __init__(self, max_work: int) -> None:
        self.left = max_work

    def spend(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise TooMuchWork
