"""The settings of workflows for machines that answer outbound phone calls."""

from __future__ import annotations

from dataclasses import fields

import strawberry

from domain.workflows import answering as domain
from domain.workflows.answering import IvrAction, ScreenerAction, VoicemailAction

DEFAULTS = domain.AnsweringSettings()


@strawberry.type(description="What outbound phone calls do about machines that answer.")
class WorkflowAnswering:
    enabled: bool = strawberry.field(
        description=(
            "Whether the agent listens first to find out who answered. False: it greets as "
            "soon as the phone is answered."
        )
    )
    voicemail: VoicemailAction = strawberry.field(description="What to do when a mailbox answers.")
    message: str | None = strawberry.field(
        description="Message for a mailbox; a template. Null when there is none."
    )
    screener: ScreenerAction = strawberry.field(
        description="What to do when a screener asks who is calling."
    )
    introduction: str | None = strawberry.field(
        description=(
            "What a screener hears: who is calling and why; a template. Null when there is none."
        )
    )
    ivr: IvrAction = strawberry.field(description="What to do when a voice menu answers.")
    goal: str | None = strawberry.field(
        description=(
            "The person or the department to reach through a voice menu; a template. Null when there is none."
        )
    )
    ask_model: bool = strawberry.field(
        description=(
            "Whether the model of the entry agent decides about a long greeting that no rule "
            "recognizes."
        )
    )
    silent_seconds: float = strawberry.field(
        description="The agent speaks first after a silence of this length, in seconds."
    )
    tone_seconds: float = strawberry.field(
        description=(
            "How long to wait for the tone of a mailbox before the message is left without one, in "
            "seconds."
        )
    )
    screening_seconds: float = strawberry.field(
        description="How long to wait for a person after a screener was answered, in seconds."
    )


@strawberry.input(description="What outbound phone calls do about machines that answer.")
class WorkflowAnsweringInput:
    enabled: bool = strawberry.field(
        default=DEFAULTS.enabled,
        description=(
            "Whether the agent listens first to find out who answered. False: it greets as "
            "soon as the phone is answered."
        ),
    )
    voicemail: VoicemailAction = strawberry.field(
        default=DEFAULTS.voicemail, description="What to do when a mailbox answers."
    )
    message: str | None = strawberry.field(
        default=None,
        description=(
            "Message for a mailbox, at most 1,000 characters; a template. LEAVE_MESSAGE needs it."
        ),
    )
    screener: ScreenerAction = strawberry.field(
        default=DEFAULTS.screener, description="What to do when a screener asks who is calling."
    )
    introduction: str | None = strawberry.field(
        default=None,
        description=(
            "What a screener hears: who is calling and why, at most 1,000 characters; a template. "
            "ANSWER needs it."
        ),
    )
    ivr: IvrAction = strawberry.field(
        default=DEFAULTS.ivr, description="What to do when a voice menu answers."
    )
    goal: str | None = strawberry.field(
        default=None,
        description=(
            "The person or the department to reach through a voice menu, at most 1,000 characters; a template. "
            "NAVIGATE needs it."
        ),
    )
    ask_model: bool = strawberry.field(
        default=DEFAULTS.ask_model,
        description=(
            "Whether the model of the entry agent decides about a long greeting that no rule "
            "recognizes."
        ),
    )
    silent_seconds: float = strawberry.field(
        default=DEFAULTS.silent_seconds,
        description=(
            "The agent speaks first after a silence of this length, from 0.5 to 10 seconds."
        ),
    )
    tone_seconds: float = strawberry.field(
        default=DEFAULTS.tone_seconds,
        description=(
            "How long to wait for the tone of a mailbox before the message is left without one, "
            "from 2 to 60 seconds."
        ),
    )
    screening_seconds: float = strawberry.field(
        default=DEFAULTS.screening_seconds,
        description=(
            "How long to wait for a person after a screener was answered, from 5 to 120 seconds."
        ),
    )

    def settings(self) -> domain.AnsweringSettings:
        return domain.AnsweringSettings(
            enabled=self.enabled,
            voicemail=self.voicemail,
            message=self.message,
            screener=self.screener,
            introduction=self.introduction,
            ivr=self.ivr,
            goal=self.goal,
            ask_model=self.ask_model,
            silent_seconds=self.silent_seconds,
            tone_seconds=self.tone_seconds,
            screening_seconds=self.screening_seconds,
        )


@strawberry.input(
    description=(
        "What one outbound phone call does differently from its workflow about machines that answer. "
        "Omit a field to do as the workflow says."
    )
)
class CallAnsweringInput:
    enabled: bool | None = strawberry.field(
        default=None,
        description="Whether the agent listens first to find out who answered.",
    )
    voicemail: VoicemailAction | None = strawberry.field(
        default=None, description="What to do when a mailbox answers."
    )
    message: str | None = strawberry.field(
        default=None,
        description="Message for a mailbox, at most 1,000 characters; a template.",
    )
    screener: ScreenerAction | None = strawberry.field(
        default=None, description="What to do when a screener asks who is calling."
    )
    introduction: str | None = strawberry.field(
        default=None,
        description=(
            "What a screener hears: who is calling and why, at most 1,000 characters; a template."
        ),
    )
    ivr: IvrAction | None = strawberry.field(
        default=None, description="What to do when a voice menu answers."
    )
    goal: str | None = strawberry.field(
        default=None,
        description=(
            "The person or the department to reach through a voice menu, at most 1,000 characters; "
            "a template."
        ),
    )
    ask_model: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether the model of the entry agent decides about a long greeting that no rule "
            "recognizes."
        ),
    )
    silent_seconds: float | None = strawberry.field(
        default=None,
        description=(
            "The agent speaks first after a silence of this length, from 0.5 to 10 seconds."
        ),
    )
    tone_seconds: float | None = strawberry.field(
        default=None,
        description=(
            "How long to wait for the tone of a mailbox before the message is left without one, "
            "from 2 to 60 seconds."
        ),
    )
    screening_seconds: float | None = strawberry.field(
        default=None,
        description=(
            "How long to wait for a person after a screener was answered, from 5 to 120 seconds."
        ),
    )

    def override(self) -> domain.AnsweringOverride:
        return domain.AnsweringOverride(
            **{field.name: getattr(self, field.name) for field in fields(domain.AnsweringOverride)}
        )
