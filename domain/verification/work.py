"""How much work one verification may take, whatever the workflow looks like."""

from __future__ import annotations

from dataclasses import dataclass

from domain.common.findings import Severity


class TooMuchWork(Exception):
    """The budget of a verification is used up."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How thorough a verification is, and how bad it is when that did not suffice."""

    max_work: int
    severity: Severity


DRAFT = Effort(100_000, Severity.WARNING)
"""For somebody who edits: about 100 ms of CPU time at most."""
PUBLISH = Effort(1_000_000, Severity.ERROR)
"""Nothing is published unless all of it was verified, so publishing tries ten times as hard."""


class WorkBudget:
    """A unit is about one part of one condition evaluated once."""

    def __init__(self, max_work: int) -> None:
        self.left = max_work

    def spend(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise TooMuchWork
