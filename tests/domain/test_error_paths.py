"""The paths of domain errors, and the argument that the API puts in front of them."""

from __future__ import annotations

import pytest

from domain.common.errors import (
    InvalidInput,
    InvalidInputs,
    NotFound,
    Path,
    RevisionConflict,
    Unauthenticated,
)
from domain.common.problems import raise_per_value


def test_an_error_about_a_value_names_the_argument_first_and_keeps_its_fields() -> None:
    conflict = RevisionConflict("It was edited.", ("expectedRevision",), current=3)
    shown = conflict.within("input")
    assert (type(shown), shown.path) == (RevisionConflict, ("input", "expectedRevision"))
    assert (shown.message, str(shown), shown.current) == ("It was edited.", "It was edited.", 3)
    assert conflict.path == ("expectedRevision",)


def test_an_error_about_all_values_names_the_argument_alone() -> None:
    assert Unauthenticated("The password is wrong.", ()).within("input").path == ("input",)


def test_an_error_about_no_value_has_no_path() -> None:
    assert Unauthenticated("Sign in.").within("input").path is None


def test_an_error_calls_a_value_by_the_name_that_the_request_used() -> None:
    slow = InvalidInput("timeout must be at most 60 seconds.", ("actions", "0", "timeout"))
    other = InvalidInput("timeout is one of two.", ("timeout",))
    names: dict[Path, str] = {("actions", "0", "timeout"): "timeLimit"}
    shown = InvalidInputs([slow, other]).renamed(names)
    assert [(each.message, each.path) for each in shown.problems] == [
        ("timeLimit must be at most 60 seconds.", ("actions", "0", "timeLimit")),
        ("timeout is one of two.", ("timeout",)),
    ]
    assert (shown.message, shown.path) == (shown.problems[0].message, shown.problems[0].path)


def test_the_first_problem_of_each_value_is_reported_and_a_single_one_stays_what_it_is() -> None:
    missing = NotFound("There is no such trunk.", ("trunk",))
    again = InvalidInput("trunk is odd.", ("trunk",))
    with pytest.raises(NotFound) as alone:
        raise_per_value([missing], [again])
    assert alone.value is missing
    with pytest.raises(InvalidInputs) as several:
        raise_per_value([missing, InvalidInput("Too long.", ("name",))], [again])
    codes = [(each.code, each.path) for each in several.value.problems]
    assert codes == [("NOT_FOUND", ("trunk",)), ("INVALID_INPUT", ("name",))]
