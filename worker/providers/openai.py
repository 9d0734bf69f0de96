"""LLM: OpenAI and every server with a compatible chat completions API."""

from __future__ import annotations

from typing import Any

import httpx2
from livekit.agents import llm
from livekit.plugins import openai
from openai import AsyncClient

from domain.tenants.provider_keys import ProviderAccount, ProviderKeys
from domain.workflows.agents import ProviderChoice
from worker.providers.finish_reasons import note_finish_reason
from worker.providers.guarded_connections import guarded_client

TIMEOUT = httpx2.Timeout(connect=15.0, read=5.0, write=5.0, pool=5.0)
"""The timeouts of the plugin's own client."""


class _OpenAi(openai.LLM):
    own_client: AsyncClient | None = None
    """The client of an account with a server of its own, which the plugin does not close."""

    def chat(self, *args: Any, **request: Any) -> openai.LLMStream:
        return note_finish_reason(super().chat(*args, **request))

    async def aclose(self) -> None:
        await super().aclose()
        if self.own_client is not None:
            await self.own_client.close()


def openai_llm(choice: ProviderChoice, keys: ProviderKeys) -> llm.LLM[Any]:
    kwargs: dict[str, Any] = {}
    if "temperature" in choice.options:
        kwargs["temperature"] = float(choice.options["temperature"])
    if "max_tokens" in choice.options:
        kwargs["max_completion_tokens"] = int(choice.options["max_tokens"])
    account = keys.account(choice)
    if account.egress is not None:
        client = _own_client(account)
        model = _OpenAi(model=choice.model, client=client, **kwargs)
        model.own_client = client
        return model
    if account.headers:
        kwargs["extra_headers"] = dict(account.headers)
    if account.base_url:
        kwargs["base_url"] = account.base_url
    return _OpenAi(model=choice.model, api_key=account.key, **kwargs)


def _own_client(account: ProviderAccount) -> AsyncClient:
    assert account.egress is not None
    return AsyncClient(
        api_key=account.key,
        base_url=account.base_url,
        default_headers=dict(account.headers),
        max_retries=0,
        http_client=guarded_client(account.egress, TIMEOUT),
    )
