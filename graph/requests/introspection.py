"""Introspection of the schema, executed outside of the event loop and cached for each document.

It takes longer than most operations, and the result never changes while the process runs."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode, OperationType, execute

from domain.common.access import TenantId
from domain.common.compute import Compute
from graph.requests.complexity import INTROSPECTION_FIELDS, fields_of
from graph.requests.document_cache import GraphQLDocument
from graph.requests.responses import to_response

MAX_CACHED_BYTES, MAX_CACHED_RESPONSES = 2 * 2**20, 500
ALLOWED_ROOT_FIELDS = INTROSPECTION_FIELDS | {"__typename"}


def is_introspection_only(document: GraphQLDocument, operation: OperationDefinitionNode) -> bool:
    if operation.operation is not OperationType.QUERY:
        return False
    roots = {field.name.value for field in fields_of(operation.selection_set, document.fragments)}
    return roots <= ALLOWED_ROOT_FIELDS and not roots.isdisjoint(INTROSPECTION_FIELDS)


class IntrospectionCache:
    """A cache of encoded introspection results; the least recently used ones are evicted first."""

    def __init__(
        self, schema: GraphQLSchema, compute: Compute, max_bytes: int = MAX_CACHED_BYTES
    ) -> None:
        self._schema = schema
        self._compute = compute
        self._max_bytes = max_bytes
        self._responses: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    async def execute(
        self,
        tenant: TenantId,
        document: GraphQLDocument,
        operation: OperationDefinitionNode,
        variables: dict[str, Any] | None,
    ) -> dict[str, Any]:
        name = operation.name.value if operation.name else None
        # A digest, because a document may be larger than its response.
        key = sha256(repr((document.text, name)).encode()).digest()
        if (cached := self._responses.get(key)) is not None:
            self._responses.move_to_end(key)
            return {"data": orjson.Fragment(cached)}
        result, data = await self._compute.run(
            tenant, self._execute, document, name, variables or {}
        )
        if result.errors:
            return to_response(result.data, result.errors)
        if not operation.variable_definitions:
            self._add(key, data)
        return {"data": orjson.Fragment(data)}

    def _execute(
        self, document: GraphQLDocument, name: str | None, variables: dict[str, Any]
    ) -> tuple[ExecutionResult, bytes]:
        result = execute(self._schema, document.ast, operation_name=name, variable_values=variables)
        assert isinstance(result, ExecutionResult)
        return result, orjson.dumps(result.data)

    def _add(self, key: bytes, data: bytes) -> None:
        self._bytes += len(data) - len(self._responses.pop(key, b""))
        self._responses[key] = data
        while self._bytes > self._max_bytes or len(self._responses) > MAX_CACHED_RESPONSES:
            _, evicted = self._responses.popitem(last=False)
            self._bytes -= len(evicted)
