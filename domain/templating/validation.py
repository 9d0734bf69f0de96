"""Validation of templates and conditions when they are saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.common.errors import InvalidInput, Path
from domain.common.json_values import json_problem
from domain.common.problems import Problems, raise_first
from domain.templating import expressions, templates
from domain.templating.lexer import TemplateSyntaxError, is_path, parse_path

READABLE_NAMESPACES = frozenset(
    {"user", "tenant", "call", "params", "workflow", "flags", "agent", "history"}
)
WRITABLE_NAMESPACES = frozenset({"workflow", "flags", "agent"})
MASKED = "masked"
"""The namespace of digits that are stored nowhere."""


def check_template(value: Any, path: Path, readable: frozenset[str] = READABLE_NAMESPACES) -> None:
    """Check that every placeholder in `value`, at any depth, reads a path of the context."""
    raise_first(template_problems(value, path, readable))


def template_problems(
    value: Any, path: Path, readable: frozenset[str] = READABLE_NAMESPACES
) -> Problems:
    if (problem := json_problem(value)) is not None:
        yield InvalidInput(f"The value is {problem}.", path)
        return
    placeholders = 0
    for inner_path, text in templates.strings_in(value):
        here = (*path, *inner_path)
        try:
            parsed = templates.parse(text)
        except TemplateSyntaxError:
            parsed, errors = templates.parse_leniently(text)
            yield from (_invalid_input(error, here) for error in errors)
        placeholders += sum(isinstance(part, templates.Placeholder) for part in parsed)
        if placeholders > templates.MAX_PLACEHOLDERS:
            yield InvalidInput(
                f"A value may have at most {templates.MAX_PLACEHOLDERS} placeholders.", path
            )
            return
        yield from _namespace_problems(templates.paths_in(parsed), here, readable)


def check_condition(text: str, path: Path, readable: frozenset[str] = READABLE_NAMESPACES) -> None:
    raise_first(condition_problems(text, path, readable))


def condition_problems(
    text: str, path: Path, readable: frozenset[str] = READABLE_NAMESPACES
) -> Problems:
    if (problem := json_problem(text)) is not None:
        yield InvalidInput(f"The value is {problem}.", path)
        return
    try:
        parsed = expressions.parse(text)
    except TemplateSyntaxError as error:
        yield _invalid_input(error, path)
    else:
        yield from _namespace_problems(expressions.paths_in(parsed), path, readable)


def check_readable(where: str, path: Path, readable: frozenset[str] = READABLE_NAMESPACES) -> None:
    """Check that actions may read the path `where`."""
    try:
        segments = parse_path(where)
    except TemplateSyntaxError as problem:
        raise _invalid_input(problem, path) from None
    raise_first(_namespace_problems([segments], path, readable))


def check_writable(where: str, path: Path) -> None:
    """Check that tools may write to the path `where`; a trailing `[+]` appends to a list."""
    where = where.removesuffix("[+]")
    if not is_path(where) or where.split(".")[0] not in WRITABLE_NAMESPACES or "." not in where:
        raise InvalidInput(
            f"{where!r} is not writable; tools write to paths that begin with "
            f"{_join_names(WRITABLE_NAMESPACES)}, for example workflow.appointment.",
            path,
        )


def _namespace_problems(
    paths: Iterable[tuple[str, ...]], path: Path, readable: frozenset[str]
) -> Problems:
    for segments in paths:
        if segments[0] == MASKED and MASKED not in readable:
            yield InvalidInput(
                f"{'.'.join(segments)!r} would be stored here; masked digits may be read only in the "
                "headers and the body of an apiCall.",
                path,
            )
        elif segments[0] not in readable:
            yield InvalidInput(
                f"{'.'.join(segments)!r} is not a path of the context; paths begin with "
                f"{_join_names(readable - {MASKED})}, for example user.name.",
                path,
            )


def _invalid_input(problem: TemplateSyntaxError, path: Path) -> InvalidInput:
    return InvalidInput(f"{problem.message} (character {problem.position + 1}).", path)


def _join_names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
