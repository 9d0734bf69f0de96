"""Failover of models: the real plugins against emulators with faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from livekit.agents import APIConnectionError, llm
from livekit.agents.types import APIConnectOptions

from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import ProviderChoice
from local.emulators.faults import MalformedMessage, NoResponse
from local.emulators.llm import (
    KEY,
    FailedReply,
    LlmEmulator,
    Reply,
    ScriptedReply,
    run_llm_emulator,
)
from worker.providers.llm_fallback import LlmFallback, UnusableResponse, error_message
from worker.providers.registry import build_llm

pytestmark = pytest.mark.anyio

GPT = ProviderChoice(provider="openai", model="gpt-4.1")
GEMINI = ProviderChoice(provider="google", model="gemini-2.5-flash")
CHAINS = {"openai": (GPT, GEMINI), "google": (GEMINI, GPT)}
UNREACHED_TIMEOUT_SECONDS = 600.0
"""Long enough that no test reaches it."""


@asynccontextmanager
async def chain(
    *choices: ProviderChoice,
) -> AsyncIterator[tuple[LlmFallback, LlmEmulator, list[str]]]:
    changes: list[str] = []
    async with run_llm_emulator() as world:
        keys = ProviderKeys(
            openai=KEY,
            openai_base_url=f"{world.url}/openai",
            google=KEY,
            google_base_url=f"{world.url}/gemini",
        )
        whole = replace(choices[0], fallbacks=choices[1:])
        built = build_llm(
            whole,
            keys,
            dict,
            lambda choice, up: changes.append(f"{choice.provider} {up}"),
            lambda *_: None,
        )
        assert isinstance(built, LlmFallback)
        try:
            yield built, world, changes
        finally:
            await built.aclose()


async def answer(
    model: llm.LLM[Any], timeout_seconds: float = UNREACHED_TIMEOUT_SECONDS
) -> tuple[str, float]:
    """The reply, and the seconds until its first word."""
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="hello?")
    once, began = APIConnectOptions(max_retry=0, timeout=timeout_seconds), time.monotonic()
    said, first = "", 0.0
    async with (
        asyncio.timeout(60),
        model.chat(chat_ctx=context, conn_options=once) as stream,
    ):
        async for chunk in stream:
            if chunk.delta and chunk.delta.content:
                first = first or time.monotonic() - began
                said += chunk.delta.content
    return said, first


@pytest.mark.parametrize(
    "fault", [FailedReply(401), FailedReply(429), FailedReply(503), MalformedMessage()], ids=repr
)
@pytest.mark.parametrize("provider", CHAINS)
async def test_a_failing_model_is_replaced_immediately(provider: str, fault: Reply) -> None:
    async with chain(*CHAINS[provider]) as (model, world, changes):
        model.chunk_timeout_seconds = (
            UNREACHED_TIMEOUT_SECONDS  # the failure ends the wait, not the timeout
        )
        world.script = [ScriptedReply("Warm."), fault, ScriptedReply("Here I am.")]
        await answer(model)
        said, first = await answer(model)
        print(f"{provider} {fault}: first word after {first * 1000:.0f} ms")
    assert (said, changes) == ("Here I am.", [f"{provider} False"])


@pytest.mark.parametrize("provider", CHAINS)
async def test_a_silent_model_is_replaced_soon(provider: str) -> None:
    async with chain(*CHAINS[provider]) as (model, world, changes):
        model.chunk_timeout_seconds = 0.4
        world.script = [NoResponse(), ScriptedReply("Here I am.")]
        said, first = await answer(model)
        assert (said, changes) == ("Here I am.", [f"{provider} False"])
        assert first > 0.4
        assert len(world.requests) == 2


async def test_a_slow_model_is_not_replaced() -> None:
    async with chain(GPT, GEMINI) as (model, world, changes):
        model.chunk_timeout_seconds = UNREACHED_TIMEOUT_SECONDS
        world.script = [ScriptedReply("Here I am.", first_word_delay=0.5)]
        assert (await answer(model))[0] == "Here I am."
        assert (changes, len(world.requests)) == ([], 1)


async def test_another_model_does_not_complete_a_partial_reply() -> None:
    async with chain(GPT, GEMINI) as (model, world, changes):
        world.script = [FailedReply(text="Well, I"), ScriptedReply("unheard")]
        with pytest.raises(APIConnectionError):
            await answer(model)
        assert (changes, len(world.requests)) == (["openai False"], 1)


async def test_a_silent_model_without_fallbacks_is_not_retried() -> None:
    async with chain(GPT) as (model, world, changes):
        world.script = [NoResponse()]
        with pytest.raises(APIConnectionError):
            await answer(model, timeout_seconds=0.5)
        assert (changes, len(world.requests)) == ([], 1)


async def test_prewarming_lists_models_at_the_configured_host() -> None:
    for choice in (GPT, GEMINI):
        async with chain(choice) as (model, world, _):
            world.script = [ScriptedReply("Hm.")]
            model.prewarm()
            await answer(model)
            async with asyncio.timeout(60):
                while not world.model_list_requests:  # noqa: ASYNC110 - no event to wait for
                    await asyncio.sleep(0.02)
        assert [key for _, key in world.model_list_requests] == [KEY]


@pytest.mark.parametrize(
    ("choice", "reply", "reason"),
    [
        (GPT, ScriptedReply("", finish_reason="content_filter"), "content_filter"),
        (GEMINI, ScriptedReply("", finish_reason="SAFETY"), "SAFETY"),
    ],
)
async def test_a_model_that_refuses_to_respond_is_reported_with_its_reason(
    choice: ProviderChoice, reply: Reply, reason: str
) -> None:
    async with chain(choice) as (model, world, _):
        world.script = [reply]
        with pytest.raises(UnusableResponse) as refused:
            await answer(model)
    assert error_message(refused.value) == (
        f"The model's response was empty (finish reason: {reason})"
    )


@pytest.mark.parametrize("provider", CHAINS)
async def test_a_model_that_responds_with_nothing_is_left(provider: str) -> None:
    async with chain(*CHAINS[provider]) as (model, world, changes):
        world.script = [ScriptedReply(""), ScriptedReply("Here I am.")]
        said, _ = await answer(model)
    assert (said, changes) == ("Here I am.", [f"{provider} False"])
