"""Summarizes a conversation for the agent that takes it over, with that agent's own model."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import APIError, llm

TIMEOUT_SECONDS = 10.0
MAX_SUMMARY_LENGTH = 2_000
SUMMARY_PROMPT = (
    "Summarise the conversation so far for a colleague who takes it over: who is calling, what they "
    "want, what has been agreed and done, what is still open. At most five sentences, facts only."
)


async def summarize(history: llm.ChatContext, model: llm.LLM[Any]) -> str | None:
    """Return the summary; None when the model fails, in which case the hand-off still happens."""
    request = history.copy(exclude_function_call=True)
    request.add_message(role="system", content=SUMMARY_PROMPT)
    chunks: list[str] = []
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), model.chat(chat_ctx=request) as response:
            chunks.extend([c.delta.content async for c in response if c.delta and c.delta.content])
    except (TimeoutError, APIError):
        return None
    return "".join(chunks).strip()[:MAX_SUMMARY_LENGTH] or None
