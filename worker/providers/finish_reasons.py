"""Why a model stopped, which the plugins of livekit-agents read and do not pass on."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from livekit.agents import APIError, llm

_GEMINI = re.compile(r"(?:blocked by gemini|finish reason): (?:FinishReason\.)?([A-Z_]+)")
_ATTRIBUTE = "studio_finish_reason"


StreamT = TypeVar("StreamT", bound=llm.LLMStream)


def note_finish_reason(stream: StreamT) -> StreamT:
    """Make a stream of the OpenAI plugin keep the finish reason of its response."""
    parse: Any = getattr(stream, "_parse_choice", None)

    def parse_and_note(id: str, choice: Any, *rest: Any) -> llm.ChatChunk | None:
        if choice.finish_reason is not None:
            setattr(stream, _ATTRIBUTE, str(choice.finish_reason))
        chunk: llm.ChatChunk | None = parse(id, choice, *rest)
        return chunk

    if parse is not None:
        vars(stream)["_parse_choice"] = parse_and_note
    return stream


def refusal_reason(error: Exception) -> str | None:
    """Why Gemini refused to respond, as its plugin words it; None for other errors."""
    if not isinstance(error, APIError):
        return None
    match = _GEMINI.search(f"{error.message} {error.body}")
    return match[1] if match else None


def read_finish_reason(stream: llm.LLMStream) -> str | None:
    """The finish reason in OpenAI's terms; None if it is not known."""
    return getattr(stream, _ATTRIBUTE, None)
