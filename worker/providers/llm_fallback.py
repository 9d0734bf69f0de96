"""A model with others behind it: the first that answers is heard.

Not livekit-agents' own adapter, which asks a model that failed once more beside every later turn,
paid and unheard, and logs the words of half answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from livekit.agents import APIConnectionError, APIError, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions

from worker.providers.failover import Front, Order, pass_on

ATTEMPT_SECONDS = 10.0
"""What the plugins are told: Gemini takes no less. We are less patient."""
WORD_SECONDS = 5.0
"""A model with another one behind it says its first word, and each further one, in this time."""
AGAIN_SECONDS = 0.1
"""Before one that stands alone is asked once more."""


class Chain(Front, llm.LLM[Any]):
    order: Order[llm.LLM[Any]]

    def __init__(self, order: Order[llm.LLM[Any]], word_seconds: float = WORD_SECONDS) -> None:
        super().__init__()
        self.order = order
        self.word_seconds = word_seconds
        pass_on(order, self.emit)

    def prewarm(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.order.first.prewarm(loop=loop)

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: Any = NOT_GIVEN,
        tool_choice: Any = NOT_GIVEN,
        extra_kwargs: Any = NOT_GIVEN,
    ) -> llm.LLMStream:
        asked = {"parallel_tool_calls": parallel_tool_calls, "tool_choice": tool_choice}
        return _Answer(self, chat_ctx, tools or [], conn_options, asked)

    async def aclose(self) -> None:
        for model in self.order.all:
            await model.aclose()


class _Answer(llm.LLMStream):
    def __init__(
        self,
        chain: Chain,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        asked: Mapping[str, Any],
    ) -> None:
        self._chain = chain
        self._asked = asked
        self._patience = conn_options.timeout
        # Each model is asked once; there are others.
        once = replace(conn_options, max_retry=0)
        self._once = replace(once, timeout=max(conn_options.timeout, ATTEMPT_SECONDS))
        super().__init__(chain, chat_ctx=chat_ctx, tools=tools, conn_options=once)

    async def _run(self) -> None:
        order = self._chain.order
        *others, last = order.now()
        for model in others:
            patience = min(self._patience, self._chain.word_seconds)
            if await self._heard(model, patience) is None:
                return
        problem = await self._heard(last, self._patience)
        if order.alone and isinstance(problem, APIError) and problem.retryable:
            await asyncio.sleep(AGAIN_SECONDS)
            problem = await self._heard(last, self._patience)
        if problem is not None:
            raise APIConnectionError("No model answered.", retryable=False) from problem

    async def _heard(self, model: llm.LLM[Any], patience: float) -> Exception | None:
        """Why it did not answer; None when it did."""
        begun = False
        try:
            stream = model.chat(
                chat_ctx=self._chat_ctx, tools=self._tools, conn_options=self._once, **self._asked
            )
            async with stream:
                async for chunk in in_time(stream, patience):
                    begun = begun or chunk.delta is not None
                    self._event_ch.send_nowait(chunk)
        except (APIError, TimeoutError) as problem:
            self._chain.order.failed(model)
            if begun:
                # Two halves of different answers make no whole.
                raise APIConnectionError("The answer broke off.", retryable=False) from problem
            return problem
        self._chain.order.answered(model)
        return None

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass  # each of the chain tells its own


async def in_time(stream: llm.LLMStream, seconds: float) -> AsyncIterator[llm.ChatChunk]:
    """What comes, while nothing takes longer than that; else `TimeoutError`."""
    while True:
        try:
            async with asyncio.timeout(seconds):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        yield chunk
