"""One update for many watchers: executed and encoded once per way of asking.

What differs between two watchers of a call with the same document is the id of their operation
and where they began. Neither is part of an event's answer, so the answer is shared. What is told
of a list of calls may depend on the tenant and on what a viewer may do, and is shared by the
viewers who have both in common."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterable, Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable, iscoroutine
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

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
from strawberry.types.execution import ExecutionResult as Result

from domain.calls.events import StoredEvent
from domain.common.access import Permissions, Scope
from domain.common.settings import Settings
from domain.ports import Services
from graph.requests.complexity import fields_of
from graph.requests.document_cache import GraphQLDocument
from graph.requests.errors import format_errors
from graph.requests.response_size import MAX_RESPONSE_BYTES, aborted_by, response_too_large
from graph.requests.responses import encode, to_response
from resolvers.context import RequestContext
from resolvers.loaders import Loaders, current_loaders

SHARED_FIELD = "callEvents"
VIEWER_DEPENDENT_FIELD = "call"
LIST_FIELD = "calls"
MAX_CACHE_BYTES = 16 * 1024 * 1024
ENTRY_OVERHEAD_BYTES = 300
"""Of one kept answer beside its text, in bytes."""

SubscriptionKey = tuple[str, str | None, bytes]
"""A document, the name of its operation, and the variables that its answers depend on."""
BuildExecutor = Callable[[object], Executor[Any] | list[GraphQLError]]
"""Makes what executes a way of asking, in a context."""


class AnonymousContext:
    """The context while an answer for everybody is made."""

    def __getattr__(self, name: str) -> object:
        raise ViewerDependentResult


class ViewerDependentResult(Exception):
    """The answer depends on who looks, so it is not shared."""


@dataclass(frozen=True, slots=True)
class SharedContext:
    """The context while an answer for all viewers with the same view is made. Who of them looks
    is not in it, so that no answer can depend on it."""

    services: Services
    settings: Settings
    viewer: Permissions

    def require(self, scope: Scope | None = None) -> Permissions:
        return self.viewer.require(scope) if scope else self.viewer

    def __getattr__(self, name: str) -> object:
        raise ViewerDependentResult


class ByteBoundedCache:
    """The answers of late, oldest first out. They are shelved by name, so that an answer does not
    keep alive the way of asking that it is an answer to."""

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._bytes = 0
        self._max_bytes = max_bytes

    def get(self, key: Hashable) -> str | None:
        return self._texts.get(key)

    def put(self, key: Hashable, text: str) -> None:
        self._texts[key] = text
        self._bytes += ENTRY_OVERHEAD_BYTES + len(text)
        while self._bytes > self._max_bytes:
            _, old = self._texts.popitem(last=False)
            self._bytes -= ENTRY_OVERHEAD_BYTES + len(old)


class SharedExecution:
    """A way of asking for the events of a call: a document and the variables that its answers
    depend on."""

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

    def __init__(self, executor: Executor[Any], cache: ByteBoundedCache, digest: bytes) -> None:
        self._name = digest
        self._executor = executor
        self._shelf = cache
        self._late: deque[tuple[object, str]] = deque(maxlen=8)
        self._shared = True
        self._event: object = None
        self._text = ""

    def shared_text(self, event: object) -> str | None:
        """The answer for everybody as JSON; None when everybody gets an answer of their own."""
        if event is self._event:
            return self._text
        if not self._shared:
            return None
        text = self._cached(event)
        if text is None:
            text = self._render(event)
            if text is None:
                self._shared = False
                return None
            self._add(event, text)
        self._event, self._text = event, text
        return text

    def _cached(self, event: object) -> str | None:
        if isinstance(event, StoredEvent):
            return self._shelf.get(self._cache_key(event))
        return next((text for passed, text in self._late if passed is event), None)

    def _add(self, event: object, text: str) -> None:
        if isinstance(event, StoredEvent):
            self._shelf.put(self._cache_key(event), text)
        else:
            # What passes by is the same object for all, and gone a moment later.
            self._late.append((event, text))

    def _cache_key(self, event: StoredEvent) -> Hashable:
        """The cursor tells what was said at that number apart from what a lost log had there."""
        return self._name, event.call_id, event.cursor

    def _render(self, event: object) -> str | None:
        result = execute_subscription_event(self._executor.build_per_event_executor(event))
        if isawaitable(result):
            if iscoroutine(result):
                result.close()
            return None
        if _is_viewer_dependent(result):
            return None
        return encode_update(result)


class SharedListExecution:
    """A way of asking for a list of calls, by all who have the same view of their tenant. What is
    told of lists is kept for as long as it is the news: the updates are the same objects for all
    watchers of a list."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        self._texts: WeakKeyDictionary[object, str] = WeakKeyDictionary()
        self._lock = asyncio.Lock()
        self._shared = True

    def shared_text(self, update: object) -> str | None:
        return self._texts.get(update)

    async def render(self, update: object) -> str | None:
        """The first watcher makes the answer while the others wait for it; None when each needs
        an answer of their own."""
        async with self._lock:
            text = self._texts.get(update)
            if text is None and self._shared:
                result = await _execute_event(self._executor, update)
                self._shared = not _is_viewer_dependent(result)
                if self._shared:
                    text = self._texts[update] = encode_update(result)
            return text


class SharedSubscription:
    """One subscription whose answers may be shared."""

    def __init__(
        self, executor: Executor[Any], execution: SharedExecution | SharedListExecution
    ) -> None:
        self._executor = executor
        self._execution = execution
        self.shared_text = execution.shared_text
        self.started = False

    async def event_stream(self) -> AsyncIterable[object] | ExecutionResult:
        """The events themselves: the resolver runs, and with it every check of who asks."""
        stream = create_source_event_stream(self._executor)
        return await stream if isinstance(stream, Awaitable) else stream

    async def render(self, event: object) -> str:
        """What `text` does not have."""
        if isinstance(self._execution, SharedListExecution):
            text = await self._execution.render(event)
            if text is not None:
                return text
        return encode_update(await _execute_event(self._executor, event))


class Fanout:
    """Every way of asking that somebody is using now."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._cache = ByteBoundedCache()
        self._call_executions: WeakValueDictionary[Hashable, SharedExecution] = (
            WeakValueDictionary()
        )
        self._list_executions: WeakValueDictionary[Hashable, SharedListExecution] = (
            WeakValueDictionary()
        )

    def subscribe(
        self,
        document: GraphQLDocument,
        operation_name: str | None,
        variables: dict[str, Any] | None,
        context: RequestContext | None,
    ) -> SharedSubscription | list[GraphQLError] | None:
        """None: these answers cannot be shared."""
        field, used = _shared_field(document, operation_name)
        if field is None:
            return None
        given = variables or {}
        below = encode({name: given[name] for name in sorted(used) if name in given})
        build = partial(self._executor, document, operation_name, given)
        executor = build(context)
        if isinstance(executor, list):
            return executor
        asked = (document.text, operation_name, below)
        if field == LIST_FIELD and context is not None:
            return SharedSubscription(executor, self._list_execution(asked, build, context))
        return SharedSubscription(executor, self._call_execution(asked, build))

    def _call_execution(self, asked: SubscriptionKey, build: BuildExecutor) -> SharedExecution:
        rendering = self._call_executions.get(asked)
        if rendering is None:
            executor = build(AnonymousContext())
            assert isinstance(executor, Executor)
            rendering = SharedExecution(executor, self._cache, _digest(asked))
            self._call_executions[asked] = rendering
        return rendering

    def _list_execution(
        self, asked: SubscriptionKey, build: BuildExecutor, context: RequestContext
    ) -> SharedListExecution:
        viewer = context.require()
        view = Permissions(viewer.tenant_id, viewer.scopes)
        rendering = self._list_executions.get((asked, view))
        if rendering is None:
            executor = build(SharedContext(context.services, context.settings, view))
            assert isinstance(executor, Executor)
            rendering = self._list_executions[asked, view] = SharedListExecution(executor)
        return rendering

    def _executor(
        self,
        document: GraphQLDocument,
        name: str | None,
        variables: dict[str, Any],
        context: object,
    ) -> Executor[Any] | list[GraphQLError]:
        return self._schema.execution_context_class.build(
            self._schema._schema,
            document.ast,
            context_value=context,
            raw_variable_values=variables,
            operation_name=name,
        )


def _digest(asked: SubscriptionKey) -> bytes:
    """The same for the same way of asking, whenever somebody uses it: what is on the shelf is
    found again by who comes later."""
    return hashlib.blake2b(repr(asked).encode(), digest_size=16).digest()


async def _execute_event(executor: Executor[Any], event: object) -> ExecutionResult:
    token = current_loaders.set(Loaders())
    try:
        result = execute_subscription_event(executor.build_per_event_executor(event))
        return await result if isinstance(result, Awaitable) else result
    finally:
        current_loaders.reset(token)


def _is_viewer_dependent(result: ExecutionResult) -> bool:
    return any(isinstance(e.original_error, ViewerDependentResult) for e in result.errors or ())


def encode_update(result: ExecutionResult | Result) -> str:
    """Of one update. One that is too large is told as an error in its place."""
    stopped = aborted_by(result.errors)
    if stopped is None:
        text = encode(to_response(result.data, result.errors))
        if len(text) <= MAX_RESPONSE_BYTES:
            return text.decode()
        stopped = response_too_large(MAX_RESPONSE_BYTES)
    return encode({"data": None, "errors": format_errors([stopped])}).decode()


def _shared_field(
    document: GraphQLDocument, operation_name: str | None
) -> tuple[str | None, set[str]]:
    """The field whose answers can be shared, and the variables that they depend on."""
    operation = document.operation(operation_name)
    roots = list(fields_of(operation.selection_set, document.fragments))
    names = {node.name.value for node in roots}
    if operation.operation.value != "subscription" or len(names) != 1:
        return None, set()
    look = _UsageVisitor({id(node) for node in roots})
    visit(document.ast, look)
    look.enter_leave_map.clear()  # of methods of its own, by which it would hold itself
    [name] = names
    if name == LIST_FIELD or (name == SHARED_FIELD and not look.selects_call):
        return name, look.used_variables
    return None, set()


class _UsageVisitor(Visitor):
    def __init__(self, roots: set[int]) -> None:
        super().__init__()
        self._arguments: set[int] = set()
        self._roots = roots
        self.used_variables: set[str] = set()
        self.selects_call = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.selects_call |= node.name.value == VIEWER_DEPENDENT_FIELD
        if id(node) in self._roots:
            self._arguments.update(id(argument) for argument in node.arguments or ())

    def enter_argument(self, node: Any, *_: object) -> Any:
        return SKIP if id(node) in self._arguments else None

    def enter_variable_definition(self, _: VariableDefinitionNode, *__: object) -> Any:
        return SKIP

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.used_variables.add(node.name.value)
