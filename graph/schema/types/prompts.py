"""Prompts, voices and session settings of agents."""

from __future__ import annotations

import strawberry

from domain.workflows import agents as domain
from graph.schema.types.interruptions import InterruptionSettings, InterruptionSettingsInput


@strawberry.type(description="Default value for a placeholder of a prompt.")
class Variable:
    name: str = strawberry.field(description="Context path that the placeholder reads.")
    default: str = strawberry.field(
        description="Text that is inserted when the context has no value."
    )


@strawberry.type(description="Instructions and greeting of an agent.")
class Prompt:
    system: str = strawberry.field(description="System prompt of the model; a template.")
    greeting: str | None = strawberry.field(
        description="First utterance of the agent; a template. Null: the agent does not greet."
    )
    interruptible_greeting: bool = strawberry.field(
        description="Whether the caller can interrupt the greeting."
    )
    variables: list[Variable] = strawberry.field(
        description="Default values for placeholders of the prompt."
    )


@strawberry.type(description="The TTS voice for one language.")
class Voice:
    language: str = strawberry.field(description="Language as a BCP 47 tag, such as `hi-IN`.")
    voice: str = strawberry.field(description="Voice id of the TTS provider; a template.")


@strawberry.type(description="What the agent says to a silent caller.")
class SilencePrompt:
    after: float = strawberry.field(description="Silence before the prompt is spoken, in seconds.")
    say: str = strawberry.field(
        description=(
            "Text that the agent speaks; a template. Empty: the text `STILL_THERE` in the language "
            "of the call."
        )
    )


@strawberry.type(
    description=(
        "Turn detection, silence handling and duration limit of an agent. Times are in seconds."
    )
)
class SessionSettings:
    min_endpointing: float = strawberry.field(
        description=("Minimum silence before the caller's turn is considered complete, in seconds.")
    )
    max_endpointing: float = strawberry.field(
        description="Maximum wait when the caller does not seem to have finished, in seconds."
    )
    auto_disconnect: float = strawberry.field(
        description="Silence after which the call ends, in seconds."
    )
    silence: list[SilencePrompt] = strawberry.field(
        description="What the agent says during the silence before the call ends."
    )
    max_duration: float | None = strawberry.field(
        description=(
            "How long the agent may hold a call before it ends, in seconds; null for no limit."
        )
    )
    interruption: InterruptionSettings = strawberry.field(
        description="What the caller must say to interrupt the agent."
    )


@strawberry.input(description="Default value for a placeholder of a prompt.")
class VariableInput:
    name: str = strawberry.field(description="Context path that the placeholder reads.")
    default: str = strawberry.field(
        default="", description="Text that is inserted when the context has no value."
    )


@strawberry.input(description="Instructions and greeting of an agent.")
class PromptInput:
    system: str = strawberry.field(description="System prompt of the model; a template.")
    greeting: str | None = strawberry.field(
        default=None,
        description="First utterance of the agent; a template. Null: the agent does not greet.",
    )
    interruptible_greeting: bool = strawberry.field(
        default=True, description="Whether the caller can interrupt the greeting."
    )
    variables: list[VariableInput] = strawberry.field(
        default_factory=list, description="Default values for placeholders of the prompt."
    )

    def prompt(self) -> domain.Prompt:
        variables = tuple(domain.Variable(name=v.name, default=v.default) for v in self.variables)
        return domain.Prompt(
            system=self.system,
            greeting=self.greeting,
            interruptible_greeting=self.interruptible_greeting,
            variables=variables,
        )


@strawberry.input(description="The TTS voice for one language.")
class VoiceInput:
    language: str = strawberry.field(description="Language as a BCP 47 tag, such as `hi-IN`.")
    voice: str = strawberry.field(description="Voice id of the TTS provider; a template.")


@strawberry.input(description="What the agent says to a silent caller.")
class SilencePromptInput:
    after: float = strawberry.field(description="Silence before the prompt is spoken, in seconds.")
    say: str = strawberry.field(
        default="",
        description=(
            "Text that the agent speaks; a template. Omit it for the text `STILL_THERE` in the "
            "language of the call."
        ),
    )


@strawberry.input(
    description=(
        "Turn detection, silence handling and duration limit of an agent. Times are in seconds."
    )
)
class SessionSettingsInput:
    min_endpointing: float = strawberry.field(
        default=0.5,
        description=(
            "Minimum silence before the caller's turn is considered complete, in seconds."
        ),
    )
    max_endpointing: float = strawberry.field(
        default=3.0,
        description="Maximum wait when the caller does not seem to have finished, in seconds.",
    )
    auto_disconnect: float = strawberry.field(
        default=300.0, description="Silence after which the call ends, in seconds."
    )
    silence: list[SilencePromptInput] = strawberry.field(
        default_factory=list,
        description="What the agent says during the silence before the call ends.",
    )
    max_duration: float | None = strawberry.field(
        default=None,
        description=(
            "How long the agent may hold a call before it ends, in seconds; null for no limit."
        ),
    )
    interruption: InterruptionSettingsInput | None = strawberry.field(
        default=None,
        description="What the caller must say to interrupt the agent; omit for the defaults.",
    )

    def session(self) -> domain.Session:
        return domain.Session(
            min_endpointing=self.min_endpointing,
            max_endpointing=self.max_endpointing,
            auto_disconnect=self.auto_disconnect,
            silence=tuple(domain.SilencePrompt(after=s.after, say=s.say) for s in self.silence),
            max_duration=self.max_duration,
            interruption=(self.interruption or InterruptionSettingsInput()).interruption(),
        )


def voices(inputs: list[VoiceInput]) -> tuple[domain.Voice, ...]:
    return tuple(domain.Voice(language=v.language, voice=v.voice) for v in inputs)
