"""Checks that report every problem of a value, and not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import ParamSpec, TypeVar

from domain.common.errors import InvalidInput, InvalidInputs, NotFound, Path, Problem

P = ParamSpec("P")
T = TypeVar("T")

MAX_PROBLEMS = 100
"""Problems in one error."""

Problems = Iterator[Problem]


def problems_of(check: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Problems:
    """The problems that a check raises; none if it passes."""
    try:
        check(*args, **kwargs)
    except (InvalidInput, NotFound) as problem:
        yield from problem.problems


def parse_all(parse: Callable[[str, Path], T], texts: Sequence[str], path: Path) -> tuple[T, ...]:
    """Parse each entry of a list. Raises the problems of all of them as one error."""
    parsed: list[T] = []
    problems: list[Problem] = []
    for index, text in enumerate(texts):
        try:
            parsed.append(parse(text, (*path, str(index))))
        except InvalidInput as error:
            problems += error.problems
    raise_all(problems)
    return tuple(parsed)


def raise_first(problems: Iterable[Problem]) -> None:
    for problem in problems:
        raise problem


def raise_all(problems: Iterable[Problem]) -> None:
    """Raise the problems as one error; nothing happens if there are none."""
    found = list(islice(problems, MAX_PROBLEMS))
    if len(found) == 1:
        raise found[0]
    if found:
        raise InvalidInputs(found)


def raise_per_value(*groups: Iterable[Problem]) -> None:
    """Raise the first problem of each value as one error, because further ones often follow from it."""
    raise_all(_one_per_path(chain(*groups)))


def _one_per_path(problems: Iterable[Problem]) -> Problems:
    reported: set[Path | None] = set()
    for problem in problems:
        if problem.path is None or problem.path not in reported:
            reported.add(problem.path)
            yield problem
