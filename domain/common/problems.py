"""Checks that report every problem of a value, and not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import ParamSpec

from domain.common.errors import InvalidInput, InvalidInputs

P = ParamSpec("P")

MAX_PROBLEMS = 100
"""Problems in one error."""

Problems = Iterator[InvalidInput]


def problems_of(check: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Problems:
    """The problems that a check raises; none if it passes."""
    try:
        check(*args, **kwargs)
    except InvalidInput as problem:
        yield from problem.problems


def raise_first(problems: Iterable[InvalidInput]) -> None:
    for problem in problems:
        raise problem


def raise_all(problems: Iterable[InvalidInput]) -> None:
    """Raise the problems as one error; nothing happens if there are none."""
    found = list(islice(problems, MAX_PROBLEMS))
    if len(found) == 1:
        raise found[0]
    if found:
        raise InvalidInputs(found)
