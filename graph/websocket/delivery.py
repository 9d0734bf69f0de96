"""Answers to one operation on a socket: one of a query, many of a subscription."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Sequence
from contextlib import aclosing
from typing import Any, Protocol, cast

from graphql import ExecutionResult, GraphQLError, OperationType
from strawberry.types.execution import ExecutionResult as Result

from domain.common.access import Viewer
from domain.common.errors import Unavailable
from graph.requests.errors import format_errors
from graph.requests.operations import GraphQLService, PreparedOperation, RequestRejected, RetryLater
from graph.requests.response_size import ResponseAborted, memory_owner
from graph.requests.responses import encode
from graph.requests.subscription_cache import SharedSubscription, encode_update

LARGE_MESSAGE_LENGTH = 128 * 1024
"""Letters of a message that counts as held until the client has taken it."""


class ClientSocket(Protocol):
    """The client's end of a socket."""

    api: GraphQLService
    viewer: Viewer | None
    address: str

    async def send(self, text: str) -> None: ...

    async def send_json(self, message: dict[str, Any]) -> None: ...


async def deliver(socket: ClientSocket, id: str, operation: PreparedOperation) -> None:
    """Raises `Refused` when nothing was executed, or when a query had no time or room."""
    asked, context = operation.request, socket.api.context(socket.viewer, socket.address)
    if operation.operation.operation is not OperationType.SUBSCRIPTION:
        with socket.api.reserve_response(operation, context) as size:
            found = await socket.api.run(operation, context, size)
            await _send_until_received(socket, f"{_next_prefix(id)}{found.text.decode()}}}")
        return
    watching = socket.api.fanout.subscribe(
        operation.document, asked.operation_name, asked.variables, context
    )
    if isinstance(watching, list):
        raise RequestRejected(watching)
    if watching is not None:
        await _stream_shared(socket, id, watching)
    else:
        await _stream(socket, id, operation, context)


async def _stream_shared(line: ClientSocket, id: str, watching: SharedSubscription) -> None:
    source = await watching.event_stream()
    if isinstance(source, ExecutionResult):
        raise RequestRejected(source.errors or [])
    try:
        await _forward_events(line, _next_prefix(id), watching, source)
    except (OSError, RetryLater):
        raise
    except Exception as error:  # noqa: BLE001 - told masked, as any failed field
        failed = GraphQLError(str(error), original_error=error)
        await _send_stream_error(line, id, [failed], first=not watching.started)


async def _forward_events(
    line: ClientSocket, head: str, watching: SharedSubscription, source: AsyncIterable[object]
) -> None:
    """The hot path: nothing per event but its text and the sending of it."""
    send, text_for = line.send, watching.shared_text
    async with aclosing(cast(Any, source)):
        async for event in source:
            watching.started = True
            text = text_for(event)
            if text is None:
                text = await watching.render(event)
            if len(text) < LARGE_MESSAGE_LENGTH:
                await send(f"{head}{text}}}")
            else:
                await _send_large(line, head, text)


async def _stream(
    line: ClientSocket, id: str, admitted: PreparedOperation, context: object
) -> None:
    asked = admitted.request
    results = await line.api.schema.stream(
        asked.query,
        variable_values=asked.variables,
        context_value=context,
        operation_name=asked.operation_name,
    )
    began = False
    async with aclosing(results):
        async for result in results:
            assert isinstance(result, Result)
            if result.data is None and all(error.path is None for error in result.errors or ()):
                await _send_stream_error(line, id, result.errors or [], first=not began)
                return
            began = True
            text = encode_update(result)
            if len(text) < LARGE_MESSAGE_LENGTH:
                await line.send(f"{_next_prefix(id)}{text}}}")
            else:
                await _send_large(line, _next_prefix(id), text)


def _next_prefix(id: str) -> str:
    return f'{{"type":"next","id":{encode(id).decode()},"payload":'


async def _send_large(line: ClientSocket, head: str, text: str) -> None:
    """An update of a subscription, which must not end because others do not read: it waits until
    those who stall are thrown out, or else asks its client to come back."""
    memory, seconds = line.api.response_memory, 2 * line.api.connections.timeouts.stall
    with memory.reserve(memory_owner(line.viewer, line.address)) as size:
        try:
            await memory.set_final_size(size, len(text.encode()), seconds)
        except ResponseAborted:
            raise RetryLater(Unavailable.code) from None
        await _send_until_received(line, f"{head}{text}}}")


async def _send_until_received(line: ClientSocket, text: str) -> None:
    """A large message is in the server's buffers when it is sent. The client has taken it when
    there is room for another one: a ping, which clients answer by themselves."""
    await line.send(text)
    if len(text) >= LARGE_MESSAGE_LENGTH:
        await line.send_json({"type": "ping"})


async def _send_stream_error(
    line: ClientSocket, id: str, errors: Sequence[GraphQLError], *, first: bool
) -> None:
    """The stream itself broke. Before anything was told, that is a refusal."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        format_errors(errors)  # logs them; the client has said that it listens no more
        raise asyncio.CancelledError
    if first:
        raise RequestRejected(errors)
    payload = {"data": None, "errors": format_errors(errors)}
    await line.send_json({"type": "next", "id": id, "payload": payload})
