"""An LLM that follows written rules, for demos without a key, tests and simulations.

`options.rules` is a list of which the first matching rule is applied:

    {"hears": ["appointment", "book"],      # any of these words is in the caller's last turn
     "after": "book_appointment",           # or: this tool has just returned
     "noted": ["transfer failed"],          # or: the platform has said this to the model since
     "says": "One moment.",                 # a template; {{heard}} is the caller's last turn,
                                            # {{output}} the result of the tool
     "calls": {"tool": "…", "arguments": {…}}}

A rule with none of `hears`, `after` and `noted` always matches. `options.word_ms` is the delay before each
word, in milliseconds."""

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
        user_text, last_tool, output = _last_exchange(self._chat_ctx)
        rule = choose_rule(self._rules, user_text, last_tool, _last_note(self._chat_ctx))
        context = {**self._read_context(), "heard": user_text, "output": output or ""}
        words = render(str(rule.get("says", "")), context).split(" ")
        if not rule:
            words = (output or "I have no rule for that.").split(" ")
        for index, word in enumerate(words):
            if word:
                await self._emit_text(word if index == 0 else f" {word}")
        if call := rule.get("calls"):
            self._emit_tool_call(
                str(call["tool"]), render_value(call.get("arguments", {}), context)
            )
        count = len(words)
        usage = llm.CompletionUsage(
            completion_tokens=count, prompt_tokens=len(user_text.split()), total_tokens=count
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


def choose_rule(
    rules: Sequence[Rule], user_text: str, last_tool: str | None, note: str = ""
) -> Rule:
    """Return the first rule that matches, or an empty rule when none does."""
    text, note = user_text.lower(), note.lower()
    for rule in rules:
        if "noted" in rule:
            if any(str(words).lower() in note for words in rule["noted"]):
                return rule
        elif last_tool is not None:
            if rule.get("after") == last_tool:
                return rule
        elif "after" not in rule and (
            "hears" not in rule or any(str(word).lower() in text for word in rule["hears"])
        ):
            return rule
    return {}


def _last_note(context: llm.ChatContext) -> str:
    """The system message that is the last item; empty if there is none."""
    last = context.items[-1] if context.items else None
    is_note = isinstance(last, llm.ChatMessage) and last.role == "system"
    return (last.text_content or "") if is_note and isinstance(last, llm.ChatMessage) else ""


def _last_exchange(context: llm.ChatContext) -> tuple[str, str | None, str | None]:
    """Return the caller's last turn and, if a tool has returned since, its name and output."""
    last_tool: str | None = None
    output: str | None = None
    for item in reversed(context.items):
        if isinstance(item, llm.FunctionCallOutput) and last_tool is None:
            last_tool, output = item.name, item.output
        elif isinstance(item, llm.ChatMessage) and item.role == "assistant":
            last_tool = last_tool or ""
        elif isinstance(item, llm.ChatMessage) and item.role == "user":
            return item.text_content or "", last_tool or None, output
    return "", last_tool or None, output
