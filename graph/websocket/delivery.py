"""Sends the responses of one operation: one for a query or mutation, many for a subscription."""

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
"""Messages of at least this many characters hold memory until the client has read them."""


class ClientSocket(Protocol):
    """What delivery needs of a connection."""

    api: GraphQLService
    viewer: Viewer | None
    address: str

    @property
    def user_agent(self) -> str: ...

    async def send(self, text: str) -> None: ...

    async def send_json(self, message: dict[str, Any]) -> None: ...


async def deliver(socket: ClientSocket, id: str, operation: PreparedOperation) -> None:
    """Raises `RequestRejected` when nothing was executed, or a query had no time or memory."""
    request = operation.request
    context = socket.api.context(socket.viewer, socket.address, socket.user_agent)
    if operation.operation.operation is not OperationType.SUBSCRIPTION:
        with socket.api.reserve_response(operation, context) as size:
            response = await socket.api.run(operation, context, size)
            await _send_until_received(socket, f"{_next_prefix(id)}{response.text.decode()}}}")
        return
    subscription = socket.api.fanout.subscribe(
        operation.document, request.operation_name, request.variables, context
    )
    if isinstance(subscription, list):
        raise RequestRejected(subscription)
    if subscription is not None:
        await _stream_shared(socket, id, subscription)
    else:
        await _stream(socket, id, operation, context)


async def _stream_shared(socket: ClientSocket, id: str, subscription: SharedSubscription) -> None:
    source = await subscription.event_stream()
    if isinstance(source, ExecutionResult):
        raise RequestRejected(source.errors or [])
    try:
        await _forward_events(socket, _next_prefix(id), subscription, source)
    except (OSError, RetryLater):
        raise
    except Exception as error:  # noqa: BLE001 - reported masked, like any failed field
        failed = GraphQLError(str(error), original_error=error)
        await _send_stream_error(socket, id, [failed], first=not subscription.started)


async def _forward_events(
    socket: ClientSocket, head: str, subscription: SharedSubscription, source: AsyncIterable[object]
) -> None:
    """The hot path: each event only looks up its text and sends it."""
    send, text_for = socket.send, subscription.shared_text
    async with aclosing(cast(Any, source)):
        async for event in source:
            subscription.started = True
            text = text_for(event)
            if text is None:
                text = await subscription.render(event)
            if len(text) < LARGE_MESSAGE_LENGTH:
                await send(f"{head}{text}}}")
            else:
                await _send_large(socket, head, text)


async def _stream(
    socket: ClientSocket, id: str, operation: PreparedOperation, context: object
) -> None:
    request = operation.request
    results = await socket.api.schema.stream(
        request.query,
        variable_values=request.variables,
        context_value=context,
        operation_name=request.operation_name,
    )
    started = False
    async with aclosing(results):
        async for result in results:
            assert isinstance(result, Result)
            if result.data is None and all(error.path is None for error in result.errors or ()):
                await _send_stream_error(socket, id, result.errors or [], first=not started)
                return
            started = True
            text = encode_update(result)
            if len(text) < LARGE_MESSAGE_LENGTH:
                await socket.send(f"{_next_prefix(id)}{text}}}")
            else:
                await _send_large(socket, _next_prefix(id), text)


def _next_prefix(id: str) -> str:
    return f'{{"type":"next","id":{encode(id).decode()},"payload":'


async def _send_large(socket: ClientSocket, head: str, text: str) -> None:
    """Send a large update of a subscription, which must not end because other clients do not read.

    It waits until stalled clients have been disconnected. If there is still no memory, it raises
    `RetryLater`."""
    memory, timeout_seconds = socket.api.response_memory, 2 * socket.api.connections.timeouts.stall
    with memory.reserve(memory_owner(socket.viewer, socket.address)) as size:
        try:
            await memory.set_final_size(size, len(text.encode()), timeout_seconds)
        except ResponseAborted:
            raise RetryLater(Unavailable.code) from None
        await _send_until_received(socket, f"{head}{text}}}")


async def _send_until_received(socket: ClientSocket, text: str) -> None:
    """Return when the client has read the message.

    Sending a large message returns while it is still in the buffers of the server. Sending another one
    waits until the buffers are drained. A ping does, because clients handle it automatically."""
    await socket.send(text)
    if len(text) >= LARGE_MESSAGE_LENGTH:
        await socket.send_json({"type": "ping"})


async def _send_stream_error(
    socket: ClientSocket, id: str, errors: Sequence[GraphQLError], *, first: bool
) -> None:
    """Report the failure of a stream. Before the first event it is a rejected request."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        format_errors(errors)  # logs them; the client has completed the operation
        raise asyncio.CancelledError
    if first:
        raise RequestRejected(errors)
    payload = {"data": None, "errors": format_errors(errors)}
    await socket.send_json({"type": "next", "id": id, "payload": payload})
