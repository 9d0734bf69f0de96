"""LLM with failover: each request is answered by the first model that responds with words or tool
calls.

Not livekit-agents' own adapter: on every later turn it also sends the request to the model that
failed, which is paid for and discarded, and it logs the text of partial responses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from livekit.agents import APIConnectionError, APIError, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions

from worker.providers.failover import FailoverPolicy, PreferredProviderIdentity, forward_metrics
from worker.providers.finish_reasons import read_finish_reason, refusal_reason

PLUGIN_TIMEOUT_SECONDS = 10.0
"""The timeout set in the plugins; Gemini accepts no less. Our own timeouts are shorter."""
CHUNK_TIMEOUT_SECONDS = 5.0
"""Time for the first chunk and for each next one, for a model that has a fallback."""
CUT_OFF = ("length", "content_filter")
"""Finish reasons of a response that is not complete."""
RETRY_DELAY_SECONDS = 0.1
"""Delay before a model without a fallback is retried once."""


class UnusableResponse(APIError):
    """The model responded, but with nothing to say, or not to the end. The message may be shown."""

    def __init__(self, message: str, finish_reason: str | None) -> None:
        reason = f" (finish reason: {finish_reason})" if finish_reason else ""
        super().__init__(f"{message}{reason}", retryable=False)


def error_message(error: object) -> str:
    """What went wrong, without the text of other errors, which may contain parts of the call or a
    key."""
    return error.message if isinstance(error, UnusableResponse) else type(error).__name__


class LlmFallback(PreferredProviderIdentity, llm.LLM[Any]):
    policy: FailoverPolicy[llm.LLM[Any]]

    def __init__(
        self,
        policy: FailoverPolicy[llm.LLM[Any]],
        chunk_timeout_seconds: float = CHUNK_TIMEOUT_SECONDS,
        *,
        emits_metrics: bool = True,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.chunk_timeout_seconds = chunk_timeout_seconds
        if emits_metrics:
            forward_metrics(policy, self.emit)

    def prewarm(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.policy.preferred.prewarm(loop=loop)

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
        chat_options = {"parallel_tool_calls": parallel_tool_calls, "tool_choice": tool_choice}
        return _FallbackLLMStream(self, chat_ctx, tools or [], conn_options, chat_options)

    async def aclose(self) -> None:
        for model in self.policy.providers:
            await model.aclose()


def detached(model: llm.LLM[Any]) -> llm.LLM[Any]:
    """The same model for a request that belongs to no reply: its failure is no failure of an agent,
    so no listener is notified of it."""
    if not isinstance(model, LlmFallback):
        return model
    return LlmFallback(model.policy, model.chunk_timeout_seconds, emits_metrics=False)


class _FallbackLLMStream(llm.LLMStream):
    def __init__(
        self,
        fallback: LlmFallback,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        chat_options: Mapping[str, Any],
    ) -> None:
        self._fallback = fallback
        self._chat_options = chat_options
        self._timeout = conn_options.timeout
        # No retries by the plugins: failover replaces them.
        without_retry = replace(conn_options, max_retry=0)
        self._attempt_options = replace(
            without_retry, timeout=max(conn_options.timeout, PLUGIN_TIMEOUT_SECONDS)
        )
        super().__init__(fallback, chat_ctx=chat_ctx, tools=tools, conn_options=without_retry)

    async def _run(self) -> None:
        policy = self._fallback.policy
        *others, last = policy.candidates()
        for model in others:
            timeout = min(self._timeout, self._fallback.chunk_timeout_seconds)
            if await self._try_model(model, timeout) is None:
                return
        problem = await self._try_model(last, self._timeout)
        if policy.has_single_provider and isinstance(problem, APIError) and problem.retryable:
            await asyncio.sleep(RETRY_DELAY_SECONDS)
            problem = await self._try_model(last, self._timeout)
        if problem is not None:
            error = _final_error(problem)
            raise error from (None if error is problem else problem)

    async def _try_model(self, model: llm.LLM[Any], timeout_seconds: float) -> Exception | None:
        """Return the error when the model failed; None when it responded."""
        has_started = False
        pending: list[llm.ChatChunk] = []
        finish_reason: str | None = None
        try:
            stream = model.chat(
                chat_ctx=self._chat_ctx,
                tools=self._tools,
                conn_options=self._attempt_options,
                **self._chat_options,
            )
            async with stream:
                async for chunk in with_chunk_timeout(stream, timeout_seconds):
                    self._drop_disallowed_calls(chunk)
                    pending.append(chunk)
                    has_started = has_started or _has_content(chunk)
                    if has_started:
                        self._send(pending)
                finish_reason = read_finish_reason(stream)
            if not has_started:
                raise UnusableResponse("The model's response was empty", finish_reason)
        except (APIError, TimeoutError) as problem:
            self._fallback.policy.record_failure(model)
            if has_started:
                # Another model's response cannot be appended to the partial one.
                raise APIConnectionError("The response was cut off.", retryable=False) from problem
            return problem
        self._fallback.policy.record_success(model)
        if finish_reason in CUT_OFF:
            cut_off = UnusableResponse("The model's response was cut off", finish_reason)
            self._emit_error(cut_off, recoverable=True)
        return None

    def _drop_disallowed_calls(self, chunk: llm.ChatChunk) -> None:
        """Some models call tools although the request forbids it, and nothing runs them."""
        if chunk.delta is not None and self._chat_options["tool_choice"] == "none":
            chunk.delta.tool_calls = []

    def _send(self, pending: list[llm.ChatChunk]) -> None:
        for chunk in pending:
            self._event_ch.send_nowait(chunk)
        pending.clear()

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass  # every model reports its own metrics


def _final_error(problem: Exception) -> APIError:
    """The error of a request that no model answered."""
    if isinstance(problem, UnusableResponse):
        return problem
    reason = refusal_reason(problem)
    if reason is not None:
        return UnusableResponse("The model's response was empty", reason)
    return APIConnectionError("No model responded.", retryable=False)


def _has_content(chunk: llm.ChatChunk) -> bool:
    delta = chunk.delta
    return delta is not None and bool(delta.tool_calls or (delta.content or "").strip())


async def with_chunk_timeout(stream: llm.LLMStream, seconds: float) -> AsyncIterator[llm.ChatChunk]:
    """Yield chunks; raises `TimeoutError` when one takes longer than `seconds`."""
    while True:
        try:
            async with asyncio.timeout(seconds):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        yield chunk
