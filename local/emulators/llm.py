"""OpenAI's chat completions and Gemini's generateContent, both streaming, answering by a script.

Wire formats: https://platform.openai.com/docs/api-reference/chat/streaming and
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from local.emulators.faults import MalformedMessage, NoResponse
from local.emulators.http_server import run_server

KEY = "key-of-a-stand-in"


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """One answer of the model: words, then calls of tools by name with their arguments."""

    text: str = ""
    tool_calls: tuple[tuple[str, Any], ...] = ()
    word_delay: float = 0.0
    """Before each word, in seconds."""
    first_word_delay: float = 0.0
    """Before the first one."""
    tool_call_id: str | None = None
    """Of every call; None: each has its own."""


@dataclass(frozen=True, slots=True)
class FailedReply:
    """An answer that goes wrong: refused with a status, or cut after some words."""

    status: int = 200
    text: str = ""


Reply = ScriptedReply | FailedReply | MalformedMessage | NoResponse


@dataclass(slots=True)
class LlmEmulator:
    """What is to be answered, in order, and what was asked. The last answer is given for ever."""

    url: str = ""
    script: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    accepted_keys: frozenset[str] | None = frozenset({KEY})
    """The keys that open; None: every one."""
    model_list_requests: list[tuple[str, str]] = field(default_factory=list)
    """Lists of models that were asked for: of whom, and with which key."""

    def next_reply(self) -> Reply:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def model_routes(state: LlmEmulator) -> list[BaseRoute]:
    def key_of(request: Request) -> str:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return request.headers.get("x-goog-api-key", bearer)

    async def openai(request: Request) -> Response:
        return await _respond(state, request, key_of(request), _openai_chunks)

    async def gemini(request: Request) -> Response:
        return await _respond(state, request, key_of(request), _gemini_chunks)

    async def look(request: Request) -> Response:
        state.model_list_requests.append((request.url.path.split("/")[1], key_of(request)))
        return JSONResponse({"object": "list", "data": [], "models": []})

    return [
        Route("/openai/chat/completions", openai, methods=["POST"]),
        Route("/openai/models", look),
        Route("/gemini/{rest:path}", gemini, methods=["POST"]),
        Route("/gemini/{rest:path}", look),
    ]


@asynccontextmanager
async def run_llm_emulator() -> AsyncIterator[LlmEmulator]:
    state = LlmEmulator()
    async with run_server(Starlette(routes=model_routes(state))) as url:
        state.url = url
        yield state


async def _respond(state: LlmEmulator, request: Request, key: str, chunks: Any) -> Response:
    state.requests.append(await request.json())
    state.keys.append(key)
    if state.accepted_keys is not None and key not in state.accepted_keys:
        return _error_response(401)
    answer = state.next_reply()
    if isinstance(answer, FailedReply) and answer.status != 200:
        return _error_response(answer.status)
    return StreamingResponse(_stream(answer, chunks), media_type="text/event-stream")


def _error_response(status: int) -> Response:
    body = {"error": {"code": status, "status": "REFUSED", "message": f"refused with {status}"}}
    return JSONResponse(body, status_code=status)


class ConnectionCut(Exception):
    """The connection breaks here."""


async def _stream(answer: Reply, chunks: Any) -> AsyncIterator[str]:
    match answer:
        case FailedReply():
            for word in answer.text.split():
                yield _event(chunks(ScriptedReply(word))[0])
            raise ConnectionCut
        case MalformedMessage():
            yield _event("<html>502 Bad Gateway</html>")
            return
        case NoResponse():
            await asyncio.sleep(3600)
            return
    await asyncio.sleep(answer.first_word_delay)
    for chunk in chunks(answer):
        await asyncio.sleep(answer.word_delay)
        yield _event(chunk)


def _event(chunk: Any) -> str:
    return f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n"


def _words(text: str) -> Iterator[str]:
    for n, word in enumerate(text.split()):
        yield f" {word}" if n else word


def _openai_chunks(answer: ScriptedReply) -> list[Any]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _completion([choice])

    chunks = [chunk({"role": "assistant", "content": word}) for word in _words(answer.text)]
    for n, (name, arguments) in enumerate(answer.tool_calls):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": text}
        call = {
            "index": n,
            "id": answer.tool_call_id or f"call_{n}",
            "type": "function",
            "function": function,
        }
        chunks.append(chunk({"tool_calls": [call]}))
    chunks.append(chunk({}, "tool_calls" if answer.tool_calls else "stop"))
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return [*chunks, _completion([], usage), "[DONE]"]


def _completion(choices: list[Any], usage: Any = None) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "stand-in",
        "choices": choices,
        "usage": usage,
    }


def _gemini_chunks(answer: ScriptedReply) -> list[Any]:
    parts: list[dict[str, Any]] = [{"text": word} for word in _words(answer.text)]
    parts += [{"functionCall": {"name": name, "args": args}} for name, args in answer.tool_calls]
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}]}
        for part in parts or [{"text": " "}]
    ]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    chunks[-1]["usageMetadata"] = usage
    return chunks
