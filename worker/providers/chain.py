"""A model with others behind it: the first that answers is heard.

Not livekit-agents' own adapter, which asks a model that failed once more beside every later turn,
paid and unheard, and logs the words of half answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from livekit.agents import APIConnectionError, APIError, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions

from domain.agents import ProviderChoice

ATTEMPT_SECONDS = 10.0
REST_SECONDS = 30.0
"""So long one that failed is passed by."""

Changed = Callable[[ProviderChoice, bool], None]
"""Told which provider failed (False), or is back (True)."""


class Chain(llm.LLM[Any]):
    def __init__(self, built: Mapping[llm.LLM[Any], ProviderChoice], changed: Changed) -> None:
        super().__init__()
        self._built = built
        self._changed = changed
        self._rest: dict[llm.LLM[Any], float] = {}

    @property
    def model(self) -> str:
        return next(self.order()).model

    @property
    def provider(self) -> str:
        return next(self.order()).provider

    def order(self) -> Iterator[llm.LLM[Any]]:
        """Those that failed of late come last."""
        now = time.monotonic()
        yield from sorted(self._built, key=lambda model: self._rest.get(model, 0.0) > now)

    def failed(self, model: llm.LLM[Any]) -> None:
        if model not in self._rest:
            self._changed(self._built[model], False)
        self._rest[model] = time.monotonic() + REST_SECONDS

    def answered(self, model: llm.LLM[Any]) -> None:
        if self._rest.pop(model, None) is not None:
            self._changed(self._built[model], True)

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
        for model in self._built:
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
        # Each model is asked once; there are others.
        self._patience = replace(conn_options, max_retry=0, timeout=ATTEMPT_SECONDS)
        super().__init__(
            chain, chat_ctx=chat_ctx, tools=tools, conn_options=replace(conn_options, max_retry=0)
        )

    async def _run(self) -> None:
        for model in list(self._chain.order()):
            if await self._heard(model):
                self._chain.answered(model)
                return
        raise APIConnectionError("No model of the chain answered.", retryable=False)

    async def _heard(self, model: llm.LLM[Any]) -> bool:
        begun = False
        try:
            stream = model.chat(
                chat_ctx=self._chat_ctx,
                tools=self._tools,
                conn_options=self._patience,
                **self._asked,
            )
            async with stream:
                async for chunk in stream:
                    begun = begun or chunk.delta is not None
                    self._event_ch.send_nowait(chunk)
        except (APIError, TimeoutError):
            self._chain.failed(model)
            if begun:
                # Two halves of different answers make no whole.
                raise
            return False
        return True
