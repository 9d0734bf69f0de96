"""What the caller presses in dry runs and simulations."""

from __future__ import annotations

from collections.abc import Sequence

from domain.tool_execution.environment import CollectedDigits
from domain.tools.actions import CollectDigits
from domain.tools.dtmf import ENTRY_PROBLEMS, DigitEntry


class DigitStubs:
    """Each attempt to collect digits takes the next of the given ones, and none once they are used
    up."""

    def __init__(self, digits: Sequence[str]) -> None:
        self._digits = list(digits)

    def collect(self, action: CollectDigits) -> CollectedDigits:
        entry, attempts = DigitEntry(rules=action), 0
        while attempts < action.attempts and not entry.is_complete:
            pressed = self._digits.pop(0) if self._digits else ""
            entry = DigitEntry(rules=action).press_all(pressed).time_out()
            attempts += 1
        return collected_digits(entry, attempts)


def collected_digits(entry: DigitEntry, attempts: int) -> CollectedDigits:
    """The result of the last attempt, which is over."""
    return CollectedDigits(
        pressed=entry.digits, attempts=attempts, problem=ENTRY_PROBLEMS.get(entry.state)
    )
