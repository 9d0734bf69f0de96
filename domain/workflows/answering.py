"""What a workflow does when something other than a person answers an outbound phone call."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum

from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import check_text
from domain.templating.validation import template_problems

MAX_SPOKEN_LENGTH = 1_000
MAX_GOAL_LENGTH = 1_000
SPOKEN_NAMESPACES = frozenset({"user", "tenant", "call"})
"""Nothing else has a value before the conversation begins."""


class AnsweringParty(StrEnum):
    """Who or what answered an outbound phone call."""

    PERSON = "PERSON"
    VOICEMAIL = "VOICEMAIL"
    SCREENER = "SCREENER"
    IVR = "IVR"
    NO_MESSAGE = "NO_MESSAGE"
    UNREACHABLE = "UNREACHABLE"
    FAX = "FAX"
    UNSURE = "UNSURE"


class AnswerEvidence(StrEnum):
    """What a decision about who answered rests on."""

    WORDS = "WORDS"
    TONE = "TONE"
    SILENCE = "SILENCE"
    LENGTH = "LENGTH"
    MODEL = "MODEL"


class VoicemailAction(StrEnum):
    """What to do when a mailbox answers."""

    HANG_UP = "HANG_UP"
    LEAVE_MESSAGE = "LEAVE_MESSAGE"
    TALK = "TALK"


class ScreenerAction(StrEnum):
    """What to do when a screener asks who is calling."""

    ANSWER = "ANSWER"
    TALK = "TALK"
    HANG_UP = "HANG_UP"


class IvrAction(StrEnum):
    """What to do when a voice menu answers."""

    NAVIGATE = "NAVIGATE"
    TALK = "TALK"
    HANG_UP = "HANG_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringSettings:
    """How the start of an outbound phone call is handled. Times are in seconds.

    `message`, `introduction` and `goal` are templates over the context of the call."""

    enabled: bool = True
    voicemail: VoicemailAction = VoicemailAction.TALK
    message: str | None = None
    screener: ScreenerAction = ScreenerAction.TALK
    introduction: str | None = None
    ivr: IvrAction = IvrAction.TALK
    goal: str | None = None
    ask_model: bool = True
    """Whether the model of the entry agent decides about a long greeting that no rule recognizes."""
    silent_seconds: float = 2.5
    """The agent speaks first after a silence of this length."""
    tone_seconds: float = 30.0
    """How long to wait for the tone of a mailbox before the message is left without one."""
    screening_seconds: float = 30.0
    """How long to wait for a person after a screener was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringOverride:
    """What one call does differently from its workflow; None: as the workflow says."""

    enabled: bool | None = None
    voicemail: VoicemailAction | None = None
    message: str | None = None
    screener: ScreenerAction | None = None
    introduction: str | None = None
    ivr: IvrAction | None = None
    goal: str | None = None
    ask_model: bool | None = None
    silent_seconds: float | None = None
    tone_seconds: float | None = None
    screening_seconds: float | None = None

    def applied_to(self, settings: AnsweringSettings) -> AnsweringSettings:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(
            settings, **{name: value for name, value in given.items() if value is not None}
        )


NEEDED_TEXTS = {
    "message": ("voicemail", VoicemailAction.LEAVE_MESSAGE),
    "introduction": ("screener", ScreenerAction.ANSWER),
    "goal": ("ivr", IvrAction.NAVIGATE),
}
"""The action that needs each text."""

LIMITS = {
    "silentSeconds": ("silent_seconds", 0.5, 10.0),
    "toneSeconds": ("tone_seconds", 2.0, 60.0),
    "screeningSeconds": ("screening_seconds", 5.0, 120.0),
}
"""The times with the field and the range of each."""


def answering_problems(settings: AnsweringSettings, path: Path) -> Problems:
    for name, (field, minimum, maximum) in LIMITS.items():
        # Written as a negation so that NaN is rejected too.
        if not minimum <= getattr(settings, field) <= maximum:
            yield InvalidInput(
                f"{name} must be between {minimum:g} and {maximum:g} seconds.", (*path, name)
            )
    texts = {
        "message": (settings.message, MAX_SPOKEN_LENGTH),
        "introduction": (settings.introduction, MAX_SPOKEN_LENGTH),
        "goal": (settings.goal, MAX_GOAL_LENGTH),
    }
    for name, (text, max_length) in texts.items():
        if text is not None:
            here = (*path, name)
            yield from problems_of(check_text, text, here, max_length=max_length, min_length=1)
            yield from template_problems(text, here, SPOKEN_NAMESPACES)


def answering_of(
    settings: AnsweringSettings | None, override: AnsweringOverride | None
) -> AnsweringSettings:
    """How a call is handled: as its workflow says, unless the call says otherwise."""
    found = settings or AnsweringSettings()
    return found if override is None else override.applied_to(found)


def call_answering_problems(settings: AnsweringSettings, path: Path) -> Problems:
    """Problems of the settings of one call. A call cannot be corrected after its start, so the texts
    that its actions need must be there."""
    yield from answering_problems(settings, path)
    for name, (field, action) in NEEDED_TEXTS.items():
        if getattr(settings, field) is action and getattr(settings, name) is None:
            yield InvalidInput(
                f"{field} is {action}, and neither the call nor its workflow has a {name}: give one, "
                f"or choose another {field}.",
                (*path, name),
            )
