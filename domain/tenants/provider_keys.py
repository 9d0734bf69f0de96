"""API keys and servers of providers, passed in explicitly so that no plugin reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.common.settings import Settings
from domain.tenants.credentials import (
    NO_ENDPOINT,
    DecryptedCredentials,
    ProviderEndpoint,
    credential_name,
)
from domain.tools.egress import EgressRule
from domain.tools.network_allow_list import AllowList
from domain.workflows.agents import ProviderChoice


class ProviderMisconfigured(Exception):
    """A provider of the agent cannot be used as configured."""


class MissingApiKey(ProviderMisconfigured):
    """A provider of the agent needs a key, and neither the tenant nor the operator has set one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccount:
    """The key for a provider, and the server that it is sent to; the public one if the URL is empty.

    `egress` limits the connections to a server that a tenant named; None for any other server."""

    key: str = field(default="", repr=False)
    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    egress: EgressRule | None = None

    @property
    def needs_own_client(self) -> bool:
        """Whether requests cannot share the HTTP client of other accounts."""
        return bool(self.headers) or self.egress is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKeys:
    """The keys that a call may use. Those of the tenant, by their names, replace the operator's."""

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
    outbound_allowed: AllowList = field(default_factory=AllowList)
    """The private addresses that servers of tenants may have."""
    tenant_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    tenant_endpoints: Mapping[str, ProviderEndpoint] = field(default_factory=dict, repr=False)

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
            outbound_allowed=AllowList.parse(settings.outbound_allow),
        )

    def with_tenant_credentials(self, credentials: DecryptedCredentials) -> ProviderKeys:
        """A copy in which the tenant's own credentials replace the operator's."""
        return replace(
            self, tenant_keys=credentials.providers, tenant_endpoints=credentials.endpoints
        )

    def account(self, choice: ProviderChoice) -> ProviderAccount:
        """The account that the agent chose, with a key. Raises `MissingApiKey` if there is none."""
        provider, name = choice.provider, credential_name(choice.provider, choice.credential)
        if name in self.tenant_keys:
            return self._tenant_account(provider, name)
        if choice.credential is not None:
            raise MissingApiKey(
                f"There is no credential {choice.credential!r} for {provider}: set it with "
                "setCredential."
            )
        key = getattr(self, provider)
        if not key:
            raise MissingApiKey(
                f"{provider} needs a key: set one with setCredential, or let the operator set "
                f"{provider.upper()}_API_KEY."
            )
        return ProviderAccount(key=key, base_url=self._base_url(provider))

    def _tenant_account(self, provider: str, name: str) -> ProviderAccount:
        endpoint = self.tenant_endpoints.get(name, NO_ENDPOINT)
        account = ProviderAccount(key=self.tenant_keys[name], headers=endpoint.headers)
        url = endpoint.url(provider)
        if url is None:
            return replace(account, base_url=self._base_url(provider))
        egress = EgressRule.of_url(url, self.outbound_allowed)
        return replace(account, base_url=url.rstrip("/"), egress=egress)

    def _base_url(self, provider: str) -> str:
        return str(getattr(self, f"{provider}_base_url"))
