"""Google Gemini."""

from __future__ import annotations

from typing import Any

from google.genai.types import HttpOptions, ListModelsConfig
from livekit.agents import llm
from livekit.plugins import google

from domain.workflows.agents import ProviderChoice
from worker.providers.api_keys import ProviderKeys, require_key


class _Gemini(google.LLM):
    """Warms the connection up that it will use: the plugin would ask Google itself."""

    options: HttpOptions | None = None

    async def _prewarm_impl(self) -> None:
        config = ListModelsConfig(page_size=1, http_options=self.options)
        await self._client.aio.models.list(config=config)


def google_llm(choice: ProviderChoice, keys: ProviderKeys) -> llm.LLM[Any]:
    given: dict[str, Any] = {}
    if "temperature" in choice.options:
        given["temperature"] = float(choice.options["temperature"])
    if "max_tokens" in choice.options:
        given["max_output_tokens"] = int(choice.options["max_tokens"])
    if keys.google_base_url:
        given["http_options"] = HttpOptions(base_url=keys.google_base_url)
    key = require_key(keys.google, "google")
    made = _Gemini(model=choice.model, api_key=key, vertexai=False, **given)
    made.options = given.get("http_options")
    return made
