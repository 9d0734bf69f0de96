"""What is known of a provider: everything a form needs, and what its options are checked by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ProviderKind(StrEnum):
    """What a provider does in a call."""

    STT = "STT"
    LLM = "LLM"
    TTS = "TTS"
    VAD = "VAD"


class OptionType(StrEnum):
    """What kind of value an option takes."""

    NUMBER = "NUMBER"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    LIST = "LIST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting of a provider. `default` is what holds when it is left out; None: the provider's
    own."""

    name: str
    type: OptionType
    help: str
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[Any], str | None] | None = None
    """What else is wrong with a value of the right type, as the end of a sentence."""

    def problem_with(self, value: Any) -> str | None:
        """What is wrong with a value, as the end of a sentence; None when it will do."""
        if not TYPES[self.type](value):
            return f"is not {TYPE_DESCRIPTIONS[self.type]}"
        if self.minimum is not None and value < self.minimum:
            return f"is less than {self.minimum:g}"
        if self.maximum is not None and value > self.maximum:
            return f"is more than {self.maximum:g}"
        if self.choices and value not in self.choices:
            return f"is none of {', '.join(self.choices)}"
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
    """A value that a tenant brings to use a provider."""

    name: str
    label: str
    help: str
    secret: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One entry of the catalogue. `models` and `voices` are suggestions: newer ones work too.

    `languages` are those it hears or speaks, as BCP 47 tags; none where that is no question."""

    kind: ProviderKind
    name: str
    display_name: str
    models: tuple[str, ...]
    options: tuple[Option, ...] = ()
    languages: tuple[str, ...] = ()
    languages_by_model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of models that know fewer."""
    voices: tuple[str, ...] = ()
    voices_by_model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of models that have all their own: any other is refused."""
    credentials: tuple[CredentialField, ...] = ()

    @property
    def needs_key(self) -> bool:
        return bool(self.credentials)

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)
