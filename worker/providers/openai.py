"""LLM: OpenAI and every server with a compatible chat completions API."""

from __future__ import annotations

from typing import Any

from livekit.agents import llm
from livekit.plugins import openai

from domain.workflows.agents import ProviderChoice
from worker.providers.api_keys import ProviderKeys, require_key
from worker.providers.finish_reasons import note_finish_reason


class _OpenAi(openai.LLM):
    def chat(self, *args: Any, **request: Any) -> openai.LLMStream:
        return note_finish_reason(super().chat(*args, **request))


def openai_llm(choice: ProviderChoice, keys: ProviderKeys) -> llm.LLM[Any]:
    kwargs: dict[str, Any] = {}
    if "temperature" in choice.options:
        kwargs["temperature"] = float(choice.options["temperature"])
    if "max_tokens" in choice.options:
        kwargs["max_completion_tokens"] = int(choice.options["max_tokens"])
    if keys.openai_base_url:
        kwargs["base_url"] = keys.openai_base_url
    return _OpenAi(model=choice.model, api_key=require_key(keys.openai, "openai"), **kwargs)
