"""Limits on the size of a response and on the memory of all responses of a process.

The size is counted while an operation is executed, so that execution stops as soon as the response is
too large. The memory is charged to the tenant until the client has read the response. Therefore neither
clients that do not read nor all users of one tenant together can exhaust the memory of the process."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode

from domain.common.access import Viewer
from domain.common.errors import Unavailable
from domain.common.networks import client_network
from graph.requests.complexity import fields_of
from graph.requests.errors import RETRY_AFTER_SECONDS

MAX_RESPONSE_BYTES = 8 * 1024 * 1024
MAX_RESERVED_BYTES = 96 * 1024 * 1024
"""The limit for all responses of a process that are being built or sent."""
TENANT_SHARE_DIVISOR = 4
"""A tenant may hold the total divided by this number."""
MAX_EXPORT_BYTES = MAX_RESERVED_BYTES // TENANT_SHARE_DIVISOR
"""The limit for an operation that only exports a bundle, because a bundle has no pages."""
EXPORT_FIELD = "exportBundle"
RESERVATION_STEP_BYTES = 64 * 1024
"""Responses reserve memory in steps of this size. The first step is free, so small ones always fit."""

POLL_INTERVAL_SECONDS = 0.05

ANSWER_TOO_LARGE = "ANSWER_TOO_LARGE"
ANSWER_DROPPED = "ANSWER_DROPPED"
"""A mutation was executed, but there was no memory for its response."""


def response_limit(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> int:
    names = {field.name.value for field in fields_of(operation.selection_set, fragments)}
    return MAX_EXPORT_BYTES if names == {EXPORT_FIELD} else MAX_RESPONSE_BYTES


class ResponseAborted(GraphQLError):
    """Ends the whole operation and not only the field that exceeded the limit."""

    def __init__(self, message: str, code: str, **more: Any) -> None:
        super().__init__(message, extensions={"code": code, **more})

    def for_mutation(self, progress: str) -> ResponseAborted:
        """The error for a mutation, which was executed although its response is dropped."""
        too_large = self.extensions == {"code": ANSWER_TOO_LARGE}
        why = "is too large" if too_large else "did not fit into memory with others that are unread"
        return ResponseAborted(
            f"The mutation was executed{progress}; its response {why} and was dropped. Do not send it "
            "again: query what it has changed.",
            ANSWER_TOO_LARGE if too_large else ANSWER_DROPPED,
        )


class ResponseSize:
    """The size of one response, while it is built and until it is sent."""

    __slots__ = ("_limit", "_memory", "_owner", "_reserved", "on_stop", "room", "stopped")

    def __init__(
        self, limit: int = MAX_RESPONSE_BYTES, memory: ResponseMemory | None = None, owner: str = ""
    ) -> None:
        self.room = RESERVATION_STEP_BYTES
        """Bytes that may be added before `extend` reserves more memory."""
        self.stopped: ResponseAborted | None = None
        self.on_stop: Callable[[], None] | None = None
        """Called when the limit is reached, so that the rest of the response is not built."""
        self._limit = limit
        self._memory = memory
        self._owner = owner
        self._reserved = 0

    def add(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            self.extend()

    def extend(self) -> None:
        """Reserve memory for what was added, in whole steps; raises `ResponseAborted`."""
        try:
            self._extend()
        except ResponseAborted as stopped:
            self.stopped = stopped
            if self.on_stop is not None:
                self.on_stop()
            raise

    def _extend(self) -> None:
        more = -(self.room // RESERVATION_STEP_BYTES) * RESERVATION_STEP_BYTES
        if self._reserved + more > self._limit:
            raise response_too_large(self._limit)
        self._reserve(more)
        self.room += more

    def set_final_size(self, size: int) -> None:
        """Replace the estimate by the size of the encoded response; raises `ResponseAborted`."""
        if size > self._limit:
            raise response_too_large(self._limit)
        self._reserve(max(0, size - RESERVATION_STEP_BYTES) - self._reserved)

    def release(self) -> None:
        self._reserve(-self._reserved)
        # Fields of an aborted operation may still run for a moment; do not count their text.
        self._memory = None

    def _reserve(self, more: int) -> None:
        if self._memory is not None:
            self._memory.adjust(self._owner, more)
        self._reserved += more


class ResponseMemory:
    """The memory that the responses of a process hold. One per process."""

    def __init__(self, limit: int = MAX_RESERVED_BYTES) -> None:
        self._limit = limit
        self._total = 0
        self._waiting_bytes = 0
        self._bytes_by_owner: Counter[str] = Counter()

    @contextmanager
    def reserve(self, owner: str, limit: int = MAX_RESPONSE_BYTES) -> Iterator[ResponseSize]:
        size = ResponseSize(limit, self, owner)
        try:
            yield size
        finally:
            size.release()

    async def set_final_size(
        self, response: ResponseSize, size: int, timeout_seconds: float
    ) -> None:
        """Like `ResponseSize.set_final_size`, but wait up to `timeout_seconds` for memory.

        Responses that wait may together be as large as the share of one tenant."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                return response.set_final_size(size)
            except ResponseAborted:
                if (
                    time.monotonic() > deadline
                    or self._waiting_bytes + size > self._limit // TENANT_SHARE_DIVISOR
                ):
                    raise
            self._waiting_bytes += size
            try:
                await asyncio.sleep(POLL_INTERVAL_SECONDS)
            finally:
                self._waiting_bytes -= size

    def adjust(self, owner: str, more: int) -> None:
        """Charge `more` bytes to the owner; a negative number releases memory."""
        if more > 0:
            self._check(more, self._bytes_by_owner[owner])
        self._total += more
        self._bytes_by_owner[owner] += more
        if not self._bytes_by_owner[owner]:
            del self._bytes_by_owner[owner]

    def _check(self, more: int, in_use: int) -> None:
        if self._total + more > self._limit:
            raise _memory_exhausted(
                "Too many large responses have not been read by their clients; try again."
            )
        if in_use + more > self._limit // TENANT_SHARE_DIVISOR:
            raise _memory_exhausted(
                "Your tenant has too many large responses that are unread; read them first."
            )


current_size: ContextVar[ResponseSize | None] = ContextVar("response_size", default=None)


@contextmanager
def measure_response(size: ResponseSize) -> Iterator[None]:
    """Count what is executed within the block."""
    token = current_size.set(size)
    try:
        yield
    finally:
        current_size.reset(token)


def memory_owner(viewer: Viewer | None, address: str) -> str:
    """Who the memory of a response is charged to: the tenant, or the address without a viewer."""
    return str(viewer.tenant_id) if viewer else client_network(address)


def response_too_large(limit: int) -> ResponseAborted:
    return ResponseAborted(
        f"The response would be larger than {limit} bytes. Request fewer nodes per page or fewer fields "
        "of each.",
        ANSWER_TOO_LARGE,
    )


def _memory_exhausted(message: str) -> ResponseAborted:
    return ResponseAborted(message, Unavailable.code, retryAfter=RETRY_AFTER_SECONDS)


def aborted_by(errors: Sequence[GraphQLError] | None) -> ResponseAborted | None:
    """The error that aborted the operation because of the size of its response, or None."""
    causes = [error.original_error or error for error in errors or ()]
    stopped = next((cause for cause in causes if isinstance(cause, ResponseAborted)), None)
    if stopped is not None:
        # Tracebacks refer in cycles to everything that was read for the response. It would stay in
        # memory until the garbage collector runs, which counts objects and not their size.
        for error in (*(errors or ()), *causes):
            error.__traceback__ = error.__cause__ = error.__context__ = None
    return stopped
