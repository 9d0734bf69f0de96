"""The models of a call's agents: one object for an agent and call, so that connections outlive
hand-offs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

from livekit.agents import llm

from domain.workflows.agents import AgentSpec
from worker.providers.api_keys import ProviderMisconfigured
from worker.providers.registry import build_llm
from worker.session.conversation import Conversation


def get_model(conversation: Conversation, spec: AgentSpec) -> llm.LLM[Any]:
    """`Unusable` when neither it nor a fallback can be used."""
    if spec.name not in conversation.models:
        conversation.models[spec.name] = _build_model(conversation, spec)
    return conversation.models[spec.name]


async def prepare_models(conversation: Conversation) -> None:
    """Make them beside the event loop: some clients read the machine's certificates for a fifth of
    a second, and no other call shall wait for that."""
    for spec in conversation.snapshot.agents.values():
        # A chain tells of missing keys while it is made, and has to do that in the loop.
        if spec.llm is None or spec.llm.fallbacks or spec.llm.provider == "scripted":
            continue
        with suppress(ProviderMisconfigured):  # told when the agent is needed
            made = await asyncio.to_thread(_build_model, conversation, spec)
            conversation.models[spec.name] = made


async def close_providers(conversation: Conversation) -> None:
    """The models, and the ears and voices; each of them, also when one cannot be closed."""
    async with AsyncExitStack() as stack:
        if conversation.speech is not None:
            stack.push_async_callback(conversation.speech.aclose)
        for model in conversation.models.values():
            stack.push_async_callback(model.aclose)


def _build_model(conversation: Conversation, spec: AgentSpec) -> llm.LLM[Any]:
    assert spec.llm is not None, "no version is without a model"
    return build_llm(
        spec.llm,
        conversation.keys,
        lambda: conversation.visible_context(conversation.node),
        conversation.record_failover,
        conversation.meter.add_metrics,
    )
