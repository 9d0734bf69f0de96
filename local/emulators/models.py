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

from local.emulators.faults import Garbage, Silent
from local.emulators.http_server import served

KEY = "key-of-a-stand-in"


@dataclass(frozen=True, slots=True)
class Says:
    """One answer of the model: words, then calls of tools by name with their arguments."""

    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    pause: float = 0.0
    """Before each word, in seconds."""
    late: float = 0.0
    """Before the first one."""
    id: str | None = None
    """Of every call; None: each has its own."""


@dataclass(frozen=True, slots=True)
class Fails:
    """An answer that goes wrong: refused with a status, or cut after some words."""

    status: int = 200
    words: str = ""


Answer = Says | Fails | Garbage | Silent


@dataclass(slots=True)
class Models:
    """What is to be answered, in order, and what was asked. The last answer is given for ever."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    accepted: frozenset[str] | None = frozenset({KEY})
    """The keys that open; None: every one."""
    looked: list[tuple[str, str]] = field(default_factory=list)
    """Lists of models that were asked for: of whom, and with which key."""

    def next(self) -> Answer:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def model_routes(state: Models) -> list[BaseRoute]:
    def key_of(request: Request) -> str:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return request.headers.get("x-goog-api-key", bearer)

    async def openai(request: Request) -> Response:
        return await _answer(state, request, key_of(request), _openai_chunks)

    async def gemini(request: Request) -> Response:
        return await _answer(state, request, key_of(request), _gemini_chunks)

    async def look(request: Request) -> Response:
        state.looked.append((request.url.path.split("/")[1], key_of(request)))
        return JSONResponse({"object": "list", "data": [], "models": []})

    return [
        Route("/openai/chat/completions", openai, methods=["POST"]),
        Route("/openai/models", look),
        Route("/gemini/{rest:path}", gemini, methods=["POST"]),
        Route("/gemini/{rest:path}", look),
    ]


@asynccontextmanager
async def models() -> AsyncIterator[Models]:
    state = Models()
    async with served(Starlette(routes=model_routes(state))) as url:
        state.url = url
        yield state


async def _answer(state: Models, request: Request, key: str, chunks: Any) -> Response:
    state.asked.append(await request.json())
    state.keys.append(key)
    if state.accepted is not None and key not in state.accepted:
        return _refused(401)
    answer = state.next()
    if isinstance(answer, Fails) and answer.status != 200:
        return _refused(answer.status)
    return StreamingResponse(_stream(answer, chunks), media_type="text/event-stream")


def _refused(status: int) -> Response:
    body = {"error": {"code": status, "status": "REFUSED", "message": f"refused with {status}"}}
    return JSONResponse(body, status_code=status)


class Cut(Exception):
    """The connection breaks here."""


async def _stream(answer: Answer, chunks: Any) -> AsyncIterator[str]:
    match answer:
        case Fails():
            for word in answer.words.split():
                yield _event(chunks(Says(word))[0])
            raise Cut
        case Garbage():
            yield _event("<html>502 Bad Gateway</html>")
            return
        case Silent():
            await asyncio.sleep(3600)
            return
    await asyncio.sleep(answer.late)
    for chunk in chunks(answer):
        await asyncio.sleep(answer.pause)
        yield _event(chunk)


def _event(chunk: Any) -> str:
    return f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n"


def _words(text: str) -> Iterator[str]:
    for n, word in enumerate(text.split()):
        yield f" {word}" if n else word


def _openai_chunks(answer: Says) -> list[Any]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _completion([choice])

    chunks = [chunk({"role": "assistant", "content": word}) for word in _words(answer.text)]
    for n, (name, arguments) in enumerate(answer.calls):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": text}
        call = {
            "index": n,
            "id": answer.id or f"call_{n}",
            "type": "function",
            "function": function,
        }
        chunks.append(chunk({"tool_calls": [call]}))
    chunks.append(chunk({}, "tool_calls" if answer.calls else "stop"))
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


def _gemini_chunks(answer: Says) -> list[Any]:
    parts: list[dict[str, Any]] = [{"text": word} for word in _words(answer.text)]
    parts += [{"functionCall": {"name": name, "args": args}} for name, args in answer.calls]
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}]}
        for part in parts or [{"text": " "}]
    ]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    chunks[-1]["usageMetadata"] = usage
    return chunks
