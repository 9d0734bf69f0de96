"""The paths of domain errors, and the argument that the API puts in front of them."""

from __future__ import annotations

from domain.common.errors import RevisionConflict, Unauthenticated


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
