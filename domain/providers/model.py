"""The description of a provider: what a form needs to show, and the rules for its options."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ProviderKind(StrEnum):
    """The task of a provider in a call: STT, LLM, TTS or VAD; TRUNK carries telephone calls."""

    STT = "STT"
    LLM = "LLM"
    TTS = "TTS"
    VAD = "VAD"
    TRUNK = "TRUNK"


class OptionType(StrEnum):
    """The type of an option's value."""

    NUMBER = "NUMBER"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    LIST = "LIST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option of a provider. `default` applies when it is left out; None leaves the choice to the
    provider."""

    name: str
    type: OptionType
    help: str
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[Any], str | None] | None = None
    """A further check for values of the right type; returns the problem as the end of a sentence."""

    def problem_with(self, value: Any) -> str | None:
        """Why the value is invalid, as the end of a sentence; None if it is valid."""
        if not TYPES[self.type](value):
            return f"is not {TYPE_DESCRIPTIONS[self.type]}"
        if self.minimum is not None and value < self.minimum:
            return f"is less than {self.minimum:g}"
        if self.maximum is not None and value > self.maximum:
            return f"is more than {self.maximum:g}"
        if self.choices and value not in self.choices:
            return f"is not one of {', '.join(self.choices)}"
        return self.check(value) if self.check else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


TYPES: Mapping[OptionType, Callable[[Any], bool]] = {
    OptionType.NUMBER: _is_number,
    OptionType.INTEGER: lambda value: isinstance(value, int) and not isinstance(value, bool),
    OptionType.BOOLEAN: lambda value: isinstance(value, bool),
    OptionType.TEXT: lambda value: isinstance(value, str) and len(value) <= 2_000,
    OptionType.LIST: lambda value: isinstance(value, list | tuple),
}
TYPE_DESCRIPTIONS: Mapping[OptionType, str] = {
    OptionType.NUMBER: "a number",
    OptionType.INTEGER: "a whole number",
    OptionType.BOOLEAN: "true or false",
    OptionType.TEXT: "a text of at most 2000 characters",
    OptionType.LIST: "a list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """A value of a credential with which a tenant uses a provider."""

    name: str
    label: str
    help: str
    secret: bool = True
    required: bool = True
    choices: tuple[str, ...] = ()
    """All allowed values; empty when any value is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An entry of the catalog. `models` and `voices` are suggestions: newer ones work too.

    `languages` are the supported ones, as BCP 47 tags; empty where languages do not matter."""

    kind: ProviderKind
    name: str
    display_name: str
    models: tuple[str, ...]
    options: tuple[Option, ...] = ()
    languages: tuple[str, ...] = ()
    languages_by_model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The languages of models that support fewer than the provider."""
    voices: tuple[str, ...] = ()
    voices_by_model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The voices of models that reject any other voice."""
    credentials: tuple[CredentialField, ...] = ()
    interim_transcripts: bool = True
    """Whether an STT provider transcribes while the caller speaks, not only after a pause."""

    @property
    def needs_key(self) -> bool:
        return bool(self.credentials)

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)
