"""What people may write in templates and conditions, checked when it is saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.common.errors import InvalidInput, Path
from domain.common.json_values import json_problem
from domain.templating import expressions, templates
from domain.templating.lexer import TemplateSyntaxError, is_path, parse_path

READABLE_NAMESPACES = frozenset(
    {"user", "tenant", "call", "params", "workflow", "flags", "agent", "history"}
)
WRITABLE_NAMESPACES = frozenset({"workflow", "flags", "agent"})


def check_template(value: Any, path: Path, readable: frozenset[str] = READABLE_NAMESPACES) -> None:
    """Of every string in `value`, however deep: its slots are paths into the context."""
    _check_json(value, path)
    slots = 0
    for way, text in templates.strings_in(value):
        here = (*path, *way)
        try:
            parsed = templates.parse(text)
        except TemplateSyntaxError as problem:
            raise _invalid_input(problem, here) from None
        slots += sum(isinstance(part, templates.Placeholder) for part in parsed)
        if slots > templates.MAX_PLACEHOLDERS:
            raise InvalidInput(f"A value may have {templates.MAX_PLACEHOLDERS} slots.", path)
        _check_namespaces(templates.paths_in(parsed), here, readable)


def check_condition(text: str, path: Path, readable: frozenset[str] = READABLE_NAMESPACES) -> None:
    _check_json(text, path)
    try:
        parsed = expressions.parse(text)
    except TemplateSyntaxError as problem:
        raise _invalid_input(problem, path) from None
    _check_namespaces(expressions.paths_in(parsed), path, readable)


def check_readable(where: str, path: Path, readable: frozenset[str] = READABLE_NAMESPACES) -> None:
    """A path that steps may read."""
    try:
        steps = parse_path(where)
    except TemplateSyntaxError as problem:
        raise _invalid_input(problem, path) from None
    _check_namespaces([steps], path, readable)


def check_writable(where: str, path: Path) -> None:
    """A path that tools may write to; `[+]` behind it appends."""
    where = where.removesuffix("[+]")
    if not is_path(where) or where.split(".")[0] not in WRITABLE_NAMESPACES or "." not in where:
        raise InvalidInput(
            f"{where!r} cannot be written; write under {_listed(WRITABLE_NAMESPACES)}, "
            "for instance workflow.appointment.",
            path,
        )


def _check_json(value: Any, path: Path) -> None:
    why = json_problem(value)
    if why is not None:
        raise InvalidInput(f"The value is {why}.", path)


def _check_namespaces(
    paths: Iterable[tuple[str, ...]], path: Path, readable: frozenset[str]
) -> None:
    for steps in paths:
        if steps[0] not in readable:
            raise InvalidInput(
                f"{'.'.join(steps)!r} is not a path into the context; paths begin with "
                f"{_listed(readable)}, for instance user.name.",
                path,
            )


def _invalid_input(problem: TemplateSyntaxError, path: Path) -> InvalidInput:
    return InvalidInput(f"{problem.message} (character {problem.position + 1}).", path)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
