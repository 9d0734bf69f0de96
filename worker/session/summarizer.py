"""Summarizes a conversation for the agent that takes it over, with that agent's own model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from livekit.agents import APIError, llm

from domain.calls.events import AgentTurn, ToolFinished, UserTurn
from domain.calls.state import HistoryItem, SystemNote
from domain.templating.templates import value_to_text
from worker.providers.llm_fallback import detached, error_message

TIMEOUT_SECONDS = 4.0
"""The caller hears nothing in the meantime."""
MAX_SUMMARY_LENGTH = 2_000
MAX_RESULT_LENGTH = 1_000
"""Characters of a tool's result that the model is shown."""
SUMMARY_PROMPT = (
    "Summarise this conversation for a colleague who takes it over: who is calling, what they want, "
    "what has been agreed and done, what is still open. At most five sentences, facts only."
)

NOTHING_SAID = "Nothing has been said yet."


class SummaryFailed(Exception):
    """There is no summary; the message says why, without any content of the call."""


async def summarize(items: Iterable[HistoryItem], model: llm.LLM[Any]) -> str:
    """Return the summary. Raises `SummaryFailed`."""
    request = llm.ChatContext.empty()
    request.add_message(role="system", content=SUMMARY_PROMPT)
    request.add_message(role="user", content="\n".join(map(_line, items)) or NOTHING_SAID)
    chunks: list[str] = []
    try:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            detached(model).chat(chat_ctx=request) as response,
        ):
            chunks.extend([c.delta.content async for c in response if c.delta and c.delta.content])
    except TimeoutError:
        raise SummaryFailed(f"The summary took longer than {TIMEOUT_SECONDS:g} seconds.") from None
    except APIError as error:
        raise SummaryFailed(error_message(error)) from error
    return "".join(chunks).strip()[:MAX_SUMMARY_LENGTH]


def _line(item: HistoryItem) -> str:
    match item:
        case SystemNote(text=text):
            return text
        case UserTurn(text=text):
            return f"Caller: {text}"
        case AgentTurn(heard_text=text):
            return f"Agent: {text}"
        case ToolFinished(tool=tool, outcome=outcome):
            arguments = value_to_text(item.arguments)[:MAX_RESULT_LENGTH]
            result = value_to_text(item.result)[:MAX_RESULT_LENGTH]
            return f"Tool {tool} {arguments}: {outcome}, {result}"
