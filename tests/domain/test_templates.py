"""Placeholders, and the context that they read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calls.context import CallContext
from domain.calls.events import ContextChanged
from domain.common.errors import InvalidInput
from domain.templating.lexer import TemplateSyntaxError
from domain.templating.templates import render, render_value
from domain.templating.validation import check_template
from tests.support.cpu import cpu_seconds

SEEN: dict[str, Any] = {
    "user": {"name": "Ada", "visits": 3, "tags": ["a", "b"], "price": 1234.5, "born": "1815-12-10"},
    "workflow": {"slot": None, "deep": {"er": {"est": True}}},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello {{user.name}}!", "Hello Ada!"),
        ("Hello {{ user.name }}!", "Hello Ada!"),
        ("{{user.visits}} visits", "3 visits"),
        ("{{user.tags}}", '["a", "b"]'),
        ("{{user.tags.1}}", "b"),
        ("{{user.tags.7}}|{{user.nobody.there}}|{{workflow.slot}}", "||"),
        ("{{workflow.deep.er.est}}", "true"),
        ("{ {user.name} } }} {", "{ {user.name} } }} {"),
        ('{{ "{{" }} {{"}}"}}', "{{ }}"),
        ("{{ user.name | upper }}", "ADA"),
        ('{{ user.nick | default: "there" }}', "there"),
        ('{{ user.nick | default: "}}" | lower }}', "}}"),
        ("{{ user.visits | number: 2 }}", "3.00"),
        ("{{ user.price | number }} {{ user.price | round }}", "1,234.5 1234"),
        ('{{ user.born | date: "%d %B %Y" }}', "10 December 1815"),
        ('{{ user.name | date: "%d" }} {{ user.name | number }}', "Ada Ada"),
        ("{{ user.name | json }} {{ user.nobody | json }}", '"Ada" null'),
    ],
)
def test_placeholders_are_filled(template: str, text: str) -> None:
    assert render(template, SEEN) == text


def test_a_lone_placeholder_keeps_the_type_of_its_value() -> None:
    assert render_value(
        {"n": "{{user.visits}}", "l": ["{{user.tags}}", "x{{user.visits}}"]}, SEEN
    ) == {
        "n": 3,
        "l": [["a", "b"], "x3"],
    }


def test_rendered_values_are_never_parsed_again() -> None:
    assert render("{{user.name}}", {"user": {"name": "{{user.secret}}"}}) == "{{user.secret}}"


@pytest.mark.parametrize("bad", ["{{nowhere.x}}", "{{user.}}", "{{ 1 + 1 }}", "{{user.__x y}}"])
def test_a_placeholder_that_is_not_a_path_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_template({"a": [bad]}, ("input",))
    assert refused.value.path == ("input", "a", "0")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{} .auser|:'\"\n", max_size=2_000))
def test_any_text_renders_in_bounded_time(text: str) -> None:
    assert cpu_seconds(lambda: render(text, SEEN), refusal=(TemplateSyntaxError,)) < 0.5


def test_replaying_write_events_yields_the_context() -> None:
    context = CallContext(user={"name": "Ada"})
    for path, value in [
        ("workflow.meals[+]", "rice"),
        ("workflow.meals[+]", "dal"),
        ("workflow.a.b", 1),
        ("flags.done", True),
        ("agent.note", "n"),
    ]:
        context = context.apply(context.set_event(path, value, "desk"))
    context = context.apply(context.remove_event("workflow.a", "desk"))
    assert context == CallContext(
        user={"name": "Ada"},
        workflow={"meals": ["rice", "dal"]},
        flags={"done": True},
        agents={"desk": {"note": "n"}},
    )
    assert context.visible_to("desk")["agent"] == {"note": "n"}
    assert context.visible_to("other")["agent"] == {}
    assert context.set_event("agent.note", 2, "desk") == ContextChanged(
        path="agents.desk.note", value=2
    )
