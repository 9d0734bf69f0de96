"""OpenAI's chat completions and Gemini's generateContent, both streaming, with scripted replies.

Wire formats: https://platform.openai.com/docs/api-reference/chat/streaming and
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from local.emulators.faults import MalformedMessage, NoResponse
from local.emulators.http_server import run_server

KEY = "emulator-api-key"


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """One reply of the model: text, then tool calls as pairs of name and arguments."""

    text: str = ""
    tool_calls: tuple[tuple[str, Any], ...] = ()
    word_delay: float = 0.0
    """Delay before each word, in seconds."""
    first_word_delay: float = 0.0
    """Additional delay before the first word, in seconds."""
    tool_call_id: str | None = None
    """The id of every tool call; None gives each call an id of its own."""
    finish_reason: str | None = None
    """Why the model stopped; None for the usual reason."""


@dataclass(frozen=True, slots=True)
class FailedReply:
    """A failed reply: an HTTP error, or with status 200 a connection cut after `text`."""

    status: int = 200
    text: str = ""


Reply = ScriptedReply | FailedReply | MalformedMessage | NoResponse


@dataclass(slots=True)
class LlmEmulator:
    """The scripted replies and the received requests. The last reply repeats."""

    url: str = ""
    script: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    accepted_keys: frozenset[str] | None = frozenset({KEY})
    """The API keys to accept; None accepts every key."""
    model_list_requests: list[tuple[str, str]] = field(default_factory=list)
    """Provider and API key of each request for the list of models."""

    obeys_tool_choice: bool = False
    """Whether a request that demands a tool call gets one, with made-up arguments."""

    def next_reply(self, request: dict[str, Any]) -> Reply:
        demanded = _demanded_tool(request) if self.obeys_tool_choice else None
        if demanded is not None:
            return demanded
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def model_routes(state: LlmEmulator) -> list[BaseRoute]:
    def key_of(request: Request) -> str:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return request.headers.get("x-goog-api-key", bearer)

    async def openai(request: Request) -> Response:
        return await _respond(state, request, key_of(request), _openai_chunks)

    async def gemini(request: Request) -> Response:
        return await _respond(state, request, key_of(request), _gemini_chunks)

    async def list_models(request: Request) -> Response:
        state.model_list_requests.append((request.url.path.split("/")[1], key_of(request)))
        return JSONResponse({"object": "list", "data": [], "models": []})

    return [
        Route("/openai/chat/completions", openai, methods=["POST"]),
        Route("/openai/models", list_models),
        Route("/gemini/{rest:path}", gemini, methods=["POST"]),
        Route("/gemini/{rest:path}", list_models),
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
    state.headers.append(dict(request.headers))
    if state.accepted_keys is not None and key not in state.accepted_keys:
        return _error_response(401)
    reply = state.next_reply(state.requests[-1])
    if isinstance(reply, FailedReply) and reply.status != 200:
        return _error_response(reply.status)
    return StreamingResponse(_stream(reply, chunks), media_type="text/event-stream")


def _demanded_tool(request: dict[str, Any]) -> ScriptedReply | None:
    """A call of the tool that an OpenAI request demands; None if it demands none."""
    choice = request.get("tool_choice")
    functions = [tool["function"] for tool in request.get("tools") or ()]
    if isinstance(choice, dict):
        functions = [f for f in functions if f["name"] == choice["function"]["name"]]
    elif choice != "required":
        return None
    return ScriptedReply("", tuple((f["name"], _sample(f["parameters"])) for f in functions[:1]))


def _sample(schema: dict[str, Any]) -> Any:
    """A value for a schema: the first choice, or the simplest value of the type."""
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _sample(inside) for name, inside in schema.get("properties", {}).items()}
    samples: dict[str, Any] = {"integer": 0, "number": 0, "boolean": True, "array": []}
    return samples.get(str(schema.get("type")), "made up")


def _error_response(status: int) -> Response:
    body = {"error": {"code": status, "status": "REFUSED", "message": f"refused with {status}"}}
    return JSONResponse(body, status_code=status)


class ConnectionCut(Exception):
    """Makes the server drop the connection in the middle of a stream."""


async def _stream(reply: Reply, chunks: Any) -> AsyncIterator[str]:
    match reply:
        case FailedReply():
            for word in reply.text.split():
                yield _event(chunks(ScriptedReply(word))[0])
            raise ConnectionCut
        case MalformedMessage():
            yield _event("<html>502 Bad Gateway</html>")
            return
        case NoResponse():
            await asyncio.sleep(3600)
            return
    await asyncio.sleep(reply.first_word_delay)
    for chunk in chunks(reply):
        await asyncio.sleep(reply.word_delay)
        yield _event(chunk)


def _event(chunk: Any) -> str:
    return f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n"


def _words(text: str) -> Iterator[str]:
    if text.isspace():
        yield text
    for n, word in enumerate(text.split()):
        yield f" {word}" if n else word


def _openai_chunks(reply: ScriptedReply) -> list[Any]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _completion([choice])

    chunks = [chunk({"role": "assistant", "content": word}) for word in _words(reply.text)]
    for n, (name, arguments) in enumerate(reply.tool_calls):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": text}
        call = {
            "index": n,
            "id": reply.tool_call_id or f"call_{n}",
            "type": "function",
            "function": function,
        }
        chunks.append(chunk({"tool_calls": [call]}))
    finish_reason = reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")
    chunks.append(chunk({}, finish_reason))
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return [*chunks, _completion([], usage), "[DONE]"]


def _completion(choices: list[Any], usage: Any = None) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "emulator",
        "choices": choices,
        "usage": usage,
    }


def _gemini_chunks(reply: ScriptedReply) -> list[Any]:
    parts: list[dict[str, Any]] = [{"text": word} for word in _words(reply.text)]
    parts += [{"functionCall": {"name": name, "args": args}} for name, args in reply.tool_calls]
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}]}
        for part in parts or [{"text": " "}]
    ]
    chunks[-1]["candidates"][0]["finishReason"] = reply.finish_reason or "STOP"
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    chunks[-1]["usageMetadata"] = usage
    return chunks
