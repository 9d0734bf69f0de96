"""How large an answer may become, and how much memory the answers of a process may take together.

Text is counted while an operation is executed, so that it ends as soon as its answer is too large.
It counts as held by the tenant of who asked until the client has taken it: clients that do not read
cannot fill the memory of the process, nor all users of a tenant together."""

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
from domain.tools.network_allow_list import client_network
from graph.requests.complexity import fields_of
from graph.requests.errors import RETRY_AFTER_SECONDS

MAX_RESPONSE_BYTES = 8 * 1024 * 1024
MAX_RESERVED_BYTES = 96 * 1024 * 1024
"""By all answers of a process that are being made or sent."""
TENANT_SHARE_DIVISOR = 4
"""No tenant holds more than one in so many of them."""
MAX_EXPORT_BYTES = MAX_RESERVED_BYTES // TENANT_SHARE_DIVISOR
"""Of an operation that does nothing but export a bundle, which has no pages."""
EXPORT_FIELD = "exportBundle"
RESERVATION_STEP_BYTES = 64 * 1024
"""Answers reserve memory in steps. Up to one they are not counted: they are always possible."""

POLL_INTERVAL_SECONDS = 0.05

ANSWER_TOO_LARGE = "ANSWER_TOO_LARGE"
ANSWER_DROPPED = "ANSWER_DROPPED"
"""A mutation was done, and there was no room for its answer."""


def response_limit(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> int:
    names = {field.name.value for field in fields_of(operation.selection_set, fragments)}
    return MAX_EXPORT_BYTES if names == {EXPORT_FIELD} else MAX_RESPONSE_BYTES


class ResponseAborted(GraphQLError):
    """Ends the whole operation, not only the field whose text was too much."""

    def __init__(self, message: str, code: str, **more: Any) -> None:
        super().__init__(message, extensions={"code": code, **more})

    def for_mutation(self, progress: str) -> ResponseAborted:
        """The same for a mutation, which was done when its answer was dropped."""
        too_large = self.extensions == {"code": ANSWER_TOO_LARGE}
        why = "is too large" if too_large else "had no room beside others that wait to be read"
        return ResponseAborted(
            f"The mutation was done{progress}; its answer {why}, and was dropped. Do not send it "
            "again: query what it has changed.",
            ANSWER_TOO_LARGE if too_large else ANSWER_DROPPED,
        )


class ResponseSize:
    """Of one answer, while it is made and until it is sent."""

    __slots__ = ("_holder", "_memory", "_most", "_reserved", "on_stop", "room", "stopped")

    def __init__(
        self, limit: int = MAX_RESPONSE_BYTES, memory: ResponseMemory | None = None, owner: str = ""
    ) -> None:
        self.room = RESERVATION_STEP_BYTES
        """What may be added before `extend` has to be asked."""
        self.stopped: ResponseAborted | None = None
        self.on_stop: Callable[[], None] | None = None
        """Called when there is no more room: what else the answer would hold need not be made."""
        self._most = limit
        self._memory = memory
        self._holder = owner
        self._reserved = 0

    def add(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            try:
                self.extend()
            except ResponseAborted as stopped:
                self.stopped = stopped
                if self.on_stop is not None:
                    self.on_stop()
                raise

    def extend(self) -> None:
        """Make room for what was added beyond it, in whole steps; raises `AnswerStopped`."""
        more = -(self.room // RESERVATION_STEP_BYTES) * RESERVATION_STEP_BYTES
        if self._reserved + more > self._most:
            raise response_too_large(self._most)
        self._reserve(more)
        self.room += more

    def set_final_size(self, size: int) -> None:
        """The answer is encoded, and its size is known."""
        if size > self._most:
            raise response_too_large(self._most)
        self._reserve(max(0, size - RESERVATION_STEP_BYTES) - self._reserved)

    def release(self) -> None:
        self._reserve(-self._reserved)
        # What was given up may still be counted by fields that go on for a moment.
        self._memory = None

    def _reserve(self, more: int) -> None:
        if self._memory is not None:
            self._memory.adjust(self._holder, more)
        self._reserved += more


class ResponseMemory:
    """What all answers of a process hold. One per process."""

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

    async def set_final_size(self, answer: ResponseSize, size: int, timeout_seconds: float) -> None:
        """As the answer itself does, but it waits so long for room, together with others that are
        no larger than a share."""
        until = time.monotonic() + timeout_seconds
        while True:
            try:
                return answer.set_final_size(size)
            except ResponseAborted:
                if (
                    time.monotonic() > until
                    or self._waiting_bytes + size > self._limit // TENANT_SHARE_DIVISOR
                ):
                    raise
            self._waiting_bytes += size
            try:
                await asyncio.sleep(POLL_INTERVAL_SECONDS)
            finally:
                self._waiting_bytes -= size

    def adjust(self, owner: str, more: int) -> None:
        """Less than nothing is given back."""
        if more > 0:
            self._check(more, self._bytes_by_owner[owner])
        self._total += more
        self._bytes_by_owner[owner] += more
        if not self._bytes_by_owner[owner]:
            del self._bytes_by_owner[owner]

    def _check(self, more: int, held: int) -> None:
        if self._total + more > self._limit:
            raise _memory_exhausted(
                "Too many large answers wait to be read by their clients; try again."
            )
        if held + more > self._limit // TENANT_SHARE_DIVISOR:
            raise _memory_exhausted(
                "Too many large answers wait to be read by your tenant; read them first."
            )


current_size: ContextVar[ResponseSize | None] = ContextVar("answer_size", default=None)


@contextmanager
def measure_response(size: ResponseSize) -> Iterator[None]:
    """What is executed within the block is counted."""
    token = current_size.set(size)
    try:
        yield
    finally:
        current_size.reset(token)


def memory_owner(viewer: Viewer | None, address: str) -> str:
    """Of an answer: the tenant, or the address of a stranger."""
    return str(viewer.tenant_id) if viewer else client_network(address)


def response_too_large(limit: int) -> ResponseAborted:
    return ResponseAborted(
        f"The answer would be larger than {limit} bytes. Ask for fewer nodes per page, or for "
        "less of each.",
        ANSWER_TOO_LARGE,
    )


def _memory_exhausted(message: str) -> ResponseAborted:
    return ResponseAborted(message, Unavailable.code, retryAfter=RETRY_AFTER_SECONDS)


def aborted_by(errors: Sequence[GraphQLError] | None) -> ResponseAborted | None:
    """What ended the whole operation because of the size of its answer."""
    causes = [error.original_error or error for error in errors or ()]
    stopped = next((cause for cause in causes if isinstance(cause, ResponseAborted)), None)
    if stopped is not None:
        # Their tracebacks lead to all that was read for the answer, in circles: it would stay
        # until the garbage collector comes, which counts objects and not their size.
        for error in (*(errors or ()), *causes):
            error.__traceback__ = error.__cause__ = error.__context__ = None
    return stopped
