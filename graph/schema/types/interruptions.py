"""The interruption settings of agents."""

from __future__ import annotations

import strawberry

from domain.workflows import interruptions as domain
from domain.workflows.interruptions import InterruptedBy


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
    min_seconds: float = strawberry.field(
        description="Minimum length of the caller's speech that interrupts the agent, in seconds."
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
    resume_after: float | None = strawberry.field(
        description=(
            "Silence after which an agent that paused for a sound continues, in seconds. Null: it "
            "does not continue."
        )
    )


@strawberry.input(
    description="What a caller must say, while the agent speaks, for the agent to stop and listen."
)
class InterruptionSettingsInput:
    by: InterruptedBy = strawberry.field(
        default=InterruptedBy.WORDS, description="What interrupts the agent."
    )
    min_words: int = strawberry.field(
        default=1,
        description=(
            "Minimum number of words that interrupt the agent, from 1 to 10. Fewer words, said "
            "while the agent speaks, are not a turn."
        ),
    )
    min_seconds: float = strawberry.field(
        default=0.5,
        description=(
            "Minimum length of the caller's speech that interrupts the agent, from 0.05 to 3 "
            "seconds."
        ),
    )
    ignore: list[str] | None = strawberry.field(
        default=None,
        description=(
            "Phrases that neither interrupt the agent nor are a turn while it speaks, at most 50. "
            "Null: the built-in acknowledgements of the agent's languages."
        ),
    )
    always: list[str] | None = strawberry.field(
        default=None,
        description=(
            "Phrases that interrupt the agent at once, at most 50. Null: the built-in ones of the "
            "agent's languages."
        ),
    )
    resume_after: float | None = strawberry.field(
        default=2.0,
        description=(
            "Silence after which an agent that paused for a sound continues, from 0.3 to 10 "
            "seconds. Null: it does not continue."
        ),
    )

    def interruption(self) -> domain.Interruption:
        return domain.Interruption(
            by=self.by,
            min_words=self.min_words,
            min_seconds=self.min_seconds,
            ignore=None if self.ignore is None else tuple(self.ignore),
            always=None if self.always is None else tuple(self.always),
            resume_after=self.resume_after,
        )
