"""The keys of providers: handed in, never looked up in the environment by a plugin."""

from __future__ import annotations

from dataclasses import dataclass, field


class MissingKey(Exception):
    """The agent's provider needs a key that nobody gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKeys:
    openai: str = field(default="", repr=False)
    openai_base_url: str = ""
    google: str = field(default="", repr=False)
    google_base_url: str = ""


def needed(key: str, provider: str) -> str:
    if not key:
        raise MissingKey(f"{provider} needs a key: set {provider.upper()}_API_KEY for the worker.")
    return key
