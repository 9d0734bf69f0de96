"""The interruption settings of agents."""

from __future__ import annotations

import strawberry

from domain.common.patches import Patch
from domain.workflows import interruptions as domain
from domain.workflows.interruptions import InterruptedBy
from graph.schema.scalars import Duration
from graph.schema.types.durations import duration_field
from graph.schema.types.inputs import InputReader, as_tuple, same, seconds


@strawberry.type(
    description="What a caller must say, while the agent speaks, for the agent to stop and listen."
)
class InterruptionSettings:
    by: InterruptedBy = strawberry.field(description="What interrupts the agent.")
    min_words: int = strawberry.field(
        description=(
            "Minimum number of words that interrupt the agent. Fewer words, said while the agent "
            "speaks, are not a turn."
        )
    )
    min_duration: Duration = duration_field(
        "min_seconds", "Minimum length of the caller's speech that interrupts the agent."
    )
    ignore: list[str] | None = strawberry.field(
        description=(
            "Phrases that neither interrupt the agent nor are a turn while it speaks, such as "
            "`mhm`. Null: the built-in acknowledgements of the agent's languages."
        )
    )
    always: list[str] | None = strawberry.field(
        description=(
            "Phrases that interrupt the agent at once, such as `stop`. Null: the built-in ones of "
            "the agent's languages."
        )
    )
    resume_delay: Duration | None = duration_field(
        "resume_after",
        "Silence after which an agent that paused for a sound continues. Null: it does not continue.",
        nullable=True,
    )


@strawberry.input(
    description=(
        "What a caller must say, while the agent speaks, for the agent to stop and listen. An update "
        "leaves omitted fields as they are; a new agent gets their defaults."
    )
)
class InterruptionSettingsInput:
    by: strawberry.Maybe[InterruptedBy | None] = strawberry.field(
        description="What interrupts the agent; `WORDS` by default."
    )
    min_words: strawberry.Maybe[int | None] = strawberry.field(
        description=(
            "Minimum number of words that interrupt the agent, from 1 to 10; 1 by default. Fewer "
            "words, said while the agent speaks, are not a turn."
        )
    )
    min_duration: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "Minimum length of the caller's speech that interrupts the agent, from `PT0.05S` to "
            "`PT3S`; `PT0.5S` by default."
        )
    )
    ignore: strawberry.Maybe[list[str] | None] = strawberry.field(
        description=(
            "Phrases that neither interrupt the agent nor are a turn while it speaks, at most 50. "
            "Null, the default: the built-in acknowledgements of the agent's languages."
        )
    )
    always: strawberry.Maybe[list[str] | None] = strawberry.field(
        description=(
            "Phrases that interrupt the agent at once, at most 50. Null, the default: the built-in "
            "ones of the agent's languages."
        )
    )
    resume_delay: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "Silence after which an agent that paused for a sound continues, from `PT0.3S` to "
            "`PT10S`; `PT2S` by default. Null: it does not continue."
        )
    )

    def patch(self, reader: InputReader) -> Patch[domain.Interruption]:
        fields = {
            **same("by", "min_words"),
            "min_duration": ("min_seconds", seconds),
            "resume_delay": ("resume_after", seconds),
            "ignore": ("ignore", as_tuple),
            "always": ("always", as_tuple),
        }
        nullable = frozenset({"ignore", "always", "resume_delay"})
        return reader.patch(self, domain.Interruption, fields, nullable=nullable)
