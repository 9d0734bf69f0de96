"""The providers an agent can choose from: pure data, no plugin needed to read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProviderKind(StrEnum):
    """What a provider does in a call."""

    LLM = "LLM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One entry of the catalogue. `models` are suggestions: newer ones work too."""

    kind: ProviderKind
    name: str
    display_name: str
    models: tuple[str, ...]
    needs_key: bool


CATALOGUE: tuple[Provider, ...] = (
    Provider(
        kind=ProviderKind.LLM,
        name="scripted",
        display_name="Scripted (no key)",
        models=("rules",),
        needs_key=False,
    ),
    Provider(
        kind=ProviderKind.LLM,
        name="openai",
        display_name="OpenAI",
        models=("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini"),
        needs_key=True,
    ),
    Provider(
        kind=ProviderKind.LLM,
        name="google",
        display_name="Google Gemini",
        models=("gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.0-flash"),
        needs_key=True,
    ),
)


def names(kind: ProviderKind) -> frozenset[str]:
    return frozenset(p.name for p in CATALOGUE if p.kind is kind)
