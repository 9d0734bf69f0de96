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

from domain.access import Viewer
from domain.addresses import network_of
from domain.errors import Unavailable
from graph.limits import fields_of
from graph.masking import RETRY_SECONDS

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_HELD_BYTES = 96 * 1024 * 1024
"""By all answers of a process that are being made or sent."""
SHARES = 4
"""No tenant holds more than one in so many of them."""
MAX_EXPORT_BYTES = MAX_HELD_BYTES // SHARES
"""Of an operation that does nothing but export a bundle, which has no pages."""
EXPORT = "exportBundle"
STEP = 64 * 1024
"""Answers reserve memory in steps. Up to one they are not counted: they are always possible."""

POLL_INTERVAL_SECONDS = 0.05

ANSWER_TOO_LARGE = "ANSWER_TOO_LARGE"
ANSWER_DROPPED = "ANSWER_DROPPED"
"""A mutation was done, and there was no room for its answer."""


def max_bytes(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> int:
    names = {field.name.value for field in fields_of(operation.selection_set, fragments)}
    return MAX_EXPORT_BYTES if names == {EXPORT} else MAX_ANSWER_BYTES


class AnswerStopped(GraphQLError):
    """Ends the whole operation, not only the field whose text was too much."""

    def __init__(self, message: str, code: str, **more: Any) -> None:
        super().__init__(message, extensions={"code": code, **more})

    def of_mutation(self, how_far: str) -> AnswerStopped:
        """The same for a mutation, which was done when its answer was dropped."""
        too_large = self.extensions == {"code": ANSWER_TOO_LARGE}
        why = "is too large" if too_large else "had no room beside others that wait to be read"
        return AnswerStopped(
            f"The mutation was done{how_far}; its answer {why}, and was dropped. Do not send it "
            "again: query what it has changed.",
            ANSWER_TOO_LARGE if too_large else ANSWER_DROPPED,
        )


class AnswerSize:
    """Of one answer, while it is made and until it is sent."""

    __slots__ = ("_holder", "_memory", "_most", "_reserved", "on_stop", "room", "stopped")

    def __init__(
        self, most: int = MAX_ANSWER_BYTES, memory: AnswerMemory | None = None, holder: str = ""
    ) -> None:
        self.room = STEP
        """What may be added before `extend` has to be asked."""
        self.stopped: AnswerStopped | None = None
        self.on_stop: Callable[[], None] | None = None
        """Called when there is no more room: what else the answer would hold need not be made."""
        self._most = most
        self._memory = memory
        self._holder = holder
        self._reserved = 0

    def add(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            self.extend()

    def extend(self) -> None:
        """Make room for what was added beyond it, in whole steps; raises `AnswerStopped`."""
        try:
            self._extend()
        except AnswerStopped as stopped:
            self.stopped = stopped
            if self.on_stop is not None:
                self.on_stop()
            raise

    def _extend(self) -> None:
        more = -(self.room // STEP) * STEP
        if self._reserved + more > self._most:
            raise too_large(self._most)
        self._reserve(more)
        self.room += more

    def settle(self, size: int) -> None:
        """The answer is encoded, and its size is known."""
        if size > self._most:
            raise too_large(self._most)
        self._reserve(max(0, size - STEP) - self._reserved)

    def release(self) -> None:
        self._reserve(-self._reserved)
        # What was given up may still be counted by fields that go on for a moment.
        self._memory = None

    def _reserve(self, more: int) -> None:
        if self._memory is not None:
            self._memory.take(self._holder, more)
        self._reserved += more


class AnswerMemory:
    """What all answers of a process hold. One per process."""

    def __init__(self, most: int = MAX_HELD_BYTES) -> None:
        self._most = most
        self._total = 0
        self._waiting = 0
        self._held: Counter[str] = Counter()

    @contextmanager
    def answer(self, holder: str, most: int = MAX_ANSWER_BYTES) -> Iterator[AnswerSize]:
        size = AnswerSize(most, self, holder)
        try:
            yield size
        finally:
            size.release()

    async def settle(self, answer: AnswerSize, size: int, seconds: float) -> None:
        """As the answer itself does, but it waits so long for room, together with others that are
        no larger than a share."""
        until = time.monotonic() + seconds
        while True:
            try:
                return answer.settle(size)
            except AnswerStopped:
                if time.monotonic() > until or self._waiting + size > self._most // SHARES:
                    raise
            self._waiting += size
            try:
                await asyncio.sleep(POLL_INTERVAL_SECONDS)
            finally:
                self._waiting -= size

    def take(self, holder: str, more: int) -> None:
        """Less than nothing is given back."""
        if more > 0:
            self._check(more, self._held[holder])
        self._total += more
        self._held[holder] += more
        if not self._held[holder]:
            del self._held[holder]

    def _check(self, more: int, held: int) -> None:
        if self._total + more > self._most:
            raise _busy("Too many large answers wait to be read by their clients; try again.")
        if held + more > self._most // SHARES:
            raise _busy("Too many large answers wait to be read by your tenant; read them first.")


current: ContextVar[AnswerSize | None] = ContextVar("answer_size", default=None)


@contextmanager
def counted(size: AnswerSize) -> Iterator[None]:
    """What is executed within the block is counted."""
    token = current.set(size)
    try:
        yield
    finally:
        current.reset(token)


def holder_of(viewer: Viewer | None, address: str) -> str:
    """Of an answer: the tenant, or the address of a stranger."""
    return str(viewer.tenant_id) if viewer else network_of(address)


def too_large(most: int) -> AnswerStopped:
    return AnswerStopped(
        f"The answer would be larger than {most} bytes. Ask for fewer nodes per page, or for "
        "less of each.",
        ANSWER_TOO_LARGE,
    )


def _busy(message: str) -> AnswerStopped:
    return AnswerStopped(message, Unavailable.code, retryAfter=RETRY_SECONDS)


def stopped_by(errors: Sequence[GraphQLError] | None) -> AnswerStopped | None:
    """What ended the whole operation because of the size of its answer."""
    causes = [error.original_error or error for error in errors or ()]
    stopped = next((cause for cause in causes if isinstance(cause, AnswerStopped)), None)
    if stopped is not None:
        # Their tracebacks lead to all that was read for the answer, in circles: it would stay
        # until the garbage collector comes, which counts objects and not their size.
        for error in (*(errors or ()), *causes):
            error.__traceback__ = error.__cause__ = error.__context__ = None
    return stopped
