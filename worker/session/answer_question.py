"""Asks the agent's model who answered, about a greeting that no rule recognizes."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import APIError, llm

from domain.telephony.answering.model_question import INSTRUCTIONS, question, read_answer
from domain.telephony.answering.verdicts import Verdict
from worker.providers.llm_fallback import detached

TIMEOUT_SECONDS = 1.5
"""The other side hears nothing in the meantime."""
MAX_ANSWER_LENGTH = 800


async def ask_who_answered(transcript: str, model: llm.LLM[Any]) -> Verdict | None:
    """The verdict of the model; None if it gives none in time."""
    answer = await ask(INSTRUCTIONS, question(transcript), model, TIMEOUT_SECONDS)
    return None if answer is None else read_answer(answer, transcript)


async def ask(system: str, user: str, model: llm.LLM[Any], seconds: float) -> str | None:
    """The short answer of the model; None if it fails or takes too long."""
    request = llm.ChatContext.empty()
    request.add_message(role="system", content=system)
    request.add_message(role="user", content=user)
    answer = ""
    try:
        async with asyncio.timeout(seconds), detached(model).chat(chat_ctx=request) as response:
            async for chunk in response:
                answer += (chunk.delta and chunk.delta.content) or ""
                if len(answer) > MAX_ANSWER_LENGTH:
                    return None
    except (TimeoutError, APIError):
        return None
    return answer
