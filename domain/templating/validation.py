"""What people may write in templates and conditions, checked when it is saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.common.errors import InvalidInput, Path
from domain.common.json_values import unfit
from domain.templating import expressions, templates
from domain.templating.lexer import Malformed, is_path, steps_of

READABLE = frozenset({"user", "tenant", "call", "params", "workflow", "flags", "agent", "history"})
WRITABLE = frozenset({"workflow", "flags", "agent"})


def check_template(value: Any, path: Path, readable: frozenset[str] = READABLE) -> None:
    """Of every string in `value`, however deep: its slots are paths into the context."""
    _check_fit(value, path)
    slots = 0
    for way, text in templates.strings_in(value):
        here = (*path, *way)
        try:
            parsed = templates.parse(text)
        except Malformed as problem:
            raise _refusal(problem, here) from None
        slots += sum(isinstance(part, templates.Slot) for part in parsed)
        if slots > templates.MOST_SLOTS:
            raise InvalidInput(f"A value may have {templates.MOST_SLOTS} slots.", path)
        _check_spaces(templates.paths_in(parsed), here, readable)


def check_condition(text: str, path: Path, readable: frozenset[str] = READABLE) -> None:
    _check_fit(text, path)
    try:
        parsed = expressions.parse(text)
    except Malformed as problem:
        raise _refusal(problem, path) from None
    _check_spaces(expressions.paths_in(parsed), path, readable)


def check_readable(where: str, path: Path, readable: frozenset[str] = READABLE) -> None:
    """A path that steps may read."""
    try:
        steps = steps_of(where)
    except Malformed as problem:
        raise _refusal(problem, path) from None
    _check_spaces([steps], path, readable)


def check_writable(where: str, path: Path) -> None:
    """A path that tools may write to; `[+]` behind it appends."""
    where = where.removesuffix("[+]")
    if not is_path(where) or where.split(".")[0] not in WRITABLE or "." not in where:
        raise InvalidInput(
            f"{where!r} cannot be written; write under {_listed(WRITABLE)}, "
            "for instance workflow.appointment.",
            path,
        )


def _check_fit(value: Any, path: Path) -> None:
    why = unfit(value)
    if why is not None:
        raise InvalidInput(f"The value is {why}.", path)


def _check_spaces(paths: Iterable[tuple[str, ...]], path: Path, readable: frozenset[str]) -> None:
    for steps in paths:
        if steps[0] not in readable:
            raise InvalidInput(
                f"{'.'.join(steps)!r} is not a path into the context; paths begin with "
                f"{_listed(readable)}, for instance user.name.",
                path,
            )


def _refusal(problem: Malformed, path: Path) -> InvalidInput:
    return InvalidInput(f"{problem.message} (character {problem.at + 1}).", path)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
