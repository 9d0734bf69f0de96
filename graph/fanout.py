"""One event for many watchers: executed and encoded once per way of asking.

What differs between two watchers of a call with the same document is the id of their operation
and where they began. Neither is part of an event's answer, so the answer is shared."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import AsyncIterable, Awaitable, Hashable
from inspect import isawaitable, iscoroutine
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    create_source_event_stream,
    execute_subscription_event,
    visit,
)
from graphql.execution import Executor
from graphql.language.visitor import SKIP
from strawberry import Schema

from domain.events import Recorded
from graph.answers import answer, encode
from graph.documents import Document
from graph.limits import fields_of

SHARED_FIELD = "callEvents"
PERSONAL_FIELD = "call"
MOST_BYTES = 16 * 1024 * 1024
OVERHEAD = 300
"""Of one kept answer beside its text, in bytes."""

_names = count()


class NobodyInParticular:
    """The context while a shared answer is made."""

    def __getattr__(self, name: str) -> object:
        raise AskedWhoLooks


class AskedWhoLooks(Exception):
    """The answer depends on who looks, so it is not for everybody."""


class Shelf:
    """The answers of late, oldest first out. They are shelved by name, so that an answer does not
    keep alive the way of asking that it is an answer to."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._bytes = 0
        self._most = most_bytes

    def get(self, key: Hashable) -> str | None:
        return self._texts.get(key)

    def put(self, key: Hashable, text: str) -> None:
        self._texts[key] = text
        self._bytes += OVERHEAD + len(text)
        while self._bytes > self._most:
            _, old = self._texts.popitem(last=False)
            self._bytes -= OVERHEAD + len(old)


class Rendering:
    """A way of asking: a document and the variables its answers depend on."""

    __slots__ = (
        "__weakref__",
        "_event",
        "_executor",
        "_late",
        "_name",
        "_shared",
        "_shelf",
        "_text",
    )

    def __init__(self, executor: Executor[Any], shelf: Shelf) -> None:
        self._name = next(_names)
        self._executor = executor
        self._shelf = shelf
        self._late: deque[tuple[object, str]] = deque(maxlen=8)
        self._shared = True
        self._event: object = None
        self._text = ""

    def text(self, event: object) -> str | None:
        """The answer for everybody as JSON; None when everybody gets an answer of their own."""
        if event is self._event:
            return self._text
        if not self._shared:
            return None
        text = self._kept(event)
        if text is None:
            text = self._render(event)
            if text is None:
                self._shared = False
                return None
            self._keep(event, text)
        self._event, self._text = event, text
        return text

    def _kept(self, event: object) -> str | None:
        if isinstance(event, Recorded):
            return self._shelf.get(self._place(event))
        return next((text for passed, text in self._late if passed is event), None)

    def _keep(self, event: object, text: str) -> None:
        if isinstance(event, Recorded):
            self._shelf.put(self._place(event), text)
        else:
            # What passes by is the same object for all, and gone a moment later.
            self._late.append((event, text))

    def _place(self, event: Recorded) -> Hashable:
        """The cursor tells what was said at that number apart from what a lost log had there."""
        return self._name, event.call_id, event.cursor

    def _render(self, event: object) -> str | None:
        result = execute_subscription_event(self._executor.build_per_event_executor(event))
        if isawaitable(result):
            if iscoroutine(result):
                result.close()
            return None
        if any(isinstance(e.original_error, AskedWhoLooks) for e in result.errors or ()):
            return None
        return text_of(result)


class Watching:
    """One subscription to a call whose answers may be shared."""

    def __init__(self, executor: Executor[Any], rendering: Rendering) -> None:
        self._executor = executor
        self.text = rendering.text
        self.began = False

    async def source(self) -> AsyncIterable[object] | ExecutionResult:
        """The events themselves: the resolver runs, and with it every check of who asks."""
        stream = create_source_event_stream(self._executor)
        return await stream if isinstance(stream, Awaitable) else stream

    async def own_text(self, event: object) -> str:
        result = execute_subscription_event(self._executor.build_per_event_executor(event))
        return text_of(await result if isinstance(result, Awaitable) else result)


class Fanout:
    """Every way of asking that somebody is using now."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._shelf = Shelf()
        self._renderings: WeakValueDictionary[Hashable, Rendering] = WeakValueDictionary()

    def watching(
        self,
        document: Document,
        operation_name: str | None,
        variables: dict[str, Any] | None,
        context: object,
    ) -> Watching | list[GraphQLError] | None:
        """None: these answers cannot be shared."""
        used = _used_below_root(document, operation_name)
        if used is None:
            return None
        given = variables or {}
        below = encode({name: given[name] for name in sorted(used) if name in given})
        key = (document.text, operation_name, below)
        executor = self._executor(document, operation_name, given, context)
        if isinstance(executor, list):
            return executor
        rendering = self._renderings.get(key)
        if rendering is None:
            shared = self._executor(document, operation_name, given, NobodyInParticular())
            assert isinstance(shared, Executor)
            rendering = self._renderings[key] = Rendering(shared, self._shelf)
        return Watching(executor, rendering)

    def _executor(
        self, document: Document, name: str | None, variables: dict[str, Any], context: object
    ) -> Executor[Any] | list[GraphQLError]:
        return self._schema.execution_context_class.build(
            self._schema._schema,
            document.ast,
            context_value=context,
            raw_variable_values=variables,
            operation_name=name,
        )


def text_of(result: ExecutionResult) -> str:
    return encode(answer(result.data, result.errors)).decode()


def _used_below_root(document: Document, operation_name: str | None) -> set[str] | None:
    """The variables that answers depend on; None when answers cannot be shared."""
    operation = document.operation(operation_name)
    roots = list(fields_of(operation.selection_set, document.fragments))
    if operation.operation.value != "subscription":
        return None
    if any(node.name.value != SHARED_FIELD for node in roots):
        return None
    look = _Look({id(node) for node in roots})
    visit(document.ast, look)
    return None if look.personal else look.used


class _Look(Visitor):
    def __init__(self, roots: set[int]) -> None:
        super().__init__()
        self._arguments: set[int] = set()
        self._roots = roots
        self.used: set[str] = set()
        self.personal = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.personal |= node.name.value == PERSONAL_FIELD
        if id(node) in self._roots:
            self._arguments.update(id(argument) for argument in node.arguments or ())

    def enter_argument(self, node: Any, *_: object) -> Any:
        return SKIP if id(node) in self._arguments else None

    def enter_variable_definition(self, _: VariableDefinitionNode, *__: object) -> Any:
        return SKIP

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.used.add(node.name.value)
