"""LLM: Google Gemini through its plugin."""

from __future__ import annotations

from typing import Any

from google.genai import Client
from google.genai.types import HttpOptions, ListModelsConfig
from livekit.agents import llm
from livekit.plugins import google

from domain.tenants.provider_keys import ProviderAccount, ProviderKeys
from domain.tools.egress import EgressRule
from domain.workflows.agents import ProviderChoice
from worker.providers.guarded_connections import GuardedTransport


class _Gemini(google.LLM):
    """Prewarms the connection to the configured base URL; the plugin always connects to Google."""

    options: HttpOptions | None = None

    async def _prewarm_impl(self) -> None:
        config = ListModelsConfig(page_size=1, http_options=self.options)
        await self._client.aio.models.list(config=config)


def google_llm(choice: ProviderChoice, keys: ProviderKeys) -> llm.LLM[Any]:
    kwargs: dict[str, Any] = {}
    if "temperature" in choice.options:
        kwargs["temperature"] = float(choice.options["temperature"])
    if "max_tokens" in choice.options:
        kwargs["max_output_tokens"] = int(choice.options["max_tokens"])
    account = keys.account(choice)
    options = _http_options(account)
    if options is not None:
        kwargs["http_options"] = options
    model = _Gemini(model=choice.model, api_key=account.key, vertexai=False, **kwargs)
    model.options = options
    if account.egress is not None:
        model._client = _guarded_client(account, account.egress)
    return model


def _http_options(account: ProviderAccount) -> HttpOptions | None:
    if not account.base_url and not account.headers:
        return None
    return HttpOptions(base_url=account.base_url or None, headers=dict(account.headers) or None)


def _guarded_client(account: ProviderAccount, egress: EgressRule) -> Client:
    """The plugin has no argument for the connections of its client. With a transport, the client does
    not use aiohttp."""
    options = HttpOptions(
        base_url=account.base_url,
        headers=dict(account.headers),
        async_client_args={"transport": GuardedTransport(egress)},
    )
    return Client(api_key=account.key, vertexai=False, http_options=options)
