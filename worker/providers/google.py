"""LLM: Google Gemini through its plugin."""

from __future__ import annotations

from typing import Any

from google.genai.types import HttpOptions, ListModelsConfig
from livekit.agents import llm
from livekit.plugins import google

from domain.workflows.agents import ProviderChoice
from worker.providers.api_keys import ProviderKeys, require_key


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
    if keys.google_base_url:
        kwargs["http_options"] = HttpOptions(base_url=keys.google_base_url)
    key = require_key(keys.google, "google")
    model = _Gemini(model=choice.model, api_key=key, vertexai=False, **kwargs)
    model.options = kwargs.get("http_options")
    return model
