"""Google Gemini."""

from __future__ import annotations

from typing import Any

from google.genai.types import HttpOptions
from livekit.agents import llm
from livekit.plugins import google

from domain.agents import ProviderChoice
from worker.providers.keys import ProviderKeys, needed


def google_llm(choice: ProviderChoice, keys: ProviderKeys) -> llm.LLM[Any]:
    given: dict[str, Any] = {}
    if "temperature" in choice.options:
        given["temperature"] = float(choice.options["temperature"])
    if "max_tokens" in choice.options:
        given["max_output_tokens"] = int(choice.options["max_tokens"])
    if keys.google_base_url:
        given["http_options"] = HttpOptions(base_url=keys.google_base_url)
    return google.LLM(
        model=choice.model, api_key=needed(keys.google, "google"), vertexai=False, **given
    )
