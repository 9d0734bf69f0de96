"""What the schema is, for tools. It takes longer to tell than the answer to most questions, and it is
always the same: told beside the event loop, once for each document."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode, OperationType, execute

from domain.common.access import TenantId
from domain.common.compute import Compute
from graph.requests.complexity import INTROSPECTION, fields_of
from graph.requests.document_cache import Document
from graph.requests.responses import answer

MAX_KEPT_BYTES, MAX_KEPT = 2 * 2**20, 500
ROOTS = INTROSPECTION | {"__typename"}


def only_introspects(document: Document, operation: OperationDefinitionNode) -> bool:
    if operation.operation is not OperationType.QUERY:
        return False
    roots = {field.name.value for field in fields_of(operation.selection_set, document.fragments)}
    return roots <= ROOTS and not roots.isdisjoint(INTROSPECTION)


class Introspection:
    """Answers of late, as they go out; the least recently used ones are forgotten first."""

    def __init__(
        self, schema: GraphQLSchema, compute: Compute, max_bytes: int = MAX_KEPT_BYTES
    ) -> None:
        self._schema = schema
        self._compute = compute
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    async def answer(
        self,
        tenant: TenantId,
        document: Document,
        operation: OperationDefinitionNode,
        variables: dict[str, Any] | None,
    ) -> dict[str, Any]:
        name = operation.name.value if operation.name else None
        # A digest, because a document may be larger than what it asks for.
        key = sha256(repr((document.text, name)).encode()).digest()
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return {"data": orjson.Fragment(kept)}
        result, data = await self._compute.run(tenant, self._told, document, name, variables or {})
        if result.errors:
            return answer(result.data, result.errors)
        if not operation.variable_definitions:
            self._keep(key, data)
        return {"data": orjson.Fragment(data)}

    def _told(
        self, document: Document, name: str | None, variables: dict[str, Any]
    ) -> tuple[ExecutionResult, bytes]:
        result = execute(self._schema, document.ast, operation_name=name, variable_values=variables)
        assert isinstance(result, ExecutionResult)
        return result, orjson.dumps(result.data)

    def _keep(self, key: bytes, data: bytes) -> None:
        self._bytes += len(data) - len(self._kept.pop(key, b""))
        self._kept[key] = data
        while self._bytes > self._max_bytes or len(self._kept) > MAX_KEPT:
            _, forgotten = self._kept.popitem(last=False)
            self._bytes -= len(forgotten)
