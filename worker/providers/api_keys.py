"""API keys and base URLs of providers, passed in explicitly so that no plugin reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from domain.common.settings import Settings


class ProviderMisconfigured(Exception):
    """A provider of the agent cannot be used as configured."""


class MissingApiKey(ProviderMisconfigured):
    """A provider of the agent needs a key, and neither the tenant nor the operator has set one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKeys:
    openai: str = field(default="", repr=False)
    openai_base_url: str = ""
    google: str = field(default="", repr=False)
    google_base_url: str = ""
    deepgram: str = field(default="", repr=False)
    deepgram_base_url: str = ""
    cartesia: str = field(default="", repr=False)
    cartesia_base_url: str = ""
    sarvam: str = field(default="", repr=False)
    sarvam_base_url: str = ""
    espeak_ng: str = "espeak-ng"

    @classmethod
    def from_settings(cls, settings: Settings) -> ProviderKeys:
        """The operator's keys, for tenants without their own."""
        return cls(
            openai=settings.openai_api_key,
            openai_base_url=settings.openai_base_url,
            google=settings.google_api_key,
            google_base_url=settings.google_base_url,
            deepgram=settings.deepgram_api_key,
            deepgram_base_url=settings.deepgram_base_url,
            cartesia=settings.cartesia_api_key,
            cartesia_base_url=settings.cartesia_base_url,
            sarvam=settings.sarvam_api_key,
            sarvam_base_url=settings.sarvam_base_url,
            espeak_ng=settings.espeak_ng,
        )

    def with_tenant_keys(self, keys: Mapping[str, str]) -> ProviderKeys:
        """A copy in which the tenant's own keys replace the operator's."""
        known = {field.name for field in fields(self)}
        return replace(self, **{name: key for name, key in keys.items() if name in known})


def require_key(key: str, provider: str) -> str:
    if not key:
        raise MissingApiKey(
            f"{provider} needs a key: set {provider.upper()}_API_KEY for the worker."
        )
    return key
