"""Executes and encodes each update of a subscription once for all subscribers that share it.

Two subscribers of a call with the same document and variables differ only in the id of their operation
and in the cursor that they started at. Neither is part of the response for an event, so the response is
shared. Updates of a live list may depend on the tenant and the scopes of a viewer, so they are shared
by viewers who have both in common.

Measured: executing a subscription takes 180 to 354 µs of CPU per subscriber and event; sending a text
that is already encoded takes 11 to 14 µs. Before lists were shared, 600 subscribers of a list raised the
p95 response time of another tenant to 3.2 s."""

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
LIST_FIELDS = frozenset({"calls", "agents", "tools", "workflows"})
MAX_CACHE_BYTES = 16 * 1024 * 1024
ENTRY_OVERHEAD_BYTES = 300
"""The memory of a cache entry in addition to its text."""

SubscriptionKey = tuple[str, str | None, bytes]
"""A document, the name of its operation, and the encoded variables that its responses depend on."""
BuildExecutor = Callable[[object], Executor[Any] | list[GraphQLError]]
"""Builds the executor of a subscription for a context."""


class AnonymousContext:
    """The context of responses that are the same for all viewers. It provides nothing."""

    def __getattr__(self, name: str) -> object:
        raise ViewerDependentResult


class ViewerDependentResult(Exception):
    """The response depends on the viewer, so it is not shared."""


@dataclass(frozen=True, slots=True)
class SharedContext:
    """The context of responses for all viewers with the same tenant and scopes.

    It does not contain the viewer, so that no response can depend on it."""

    services: Services
    viewer: Permissions

    def require(self, scope: Scope | None = None) -> Permissions:
        return self.viewer.require(scope) if scope else self.viewer

    def __getattr__(self, name: str) -> object:
        raise ViewerDependentResult


class ByteBoundedCache:
    """A cache of encoded responses; the oldest are evicted first.

    The keys contain a digest and not the execution itself, so that an entry does not keep it alive."""

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
            _, evicted = self._texts.popitem(last=False)
            self._bytes -= ENTRY_OVERHEAD_BYTES + len(evicted)


class SharedExecution:
    """The execution of a document for the events of a call, shared by all of its subscribers."""

    __slots__ = (
        "__weakref__",
        "_cache",
        "_digest",
        "_ephemeral",
        "_event",
        "_executor",
        "_shared",
        "_text",
    )

    def __init__(self, executor: Executor[Any], cache: ByteBoundedCache, digest: bytes) -> None:
        self._digest = digest
        self._executor = executor
        self._cache = cache
        self._ephemeral: deque[tuple[object, str]] = deque(maxlen=8)
        self._shared = True
        self._event: object = None
        self._text = ""

    def shared_text(self, event: object) -> str | None:
        """The shared response as JSON; None when each viewer needs a response of its own."""
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
            return self._cache.get(self._cache_key(event))
        return next((text for cached, text in self._ephemeral if cached is event), None)

    def _add(self, event: object, text: str) -> None:
        if isinstance(event, StoredEvent):
            self._cache.put(self._cache_key(event), text)
        else:
            # An ephemeral event is one object for all subscribers and is only needed for a moment.
            self._ephemeral.append((event, text))

    def _cache_key(self, event: StoredEvent) -> Hashable:
        """Contains the cursor, because a number repeats when the end of a log was lost."""
        return self._digest, event.call_id, event.cursor

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
    """The execution of a document for a live list, shared by viewers with equal permissions.

    An update is one object for all subscribers of a list. Its response is cached as long as the update
    is referenced."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        self._texts: WeakKeyDictionary[object, str] = WeakKeyDictionary()
        self._lock = asyncio.Lock()
        self._shared = True

    def shared_text(self, update: object) -> str | None:
        return self._texts.get(update)

    async def render(self, update: object) -> str | None:
        """Render the update once while other subscribers wait; None when each viewer needs a response
        of its own."""
        async with self._lock:
            text = self._texts.get(update)
            if text is None and self._shared:
                result = await _execute_event(self._executor, update)
                self._shared = not _is_viewer_dependent(result)
                if self._shared:
                    text = self._texts[update] = encode_update(result)
            return text


class SharedSubscription:
    """One subscription whose responses may be shared."""

    def __init__(
        self, executor: Executor[Any], execution: SharedExecution | SharedListExecution
    ) -> None:
        self._executor = executor
        self._execution = execution
        self.shared_text = execution.shared_text
        self.started = False

    async def event_stream(self) -> AsyncIterable[object] | ExecutionResult:
        """The source events. The resolver runs for this viewer, with all permission checks."""
        stream = create_source_event_stream(self._executor)
        return await stream if isinstance(stream, Awaitable) else stream

    async def render(self, event: object) -> str:
        """The response for an event that `shared_text` has none for."""
        if isinstance(self._execution, SharedListExecution):
            text = await self._execution.render(event)
            if text is not None:
                return text
        return encode_update(await _execute_event(self._executor, event))


class Fanout:
    """The shared executions of all subscriptions that are active."""

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
        """None when the responses cannot be shared; a list of errors when the request is invalid."""
        field, used_variables = _shared_field(document, operation_name)
        if field is None:
            return None
        values = variables or {}
        used_values = {name: values[name] for name in sorted(used_variables) if name in values}
        build = partial(self._executor, document, operation_name, values)
        executor = build(context)
        if isinstance(executor, list):
            return executor
        key = (document.text, operation_name, encode(used_values))
        if field in LIST_FIELDS and context is not None:
            return SharedSubscription(executor, self._list_execution(key, build, context))
        return SharedSubscription(executor, self._call_execution(key, build))

    def _call_execution(self, key: SubscriptionKey, build: BuildExecutor) -> SharedExecution:
        execution = self._call_executions.get(key)
        if execution is None:
            executor = build(AnonymousContext())
            assert isinstance(executor, Executor)
            execution = SharedExecution(executor, self._cache, _digest(key))
            self._call_executions[key] = execution
        return execution

    def _list_execution(
        self, key: SubscriptionKey, build: BuildExecutor, context: RequestContext
    ) -> SharedListExecution:
        viewer = context.require()
        permissions = Permissions(viewer.tenant_id, viewer.scopes)
        execution = self._list_executions.get((key, permissions))
        if execution is None:
            executor = build(SharedContext(context.services, permissions))
            assert isinstance(executor, Executor)
            execution = self._list_executions[key, permissions] = SharedListExecution(executor)
        return execution

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


def _digest(key: SubscriptionKey) -> bytes:
    """A digest that is stable across executions, so that later subscribers find cached responses."""
    return hashlib.blake2b(repr(key).encode(), digest_size=16).digest()


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
    """The response for one update as JSON. If it is too large, it is replaced by an error."""
    aborted = aborted_by(result.errors)
    if aborted is None:
        text = encode(to_response(result.data, result.errors))
        if len(text) <= MAX_RESPONSE_BYTES:
            return text.decode()
        aborted = response_too_large(MAX_RESPONSE_BYTES)
    return encode({"data": None, "errors": format_errors([aborted])}).decode()


def _shared_field(
    document: GraphQLDocument, operation_name: str | None
) -> tuple[str | None, set[str]]:
    """The field whose responses can be shared, and the variables that they depend on."""
    operation = document.operation(operation_name)
    roots = list(fields_of(operation.selection_set, document.fragments))
    names = {node.name.value for node in roots}
    if operation.operation.value != "subscription" or len(names) != 1:
        return None, set()
    usage = _UsageVisitor({id(node) for node in roots})
    visit(document.ast, usage)
    usage.enter_leave_map.clear()  # its bound methods make a reference cycle
    [name] = names
    if name in LIST_FIELDS or (name == SHARED_FIELD and not usage.selects_call):
        return name, usage.used_variables
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
