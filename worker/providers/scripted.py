"""A model that follows written rules: for demos without a key, for tests, for simulations.

`options.rules` is a list; the first rule that fits is followed:

    {"hears": ["appointment", "book"],      # any of these words in what the caller said last
     "after": "book_appointment",           # or: this tool has just answered
     "says": "One moment.",                 # a template; {{heard}} is what the caller said,
                                            # {{output}} what the tool told
     "calls": {"tool": "…", "arguments": {…}}}

A rule with neither `hears` nor `after` always fits. `options.word_ms` paces the words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from livekit.agents import llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions

from domain.templating.templates import render, render_value

Rule = Mapping[str, Any]
ContextReader = Callable[[], Mapping[str, Any]]


class ScriptedLLM(llm.LLM[Any]):
    def __init__(self, options: Mapping[str, Any], read_context: ContextReader) -> None:
        super().__init__()
        self._options = options
        self._read_context = read_context

    @property
    def model(self) -> str:
        return "rules"

    @property
    def provider(self) -> str:
        return "scripted"

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
        return _ScriptedStream(
            self,
            chat_ctx=chat_ctx,
            tools=tools or [],
            conn_options=conn_options,
            rules=self._options.get("rules", []),
            read_context=self._read_context,
            word_seconds=float(self._options.get("word_ms", 0)) / 1000,
        )


class _ScriptedStream(llm.LLMStream):
    def __init__(
        self,
        scripted: ScriptedLLM,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        rules: Sequence[Rule],
        read_context: ContextReader,
        word_seconds: float,
    ) -> None:
        self._rules = rules
        self._read_context = read_context
        self._word_seconds = word_seconds
        super().__init__(scripted, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)

    async def _run(self) -> None:
        heard, answered, output = _last_exchange(self._chat_ctx)
        rule = choose_rule(self._rules, heard, answered)
        context = {**self._read_context(), "heard": heard, "output": output or ""}
        words = render(str(rule.get("says", "")), context).split(" ")
        if not rule:
            words = (output or "I have no rule for that.").split(" ")
        for place, word in enumerate(words):
            if word:
                await self._emit_text(word if place == 0 else f" {word}")
        if call := rule.get("calls"):
            self._emit_tool_call(
                str(call["tool"]), render_value(call.get("arguments", {}), context)
            )
        count = len(words)
        usage = llm.CompletionUsage(
            completion_tokens=count, prompt_tokens=len(heard.split()), total_tokens=count
        )
        self._event_ch.send_nowait(llm.ChatChunk(id="scripted", usage=usage))

    async def _emit_text(self, text: str) -> None:
        if self._word_seconds:
            await asyncio.sleep(self._word_seconds)
        delta = llm.ChoiceDelta(role="assistant", content=text)
        self._event_ch.send_nowait(llm.ChatChunk(id="scripted", delta=delta))

    def _emit_tool_call(self, name: str, arguments: Any) -> None:
        call = llm.FunctionToolCall(
            name=name, arguments=json.dumps(arguments), call_id=f"call_{uuid4().hex[:12]}"
        )
        delta = llm.ChoiceDelta(role="assistant", tool_calls=[call])
        self._event_ch.send_nowait(llm.ChatChunk(id="scripted", delta=delta))


def choose_rule(rules: Sequence[Rule], user_text: str, last_tool: str | None) -> Rule:
    """The first rule that fits; an empty one when none does."""
    said = user_text.lower()
    for rule in rules:
        if last_tool is not None:
            if rule.get("after") == last_tool:
                return rule
        elif "after" not in rule and (
            "hears" not in rule or any(str(word).lower() in said for word in rule["hears"])
        ):
            return rule
    return {}


def _last_exchange(context: llm.ChatContext) -> tuple[str, str | None, str | None]:
    """What the caller said last; and, when a tool has answered since, which and what."""
    answered: str | None = None
    output: str | None = None
    for item in reversed(context.items):
        if isinstance(item, llm.FunctionCallOutput) and answered is None:
            answered, output = item.name, item.output
        elif isinstance(item, llm.ChatMessage) and item.role == "assistant":
            answered = answered or ""
        elif isinstance(item, llm.ChatMessage) and item.role == "user":
            return item.text_content or "", answered or None, output
    return "", answered or None, output
