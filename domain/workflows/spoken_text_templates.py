"""The wording that a tenant or an agent gives to spoken texts, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.common.errors import InvalidInput, Path
from domain.common.languages import check_language
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import check_text
from domain.templating.validation import template_problems
from domain.workflows.spoken_texts import (
    FALLBACK_LANGUAGE,
    SpokenText,
    default_spoken_text,
    text_language,
)

MAX_SPOKEN_TEXT_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenTextTemplate:
    """The wording of a spoken text in one language; `say` is a template."""

    text: SpokenText
    language: str
    say: str


SpokenTexts = tuple[SpokenTextTemplate, ...]


def find_spoken_text(text: SpokenText, language: str | None, *levels: SpokenTexts) -> str:
    """The template of a text: that of the first level that words it in the language, else the
    product's own; the same in English if there is none in the language or it is not known."""
    for each in dict.fromkeys((language or FALLBACK_LANGUAGE, FALLBACK_LANGUAGE)):
        own = (_closest((t for t in level if t.text is text), each) for level in levels)
        for say in (*own, default_spoken_text(text, each)):
            if say is not None:
                return say
    raise AssertionError(f"{text} has no text in {FALLBACK_LANGUAGE}")


def spoken_text_problems(
    templates: SpokenTexts, path: Path, readable: frozenset[str], max_count: int
) -> Problems:
    """The problems of the templates. `readable` are the namespaces that they may read."""
    if len(templates) > max_count:
        yield InvalidInput(f"{path[-1]} must not have more than {max_count} items.", path)
        return
    seen: set[tuple[SpokenText, str]] = set()
    for index, template in enumerate(templates):
        here = (*path, str(index))
        yield from problems_of(check_language, template.language, (*here, "language"))
        if (template.text, template.language) in seen:
            yield InvalidInput(
                f"{template.text.value} is listed twice for {template.language}.", here
            )
        seen.add((template.text, template.language))
        say = (*here, "say")
        yield from problems_of(
            check_text, template.say, say, max_length=MAX_SPOKEN_TEXT_LENGTH, min_length=1
        )
        yield from template_problems(template.say, say, readable)


def _closest(templates: Iterable[SpokenTextTemplate], language: str) -> str | None:
    """The template for exactly this language, else for it without a region, else with another."""
    key = text_language(language)
    ranks = {key: 1, language: 0}
    matches = (t for t in templates if text_language(t.language) == key)
    closest = min(matches, key=lambda t: ranks.get(t.language, 2), default=None)
    return None if closest is None else closest.say
