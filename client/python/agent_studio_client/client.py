"""Operations of the API: queries and mutations by HTTP, subscriptions by WebSocket."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from agent_studio_client.credentials import TRANSIENT, Credential, post
from agent_studio_client.errors import RequestFailed, Response, TypedError, failed, read_response

Json = dict[str, Any]

SUBPROTOCOL = Subprotocol("graphql-transport-ws")
FINAL_CODES = frozenset({4400, 4406, 4409, 4429})
"""Close codes after which the same client would be refused in the same way."""
UNAUTHORIZED, FORBIDDEN = 4401, 4403
MAX_REFUSALS = 3
RETRIED = TRANSIENT | {"RATE_LIMITED"}
"""Codes of errors after which a subscription connects again."""
MAX_PAUSE_SECONDS = 5.0


class Studio:
    """A client of one installation. It keeps no connection between operations."""

    def __init__(
        self,
        url: str,
        credential: Credential,
        timeout_seconds: float = 30,
        connect_timeout_seconds: float = 10,
        reconnect_for_seconds: float = 3600,
    ) -> None:
        self._endpoint = f"{url.rstrip('/')}/graphql"
        self._credential = credential
        self._timeout = timeout_seconds
        self._connect_timeout = connect_timeout_seconds
        self._reconnect_for = reconnect_for_seconds

    async def query(self, document: str, **variables: Any) -> Json:
        """The data of an operation, with unions as they are. Raises `RequestFailed`."""
        return (await self.execute(document, **variables)).data

    async def execute(self, document: str, **variables: Any) -> Response:
        """As `query`, with the errors of nullable fields."""
        headers = await self._credential.headers()
        try:
            return await post(self._endpoint, document, variables, headers, self._timeout)
        except RequestFailed as refused:
            if refused.code != "UNAUTHENTICATED" or not self._credential.is_renewable:
                raise
        headers = await self._credential.headers(headers.get("authorization"))
        return await post(self._endpoint, document, variables, headers, self._timeout)

    async def mutate(self, document: str, **variables: Any) -> Json | TypedError:
        """The success or the error of a mutation with one root field. The document has to select `code`
        and `message` of `Error`."""
        [member] = (await self.query(document, **variables)).values()
        if isinstance(member, dict) and "code" in member and "message" in member:
            name = str(member.get("__typename", "Error"))
            return TypedError(name, member["code"], member["message"], member)
        return dict(member)

    async def subscribe(self, document: str, **variables: Any) -> AsyncGenerator[Json]:
        """The data of a subscription, across lost connections and expired tokens. The variable `after`
        follows the cursors of events, so none is missed or repeated. Raises `RequestFailed`."""
        attempt = _Attempts(self._credential, self._reconnect_for)
        while True:
            headers: dict[str, str] = {}
            try:
                headers = await attempt.headers()
                async with aclosing(self._run(document, variables, headers)) as values:
                    async for data in values:
                        attempt.succeeded()
                        variables |= _position(data)
                        yield data
                return
            except RequestFailed as error:
                if error.code not in RETRIED:
                    raise
                await attempt.pause(error.retry_after)
            except (OSError, InvalidHandshake, TimeoutError):
                await attempt.pause()
            except ConnectionClosed as closed:
                attempt.lost(closed, headers)
                await attempt.pause()

    async def _run(self, document: str, variables: Json, headers: Json) -> AsyncGenerator[Json]:
        """The data of a subscription from one connection."""
        address = "ws" + self._endpoint.removeprefix("http")
        payload = {
            "apiKey" if name == "x-api-key" else name: value for name, value in headers.items()
        }
        async with connect(
            address, subprotocols=[SUBPROTOCOL], open_timeout=self._connect_timeout, max_size=None
        ) as socket:
            await _send(socket, "connection_init", payload=payload)
            async with asyncio.timeout(self._connect_timeout):
                await _acknowledged(socket)
            request = {"query": document, "variables": variables}
            await _send(socket, "subscribe", id="1", payload=request)
            async for text in socket:
                match json.loads(text):
                    case {"type": "next", "payload": answer}:
                        yield read_response(answer).data
                    case {"type": "error", "payload": errors}:
                        raise failed(errors)
                    case {"type": "complete"}:
                        return
                    case {"type": "ping"}:
                        await _send(socket, "pong")
            # The iteration also ends when the server closes normally, without `complete`.
            raise OSError("the connection ended before the subscription")


class _Attempts:
    """When a subscription connects again, with which headers, and when it gives up."""

    def __init__(self, credential: Credential, limit_seconds: float) -> None:
        self._credential = credential
        self._limit = limit_seconds
        self._rejected: str | None = None
        self._refusals = 0
        self.succeeded()

    def succeeded(self) -> None:
        self._refusals = 0
        self._waited = 0.0
        self._pauses = _pauses()

    async def headers(self) -> dict[str, str]:
        rejected, self._rejected = self._rejected, None
        return await self._credential.headers(rejected)

    def lost(self, closed: ConnectionClosed, headers: Mapping[str, str]) -> None:
        """Raise if another connection would be closed as well."""
        code = closed.rcvd.code if closed.rcvd else None
        if code == UNAUTHORIZED:
            self._refusals += 1
        is_refused = code == UNAUTHORIZED and (
            not self._credential.is_renewable or self._refusals >= MAX_REFUSALS
        )
        if closed.rcvd and (code in FINAL_CODES or is_refused):
            name = "UNAUTHENTICATED" if is_refused else "BAD_REQUEST"
            message = f"The API closed the connection: {closed.rcvd.reason or code}."
            raise RequestFailed(name, message) from None
        if code in (UNAUTHORIZED, FORBIDDEN):
            self._rejected = headers.get("authorization")

    async def pause(self, seconds: float | None = None) -> None:
        if self._waited >= self._limit:
            raise RequestFailed(
                "DISCONNECTED",
                "The connection was lost, and could not be replaced within the limit.",
            )
        waiting = next(self._pauses) if seconds is None else seconds
        self._waited += waiting
        await asyncio.sleep(waiting)


def _pauses() -> Iterator[float]:
    for attempt in itertools.count():
        yield min(MAX_PAUSE_SECONDS, 0.1 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1)


def _position(data: Json) -> Json:
    """The variable with which a subscription continues, if the value is an event with a cursor."""
    [root, *_] = data.values()
    cursor = root.get("cursor") if isinstance(root, dict) else None
    return {} if cursor is None else {"after": cursor}


async def _send(socket: ClientConnection, type: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": type, **fields}))


async def _acknowledged(socket: ClientConnection) -> None:
    while (message := json.loads(await socket.recv()))["type"] != "connection_ack":
        if message["type"] == "ping":
            await _send(socket, "pong")
