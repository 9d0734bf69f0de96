"""Prompts, voices and session settings of agents."""

from __future__ import annotations

import strawberry

from domain.common.patches import Patch
from domain.workflows import agents as domain
from graph.schema.scalars import Duration
from graph.schema.types.durations import duration_field
from graph.schema.types.inputs import Fields, InputReader, same, seconds
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
    after: float = strawberry.field(
        description="Silence before the prompt is spoken, in seconds.",
        deprecation_reason="Use `delay`.",
    )
    delay: Duration = duration_field("after", "Silence before the prompt is spoken.")
    say: str = strawberry.field(
        description=(
            "Text that the agent speaks; a template. Empty: the text `STILL_THERE` in the language "
            "of the call."
        )
    )


@strawberry.type(description="Turn detection, silence handling and duration limit of an agent.")
class SessionSettings:
    min_endpointing: float = strawberry.field(
        description=(
            "Minimum silence before the caller's turn is considered complete, in seconds."
        ),
        deprecation_reason="Use `minEndpointingDelay`.",
    )
    min_endpointing_delay: Duration = duration_field(
        "min_endpointing", "Minimum silence before the caller's turn is considered complete."
    )
    max_endpointing: float = strawberry.field(
        description="Maximum wait when the caller does not seem to have finished, in seconds.",
        deprecation_reason="Use `maxEndpointingDelay`.",
    )
    max_endpointing_delay: Duration = duration_field(
        "max_endpointing", "Maximum wait when the caller does not seem to have finished."
    )
    auto_disconnect: float = strawberry.field(
        description="Silence after which the call ends, in seconds.",
        deprecation_reason="Use `disconnectAfter`.",
    )
    disconnect_after: Duration = duration_field(
        "auto_disconnect", "Silence after which the call ends."
    )
    silence: list[SilencePrompt] = strawberry.field(
        description="What the agent says during the silence before the call ends."
    )
    max_duration: float | None = strawberry.field(
        description=(
            "How long the agent may hold a call before it ends, in seconds; null for no limit."
        ),
        deprecation_reason="Use `timeLimit`.",
    )
    time_limit: Duration | None = duration_field(
        "max_duration",
        "How long the agent may hold a call before it ends; null for no limit.",
        nullable=True,
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


@strawberry.input(
    description=(
        "Instructions and greeting of an agent. An update leaves omitted fields as they are; a new "
        "agent gets their defaults."
    )
)
class PromptInput:
    system: strawberry.Maybe[str | None] = strawberry.field(
        description="System prompt of the model; a template. Every new agent needs it."
    )
    greeting: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "First utterance of the agent; a template. Null, the default: the agent does not greet."
        )
    )
    interruptible_greeting: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether the caller can interrupt the greeting; true by default."
    )
    variables: strawberry.Maybe[list[VariableInput] | None] = strawberry.field(
        description="All default values for placeholders of the prompt; none by default."
    )

    def patch(self, reader: InputReader) -> Patch[domain.Prompt]:
        fields: Fields = {
            **same("system", "greeting", "interruptible_greeting"),
            "variables": ("variables", _variables),
        }
        nullable, required = frozenset({"greeting"}), {"system": ""}
        return reader.patch(self, domain.Prompt, fields, nullable=nullable, required=required)


def _variables(inputs: list[VariableInput], _reader: InputReader) -> tuple[domain.Variable, ...]:
    return tuple(domain.Variable(name=each.name, default=each.default) for each in inputs)


@strawberry.input(description="The TTS voice for one language.")
class VoiceInput:
    language: str = strawberry.field(description="Language as a BCP 47 tag, such as `hi-IN`.")
    voice: str = strawberry.field(description="Voice id of the TTS provider; a template.")


@strawberry.input(description="What the agent says to a silent caller.")
class SilencePromptInput:
    after: float | None = strawberry.field(
        default=None,
        description="Silence before the prompt is spoken, in seconds.",
        deprecation_reason="Use `delay`.",
    )
    delay: Duration | None = strawberry.field(
        default=None, description="Silence before the prompt is spoken; every prompt needs it."
    )
    say: str = strawberry.field(
        default="",
        description=(
            "Text that the agent speaks; a template. Omit it for the text `STILL_THERE` in the "
            "language of the call."
        ),
    )

    def prompt(self, reader: InputReader) -> domain.SilencePrompt:
        after = reader.required_seconds(self, "delay", "after")
        return domain.SilencePrompt(after=after, say=self.say)


@strawberry.input(
    description=(
        "Turn detection, silence handling and duration limit of an agent. An update leaves omitted "
        "fields as they are; a new agent gets their defaults."
    )
)
class SessionSettingsInput:
    min_endpointing: strawberry.Maybe[float | None] = strawberry.field(
        description=(
            "Minimum silence before the caller's turn is considered complete, in seconds."
        ),
        deprecation_reason="Use `minEndpointingDelay`.",
    )
    min_endpointing_delay: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "Minimum silence before the caller's turn is considered complete; `PT0.5S` by default."
        )
    )
    max_endpointing: strawberry.Maybe[float | None] = strawberry.field(
        description="Maximum wait when the caller does not seem to have finished, in seconds.",
        deprecation_reason="Use `maxEndpointingDelay`.",
    )
    max_endpointing_delay: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "Maximum wait when the caller does not seem to have finished; `PT3S` by default."
        )
    )
    auto_disconnect: strawberry.Maybe[float | None] = strawberry.field(
        description="Silence after which the call ends, in seconds.",
        deprecation_reason="Use `disconnectAfter`.",
    )
    disconnect_after: strawberry.Maybe[Duration | None] = strawberry.field(
        description="Silence after which the call ends; `PT5M` by default."
    )
    silence: strawberry.Maybe[list[SilencePromptInput] | None] = strawberry.field(
        description=(
            "All that the agent says during the silence before the call ends; nothing by default."
        )
    )
    max_duration: strawberry.Maybe[float | None] = strawberry.field(
        description=(
            "How long the agent may hold a call before it ends, in seconds; null for no limit."
        ),
        deprecation_reason="Use `timeLimit`.",
    )
    time_limit: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "How long the agent may hold a call before it ends; null, the default, for no limit."
        )
    )
    interruption: strawberry.Maybe[InterruptionSettingsInput | None] = strawberry.field(
        description="What the caller must say to interrupt the agent; omitted parts stay as they are."
    )

    def patch(self, reader: InputReader) -> Patch[domain.Session]:
        fields: Fields = {
            "min_endpointing_delay": ("min_endpointing", seconds),
            "max_endpointing_delay": ("max_endpointing", seconds),
            "disconnect_after": ("auto_disconnect", seconds),
            "time_limit": ("max_duration", seconds),
            **same("min_endpointing", "max_endpointing", "auto_disconnect", "max_duration"),
            "silence": ("silence", _silence),
            "interruption": ("interruption", InterruptionSettingsInput.patch),
        }
        nullable = frozenset({"max_duration", "time_limit"})
        return reader.patch(self, domain.Session, fields, nullable=nullable)


def _silence(
    inputs: list[SilencePromptInput], reader: InputReader
) -> tuple[domain.SilencePrompt, ...]:
    return tuple(each.prompt(reader.at(str(index))) for index, each in enumerate(inputs))


def voices(inputs: list[VoiceInput], _reader: InputReader) -> tuple[domain.Voice, ...]:
    return tuple(domain.Voice(language=v.language, voice=v.voice) for v in inputs)
