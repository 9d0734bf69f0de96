"""Evaluates simulated conversations with the LLM judges of livekit-agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import APIError, evals, llm

from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import ProviderChoice
from worker.providers.llm_fallback import error_message
from worker.providers.registry import build_llm

JUDGE_TIMEOUT_SECONDS = 60.0
NO_VERDICT = (
    "The model gave no verdict: it did not call the tool `submit_verdict` with pass, fail or maybe. "
    "Use a model that can call tools."
)

JUDGES: Mapping[str, Callable[[llm.LLM[Any]], Any]] = {
    "task_completion": evals.task_completion_judge,
    "handoff": evals.handoff_judge,
    "accuracy": evals.accuracy_judge,
    "tool_use": evals.tool_use_judge,
    "safety": evals.safety_judge,
    "relevancy": evals.relevancy_judge,
    "coherence": evals.coherence_judge,
    "conciseness": evals.conciseness_judge,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """`verdict` is pass, fail or maybe; or error, when the judge itself failed."""

    judge: str
    verdict: str
    reasoning: str


async def run_judges(
    names: Sequence[str], history: llm.ChatContext, judge_model: ProviderChoice, keys: ProviderKeys
) -> list[Judgment]:
    """Return the judgment of each named judge, in the same order. Raises `ProviderMisconfigured`
    if the judge model is not usable."""
    model = build_llm(judge_model, keys, dict, lambda *_: None, lambda *_: None)
    try:
        return await asyncio.gather(*(_run_judge(name, history, model) for name in names))
    finally:
        await model.aclose()


async def _run_judge(name: str, history: llm.ChatContext, model: llm.LLM[Any]) -> Judgment:
    try:
        async with asyncio.timeout(JUDGE_TIMEOUT_SECONDS):
            result = await JUDGES[name](model).evaluate(chat_ctx=history)
    except ValueError:
        return Judgment(judge=name, verdict="error", reasoning=NO_VERDICT)
    except (APIError, TimeoutError) as error:
        reasoning = f"The judge failed: {error_message(error)}."
        return Judgment(judge=name, verdict="error", reasoning=reasoning)
    return Judgment(judge=name, verdict=str(result.verdict), reasoning=result.reasoning)
