"""The settings of workflows for machines that answer outbound phone calls."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import strawberry

from domain.common.patches import Patch
from domain.workflows import answering as domain
from domain.workflows.answering import IvrAction, ScreenerAction, VoicemailAction
from graph.schema.scalars import Duration
from graph.schema.types.durations import duration_field
from graph.schema.types.inputs import InputReader, same, seconds


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
    silence_timeout: Duration = duration_field(
        "silent_seconds", "The agent speaks first after a silence of this length."
    )
    tone_timeout: Duration = duration_field(
        "tone_seconds",
        "How long to wait for the tone of a mailbox before the message is left without one.",
    )
    screening_timeout: Duration = duration_field(
        "screening_seconds", "How long to wait for a person after a screener was answered."
    )


@strawberry.input(
    description=(
        "What outbound phone calls do about machines that answer. An update leaves omitted fields as "
        "they are; a new workflow gets their defaults."
    )
)
class WorkflowAnsweringInput:
    enabled: strawberry.Maybe[bool | None] = strawberry.field(
        description=(
            "Whether the agent listens first to find out who answered; true by default. False: it "
            "greets as soon as the phone is answered."
        )
    )
    voicemail: strawberry.Maybe[VoicemailAction | None] = strawberry.field(
        description="What to do when a mailbox answers; `TALK` by default."
    )
    message: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "Message for a mailbox, at most 1,000 characters; a template. LEAVE_MESSAGE needs it."
        )
    )
    screener: strawberry.Maybe[ScreenerAction | None] = strawberry.field(
        description="What to do when a screener asks who is calling; `TALK` by default."
    )
    introduction: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "What a screener hears: who is calling and why, at most 1,000 characters; a template. "
            "ANSWER needs it."
        )
    )
    ivr: strawberry.Maybe[IvrAction | None] = strawberry.field(
        description="What to do when a voice menu answers; `TALK` by default."
    )
    goal: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "The person or the department to reach through a voice menu, at most 1,000 characters; a "
            "template. NAVIGATE needs it."
        )
    )
    ask_model: strawberry.Maybe[bool | None] = strawberry.field(
        description=(
            "Whether the model of the entry agent decides about a long greeting that no rule "
            "recognizes; true by default."
        )
    )
    silence_timeout: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "The agent speaks first after a silence of this length, `PT0.5S` to `PT10S`; `PT2.5S` by "
            "default."
        )
    )
    tone_timeout: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "How long to wait for the tone of a mailbox before the message is left without one, "
            "`PT2S` to `PT1M`; `PT30S` by default."
        )
    )
    screening_timeout: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "How long to wait for a person after a screener was answered, `PT5S` to `PT2M`; `PT30S` "
            "by default."
        )
    )

    def patch(self, reader: InputReader) -> Patch[domain.AnsweringSettings]:
        texts = ("message", "introduction", "goal")
        fields = {
            **same("enabled", "voicemail", "screener", "ivr", "ask_model", *texts),
            "silence_timeout": ("silent_seconds", seconds),
            "tone_timeout": ("tone_seconds", seconds),
            "screening_timeout": ("screening_seconds", seconds),
        }
        return reader.patch(self, domain.AnsweringSettings, fields, nullable=frozenset(texts))


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
    silence_timeout: Duration | None = strawberry.field(
        default=None,
        description="The agent speaks first after a silence of this length, `PT0.5S` to `PT10S`.",
    )
    tone_timeout: Duration | None = strawberry.field(
        default=None,
        description=(
            "How long to wait for the tone of a mailbox before the message is left without one, "
            "`PT2S` to `PT1M`."
        ),
    )
    screening_timeout: Duration | None = strawberry.field(
        default=None,
        description=(
            "How long to wait for a person after a screener was answered, `PT5S` to `PT2M`."
        ),
    )

    def override(self, reader: InputReader) -> domain.AnsweringOverride:
        times: dict[str, Any] = {
            "silent_seconds": reader.duration(self, "silence_timeout", "silent_seconds"),
            "tone_seconds": reader.duration(self, "tone_timeout", "tone_seconds"),
            "screening_seconds": reader.duration(self, "screening_timeout", "screening_seconds"),
        }
        names = {field.name for field in fields(domain.AnsweringOverride)} - times.keys()
        return domain.AnsweringOverride(**times, **{name: getattr(self, name) for name in names})
