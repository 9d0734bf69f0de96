"""DTMF: the keys that a tool presses, and those that it asks the caller to press."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto

from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.templating.validation import check_writable, template_problems
from domain.tools.actions import DTMF_KEYS, MAX_COLLECTED_DIGITS, CollectDigits

PAUSE = "w"
PAUSE_SECONDS = 0.5
"""What a `w` between keys stands for."""
MAX_SENT_KEYS = 64
MAX_ATTEMPTS = 5
MAX_PROMPT_LENGTH = 1_000
MAX_FIRST_SECONDS = 60.0
MAX_BETWEEN_SECONDS = 20.0
_SENT_KEYS = re.compile(rf"[{re.escape(DTMF_KEYS)}{PAUSE}]{{1,{MAX_SENT_KEYS}}}")


def sent_keys_problem(keys: str) -> str | None:
    """Why the keys cannot be pressed; None if they can."""
    if _SENT_KEYS.fullmatch(keys):
        return None
    return (
        f"The digits must be 1 to {MAX_SENT_KEYS} of the keys 0 to 9, * and #, and w for a pause of "
        "half a second."
    )


# ---- what a caller presses ------------------------------------------------------------------


class EntryState(StrEnum):
    """How far an attempt of a caller is."""

    OPEN = auto()
    COMPLETE = auto()
    NO_KEY = auto()
    TOO_FEW_KEYS = auto()
    WRONG_KEY = auto()


ENTRY_PROBLEMS: Mapping[EntryState, str] = {
    EntryState.NO_KEY: "The caller pressed no key.",
    EntryState.TOO_FEW_KEYS: "The caller pressed too few keys.",
    EntryState.WRONG_KEY: "The caller pressed a key that was not asked for.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitEntry:
    """What a caller has pressed in one attempt."""

    rules: CollectDigits
    digits: str = field(default="", repr=False)
    state: EntryState = EntryState.OPEN

    @property
    def is_open(self) -> bool:
        return self.state is EntryState.OPEN

    @property
    def is_complete(self) -> bool:
        return self.state is EntryState.COMPLETE

    def press(self, key: str) -> DigitEntry:
        if not self.is_open:
            return self
        if key == self.rules.terminator:
            return self.time_out()
        if key not in self.rules.allowed:
            return replace(self, state=EntryState.WRONG_KEY)
        entry = replace(self, digits=self.digits + key)
        is_full = len(entry.digits) >= self.rules.max_digits
        return replace(entry, state=EntryState.COMPLETE) if is_full else entry

    def press_all(self, keys: str) -> DigitEntry:
        entry = self
        for key in keys:
            entry = entry.press(key)
        return entry

    def time_out(self) -> DigitEntry:
        """The caller has finished, or has pressed no further key in time."""
        if not self.is_open:
            return self
        if not self.digits:
            return replace(self, state=EntryState.NO_KEY)
        is_enough = len(self.digits) >= self.rules.min_digits
        return replace(self, state=EntryState.COMPLETE if is_enough else EntryState.TOO_FEW_KEYS)


# ---- validation -----------------------------------------------------------------------------


def send_dtmf_problems(keys: str, path: Path, readable: frozenset[str]) -> Problems:
    yield from template_problems(keys, path, readable)
    # A template is checked when its values are known.
    if "{{" not in keys and (problem := sent_keys_problem(keys)) is not None:
        yield InvalidInput(problem, path)


def collect_digits_problems(
    action: CollectDigits, path: Path, readable: frozenset[str]
) -> Problems:
    yield from problems_of(check_name, action.name, (*path, "name"), IDENTIFIER)
    yield from _prompt_problems(action, path, readable)
    yield from _count_problems(action, path)
    yield from _key_problems(action, path)
    yield from _limit_problems(action, path)
    if action.save:
        yield from problems_of(check_writable, action.save, (*path, "save"))
    if action.save and action.masked:
        yield InvalidInput(
            "Masked digits are never stored, so save must be empty. Read them at "
            f"masked.{action.name} in the headers or the body of an apiCall.",
            (*path, "save"),
        )


def _prompt_problems(action: CollectDigits, path: Path, readable: frozenset[str]) -> Problems:
    for name, text in (("prompt", action.prompt), ("retryPrompt", action.retry_prompt)):
        here = (*path, name)
        yield from problems_of(check_text, text, here, max_length=MAX_PROMPT_LENGTH)
        yield from template_problems(text, here, readable)
    if action.masked and not action.prompt:
        yield InvalidInput(
            "Masked digits need a prompt. Keys that the caller presses while the agent itself asks "
            "for them would be heard and recorded, because the action begins only afterwards.",
            (*path, "prompt"),
        )


def _count_problems(action: CollectDigits, path: Path) -> Problems:
    if action.count is not None and (action.min is not None or action.max is not None):
        yield InvalidInput("Give count, or min and max, but not both.", (*path, "count"))
    for name in ("count", "min", "max"):
        value = getattr(action, name)
        if value is not None and not 1 <= value <= MAX_COLLECTED_DIGITS:
            yield InvalidInput(
                f"{name} must be between 1 and {MAX_COLLECTED_DIGITS}.", (*path, name)
            )
    if action.count is None and action.min_digits > action.max_digits:
        yield InvalidInput("min must not be greater than max.", (*path, "min"))


def _key_problems(action: CollectDigits, path: Path) -> Problems:
    if action.terminator and not (len(action.terminator) == 1 and action.terminator in DTMF_KEYS):
        yield InvalidInput(
            "terminator must be one key, such as #, or empty for none.", (*path, "terminator")
        )
    if not action.allowed or not set(action.allowed) <= set(DTMF_KEYS):
        yield InvalidInput("allowed must consist of the keys 0 to 9, * and #.", (*path, "allowed"))
    elif set(action.allowed) == {action.terminator}:
        yield InvalidInput(
            "allowed must contain a key other than the terminator.", (*path, "allowed")
        )


def _limit_problems(action: CollectDigits, path: Path) -> Problems:
    if not 1 <= action.attempts <= MAX_ATTEMPTS:
        yield InvalidInput(f"attempts must be between 1 and {MAX_ATTEMPTS}.", (*path, "attempts"))
    for name, seconds, maximum in (
        ("firstSeconds", action.first_seconds, MAX_FIRST_SECONDS),
        ("betweenSeconds", action.between_seconds, MAX_BETWEEN_SECONDS),
    ):
        if not 0.5 <= seconds <= maximum:
            yield InvalidInput(
                f"{name} must be between 0.5 and {maximum:.0f} seconds.", (*path, name)
            )
