"""Where and how a caller is transferred: what tools, nodes and operators say about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import check_name, check_text
from domain.templating.validation import template_problems

MAX_NUMBER_LENGTH = 1_000
MAX_SPOKEN_LENGTH = 1_000
MIN_RINGING_SECONDS, MAX_RINGING_SECONDS = 5, 75
DEFAULT_RINGING_SECONDS = 30
EXTENSION = re.compile(r"[0-9*#w]{1,32}")
"""Keys to press; `w` is half a second of pause."""


class TransferMode(StrEnum):
    """How a caller is transferred."""

    COLD = "COLD"
    """The carrier connects the caller with the number, and the call ends here."""
    WARM = "WARM"
    """The agent calls the number, briefs the colleague who answers, and connects both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTarget:
    """The number to transfer to, and how. `number`, `extension`, `brief` and `announcement` are
    templates; the other fields but `mode` may be left out."""

    number: str
    mode: TransferMode = TransferMode.COLD
    trunk: str | None = None
    """The name of the outbound trunk; None: that of the call, or the only one."""
    extension: str | None = None
    """The keys to press once the number has answered."""
    brief: str | None = None
    """What the colleague hears before they decide; None: a summary of the call."""
    ringing_seconds: int | None = None
    announcement: str | None = None
    """What the agent says to the caller before the transfer begins."""


def transfer_problems(
    target: TransferTarget, path: Path, namespaces: frozenset[str] = frozenset()
) -> Problems:
    """`namespaces` are those that the templates may read; without any, the fields are no
    templates."""
    here = (*path, "number")
    yield from problems_of(check_text, target.number, here, max_length=MAX_NUMBER_LENGTH)
    for name, text in (
        ("number", target.number),
        ("extension", target.extension),
        ("brief", target.brief),
        ("announcement", target.announcement),
    ):
        if text is not None and namespaces:
            yield from template_problems(text, (*path, name), namespaces)
    for name, text in (("brief", target.brief), ("announcement", target.announcement)):
        yield from problems_of(
            check_text, text, (*path, name), max_length=MAX_SPOKEN_LENGTH, min_length=1
        )
    if target.trunk is not None:
        yield from problems_of(check_name, target.trunk, (*path, "trunk"))
    yield from _extension_problems(target, (*path, "extension"), is_template=bool(namespaces))
    yield from _mode_problems(target, path)
    seconds = target.ringing_seconds
    if seconds is not None and not MIN_RINGING_SECONDS <= seconds <= MAX_RINGING_SECONDS:
        yield InvalidInput(
            f"ringingSeconds must be between {MIN_RINGING_SECONDS} and {MAX_RINGING_SECONDS}.",
            (*path, "ringingSeconds"),
        )


def _extension_problems(target: TransferTarget, path: Path, *, is_template: bool) -> Problems:
    extension = target.extension
    if extension is None or (is_template and "{{" in extension):
        return
    if not EXTENSION.fullmatch(extension):
        yield InvalidInput(
            "extension must consist of at most 32 of the keys 0 to 9, * and #, and of w for half a "
            "second of pause.",
            path,
        )


def _mode_problems(target: TransferTarget, path: Path) -> Problems:
    if target.mode is TransferMode.WARM:
        return
    for name, value in (("extension", target.extension), ("brief", target.brief)):
        if value is not None:
            yield InvalidInput(
                f"Only a warm transfer has {name}; set mode: WARM, or omit it.", (*path, name)
            )
