"""A client of the public API: HTTP for queries and mutations, graphql-transport-ws for streams."""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import cache
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

FATAL_CLOSE_CODES = frozenset({4400, 4401, 4406, 4409, 4429})
"""WebSocket close codes after which reconnecting would fail again."""
MAX_BACKOFF_SECONDS = 2.0

Json = dict[str, Any]


class ApiError(Exception):
    """The API rejected a request; the message is the API's own. `code` is that of its error."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@cache
def tls_context() -> ssl.SSLContext:
    """The certificate authorities, which httpx would otherwise read again for each client (35 ms)."""
    return httpx.create_ssl_context()


class StudioClient:
    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    async def execute(
        self, document: str, variables: Json | None = None, timeout_seconds: float = 30
    ) -> Json:
        """Return the data of one query or mutation. Retries while the API restarts, so a mutation
        must be safe to repeat. Raises `TimeoutError` after `timeout_seconds`."""
        body = {"query": document, "variables": variables or {}}
        headers = {"authorization": f"Bearer {self._token}"}
        async with (
            asyncio.timeout(timeout_seconds),
            httpx.AsyncClient(timeout=10, verify=tls_context()) as http,
        ):
            for pause in _retry_delays():
                try:
                    answer = await http.post(f"{self._url}/graphql", json=body, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(pause)
                    continue
                if answer.status_code in (502, 503, 504):
                    await asyncio.sleep(pause)
                    continue
                return _data(_json(answer.content, self._url))
        raise AssertionError("unreachable")

    async def mutate(self, document: str, variables: Json, timeout_seconds: float = 30) -> Json:
        """Return the success member of a mutation's result union; raise `ApiError` for an error."""
        [result] = (await self.execute(document, variables, timeout_seconds)).values()
        if "message" in result:
            raise ApiError(f"{result['message']} ({result['code']})", result["code"])
        return dict(result)

    async def follow(
        self,
        document: str,
        variables: Json,
        on_disconnect: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Json]:
        """Yield every `callEvents` update, across restarts of the API. Resumes after the last
        cursor, so no event is missed or repeated."""
        variables = dict(variables)
        for pause in _retry_delays():
            try:
                async with aclosing(self._stream(document, variables)) as updates:
                    async for update in updates:
                        event = update["callEvents"]
                        variables["after"] = event.get("cursor") or variables.get("after")
                        yield event
                return
            except (OSError, InvalidHandshake, TimeoutError):
                pass
            except WebSocketException as closed:
                code = getattr(getattr(closed, "rcvd", None), "code", None)
                if code in FATAL_CLOSE_CODES:
                    reason = getattr(closed.rcvd, "reason", "")  # type: ignore[attr-defined]
                    raise ApiError(f"the API closed the stream: {reason} ({code})") from None
            on_disconnect()
            await asyncio.sleep(pause)

    async def _stream(self, document: str, variables: Json) -> AsyncGenerator[Json]:
        address = "ws" + self._url.removeprefix("http") + "/graphql"
        async with connect(
            address, subprotocols=[Subprotocol("graphql-transport-ws")], open_timeout=5
        ) as ws:
            await _send(ws, "connection_init", payload={"authorization": f"Bearer {self._token}"})
            payload = {"query": document, "variables": variables}
            async for raw in ws:
                message = json.loads(raw)
                match message["type"]:
                    case "connection_ack":
                        await _send(ws, "subscribe", id="1", payload=payload)
                    case "next":
                        yield _data(message["payload"])
                    case "error":
                        raise ApiError(message["payload"][0]["message"])
                    case "complete":
                        return
                    case "ping":
                        await _send(ws, "pong")
            raise OSError("the stream ended early")


def _retry_delays() -> itertools.chain[float]:
    return itertools.chain((0.1, 0.2, 0.4, 0.8), itertools.repeat(MAX_BACKOFF_SECONDS))


async def _send(ws: ClientConnection, type: str, **fields: Any) -> None:
    await ws.send(json.dumps({"type": type, **fields}))


def _json(content: bytes, url: str) -> Json:
    try:
        return dict(json.loads(content))
    except ValueError:
        raise ApiError(f"{url} did not answer in JSON; is it the URL of a studio?") from None


def _data(answer: Json) -> Json:
    if errors := answer.get("errors"):
        raise ApiError(errors[0]["message"], errors[0].get("extensions", {}).get("code", ""))
    return dict(answer["data"])
