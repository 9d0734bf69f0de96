"""The wording of the texts that agents say without their model."""

from __future__ import annotations

import strawberry

from domain.workflows import spoken_text_templates as domain
from domain.workflows.spoken_texts import SpokenText
from graph.schema.types.inputs import InputReader


@strawberry.type(
    description="Wording of a text that agents say without their model, in one language."
)
class SpokenTextTemplate:
    text: SpokenText = strawberry.field(description="The text that is worded.")
    language: str = strawberry.field(
        description=(
            "Language as a BCP 47 tag. A tag without a region, such as `hi`, applies to all "
            "regions that have no wording of their own."
        )
    )
    say: str = strawberry.field(description="What the agent says; a template.")


@strawberry.input(
    description="Wording of a text that agents say without their model, in one language."
)
class SpokenTextTemplateInput:
    text: SpokenText = strawberry.field(description="The text to word.")
    language: str = strawberry.field(
        description=(
            "Language as a BCP 47 tag. A tag without a region, such as `hi`, applies to all "
            "regions that have no wording of their own."
        )
    )
    say: str = strawberry.field(
        description="What the agent says; a template of at most 500 characters."
    )


def spoken_texts(inputs: list[SpokenTextTemplateInput], _reader: InputReader) -> domain.SpokenTexts:
    return tuple(
        domain.SpokenTextTemplate(text=each.text, language=each.language, say=each.say)
        for each in inputs
    )
