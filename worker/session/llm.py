"""The LLMs of a call's agents: one instance per agent and call, so that connections survive
hand-offs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

from livekit.agents import llm

from domain.tenants.provider_keys import ProviderMisconfigured
from domain.workflows.agents import AgentSpec
from worker.providers.registry import build_llm
from worker.session.conversation import Conversation


def get_model(conversation: Conversation, spec: AgentSpec) -> llm.LLM[Any]:
    """The agent's model. Raises `ProviderMisconfigured` if neither it nor a fallback is usable."""
    if spec.name not in conversation.models:
        conversation.models[spec.name] = _build_model(conversation, spec)
    return conversation.models[spec.name]


async def prepare_models(conversation: Conversation) -> None:
    """Build the models in a thread: some clients take 200 ms to read the system's certificates,
    which would block every other call."""
    for spec in conversation.snapshot.agents.values():
        # Fallbacks with missing keys record events while they are built, so not in a thread.
        if spec.llm is None or spec.llm.fallbacks or spec.llm.provider == "scripted":
            continue
        with suppress(ProviderMisconfigured):  # raised again when the agent is needed
            model = await asyncio.to_thread(_build_model, conversation, spec)
            conversation.models[spec.name] = model


async def close_providers(conversation: Conversation) -> None:
    """Close the LLM, STT and TTS of the call; an error with one does not keep others open."""
    async with AsyncExitStack() as stack:
        if conversation.speech is not None:
            stack.push_async_callback(conversation.speech.aclose)
        for model in conversation.models.values():
            stack.push_async_callback(model.aclose)


def _build_model(conversation: Conversation, spec: AgentSpec) -> llm.LLM[Any]:
    assert spec.llm is not None, "a published version has a model for every agent"
    return build_llm(
        spec.llm,
        conversation.keys,
        lambda: conversation.visible_context(conversation.node),
        conversation.record_failover,
        conversation.add_usage,
    )
