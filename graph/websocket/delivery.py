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
from graph.requests.errors import shown
from graph.requests.operations import Admitted, Api, NotNow, Refused
from graph.requests.response_size import AnswerStopped, holder_of
from graph.requests.responses import encode
from graph.requests.subscription_cache import Watching, text_of

LARGE = 128 * 1024
"""Letters of a message that counts as held until the client has taken it."""


class Line(Protocol):
    """The client's end of a socket."""

    api: Api
    viewer: Viewer | None
    address: str

    async def send(self, text: str) -> None: ...

    async def say(self, message: dict[str, Any]) -> None: ...


async def deliver(line: Line, id: str, admitted: Admitted) -> None:
    """Raises `Refused` when nothing was executed, or when a query had no time or room."""
    asked, context = admitted.asked, line.api.context(line.viewer, line.address)
    if admitted.operation.operation is not OperationType.SUBSCRIPTION:
        with line.api.holding(admitted, context) as size:
            found = await line.api.run(admitted, context, size)
            await _send_until_taken(line, f"{_head(id)}{found.text.decode()}}}")
        return
    watching = line.api.fanout.watching(
        admitted.document, asked.operation_name, asked.variables, context
    )
    if isinstance(watching, list):
        raise Refused(watching)
    if watching is not None:
        await _share(line, id, watching)
    else:
        await _stream(line, id, admitted, context)


async def _share(line: Line, id: str, watching: Watching) -> None:
    source = await watching.source()
    if isinstance(source, ExecutionResult):
        raise Refused(source.errors or [])
    try:
        await _pass_on(line, _head(id), watching, source)
    except (OSError, NotNow):
        raise
    except Exception as error:  # noqa: BLE001 - told masked, as any failed field
        failed = GraphQLError(str(error), original_error=error)
        await _fail(line, id, [failed], first=not watching.began)


async def _pass_on(
    line: Line, head: str, watching: Watching, source: AsyncIterable[object]
) -> None:
    """The hot path: nothing per event but its text and the sending of it."""
    send, text_for = line.send, watching.text
    async with aclosing(cast(Any, source)):
        async for event in source:
            watching.began = True
            text = text_for(event)
            if text is None:
                text = await watching.render(event)
            if len(text) < LARGE:
                await send(f"{head}{text}}}")
            else:
                await _send_large(line, head, text)


async def _stream(line: Line, id: str, admitted: Admitted, context: object) -> None:
    asked = admitted.asked
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
                await _fail(line, id, result.errors or [], first=not began)
                return
            began = True
            text = text_of(result)
            if len(text) < LARGE:
                await line.send(f"{_head(id)}{text}}}")
            else:
                await _send_large(line, _head(id), text)


def _head(id: str) -> str:
    return f'{{"type":"next","id":{encode(id).decode()},"payload":'


async def _send_large(line: Line, head: str, text: str) -> None:
    """An update of a subscription, which must not end because others do not read: it waits until
    those who stall are thrown out, or else asks its client to come back."""
    memory, seconds = line.api.memory, 2 * line.api.connections.patience.stall
    with memory.answer(holder_of(line.viewer, line.address)) as size:
        try:
            await memory.settle(size, len(text.encode()), seconds)
        except AnswerStopped:
            raise NotNow(Unavailable.code) from None
        await _send_until_taken(line, f"{head}{text}}}")


async def _send_until_taken(line: Line, text: str) -> None:
    """A large message is in the server's buffers when it is sent. The client has taken it when
    there is room for another one: a ping, which clients answer by themselves."""
    await line.send(text)
    if len(text) >= LARGE:
        await line.say({"type": "ping"})


async def _fail(line: Line, id: str, errors: Sequence[GraphQLError], *, first: bool) -> None:
    """The stream itself broke. Before anything was told, that is a refusal."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        shown(errors)  # logs them; the client has said that it listens no more
        raise asyncio.CancelledError
    if first:
        raise Refused(errors)
    payload = {"data": None, "errors": shown(errors)}
    await line.say({"type": "next", "id": id, "payload": payload})
