"""What agents are told, and how they listen and speak."""

from __future__ import annotations

import strawberry

from domain.workflows import agents as domain


@strawberry.type(description="A slot of a prompt, and what stands there by default.")
class Variable:
    name: str = strawberry.field(description="The path that the slot names.")
    default: str = strawberry.field(description="What stands there when the context has nothing.")


@strawberry.type(description="What an agent is told.")
class Prompt:
    system: str = strawberry.field(description="Its instructions; a template.")
    greeting: str | None = strawberry.field(description="What it says first; a template.")
    interruptible_greeting: bool = strawberry.field(
        description="Whether the caller may talk over the greeting."
    )
    variables: list[Variable] = strawberry.field(description="Slots with defaults.")


@strawberry.type(description="The voice for a language.")
class Voice:
    language: str = strawberry.field(description="A BCP 47 tag, such as hi-IN.")
    voice: str = strawberry.field(description="An id of the speech provider; a template.")


@strawberry.type(description="Said to a silent caller.")
class SilencePrompt:
    after: float = strawberry.field(description="Seconds of silence.")
    say: str = strawberry.field(description="What is said; a template.")


@strawberry.type(description="How patiently an agent listens. Times are in seconds.")
class SessionSettings:
    min_endpointing: float = strawberry.field(
        description="The least silence after which the caller is taken to have finished."
    )
    max_endpointing: float = strawberry.field(
        description="The most it waits when they do not seem to have finished."
    )
    auto_disconnect: float = strawberry.field(description="After so much silence the call ends.")
    silence: list[SilencePrompt] = strawberry.field(description="What is said on the way there.")
    max_duration: float | None = strawberry.field(description="The longest call it may hold.")


@strawberry.input(description="A slot of a prompt, and what stands there by default.")
class VariableInput:
    name: str = strawberry.field(description="The path that the slot names.")
    default: str = strawberry.field(default="", description="What stands there otherwise.")


@strawberry.input(description="What an agent is told.")
class PromptInput:
    system: str = strawberry.field(description="Its instructions; a template.")
    greeting: str | None = strawberry.field(default=None, description="What it says first.")
    interruptible_greeting: bool = strawberry.field(
        default=True, description="Whether the caller may talk over the greeting."
    )
    variables: list[VariableInput] = strawberry.field(
        default_factory=list, description="Slots with defaults."
    )

    def prompt(self) -> domain.Prompt:
        variables = tuple(domain.Variable(name=v.name, default=v.default) for v in self.variables)
        return domain.Prompt(
            system=self.system,
            greeting=self.greeting,
            interruptible_greeting=self.interruptible_greeting,
            variables=variables,
        )


@strawberry.input(description="The voice for a language.")
class VoiceInput:
    language: str = strawberry.field(description="A BCP 47 tag, such as hi-IN.")
    voice: str = strawberry.field(description="An id of the speech provider; a template.")


@strawberry.input(description="Said to a silent caller.")
class SilencePromptInput:
    after: float = strawberry.field(description="Seconds of silence.")
    say: str = strawberry.field(description="What is said; a template.")


@strawberry.input(description="How patiently an agent listens. Times are in seconds.")
class SessionSettingsInput:
    min_endpointing: float = strawberry.field(
        default=0.5, description="The least silence after which the caller has finished."
    )
    max_endpointing: float = strawberry.field(
        default=3.0, description="The most it waits when they do not seem to have finished."
    )
    auto_disconnect: float = strawberry.field(
        default=300.0, description="After so much silence the call ends."
    )
    silence: list[SilencePromptInput] = strawberry.field(
        default_factory=list, description="What is said on the way there."
    )
    max_duration: float | None = strawberry.field(
        default=None, description="The longest call it may hold."
    )

    def session(self) -> domain.Session:
        return domain.Session(
            min_endpointing=self.min_endpointing,
            max_endpointing=self.max_endpointing,
            auto_disconnect=self.auto_disconnect,
            silence=tuple(domain.SilencePrompt(after=s.after, say=s.say) for s in self.silence),
            max_duration=self.max_duration,
        )


def voices(given: list[VoiceInput]) -> tuple[domain.Voice, ...]:
    return tuple(domain.Voice(language=v.language, voice=v.voice) for v in given)
