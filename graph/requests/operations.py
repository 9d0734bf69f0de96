"""What both transports do with an operation: admit it, run it, tell how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, OperationType
from strawberry import Schema
from strawberry.types.execution import PreExecutionError

from domain.common.access import Viewer
from domain.common.errors import DomainError, RateLimited, Unavailable
from domain.common.settings import Settings
from domain.ports import Services
from graph.requests.auth import refuse_unless_public
from graph.requests.complexity import fields_of
from graph.requests.connection_registry import Connections
from graph.requests.credential_cache import SignIn
from graph.requests.document_cache import Document, Documents
from graph.requests.errors import BAD_REQUEST, refusal, shown, told
from graph.requests.introspection import Introspection, only_introspects
from graph.requests.null_characters import refuse_in_variables
from graph.requests.quotas import Quotas
from graph.requests.rate_limit import COST_OF_ONE, Payer, Throttle
from graph.requests.response_size import (
    AnswerMemory,
    AnswerSize,
    AnswerStopped,
    counted,
    holder_of,
    max_bytes,
    stopped_by,
)
from graph.requests.responses import Answer, answer
from graph.requests.subscription_cache import Fanout
from resolvers.context import Context

RUN_SECONDS = 10.0
MAX_BEGINNING = 8
"""Subscriptions that look up at once what they are about: half of the connections to the database."""
LARGE_COST = 200
"""From here on a query makes one transaction at a time, and none beside those of other large queries
of the tenant. What a page of large objects holds up on the event loop, some milliseconds, others
wait for once; of several pages that arrive together they would wait for all."""
MAX_TURN_SECONDS = 15.0
"""How long a subscription may wait for its turn."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation as it came in."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None

    @staticmethod
    def of(body: object, *, may_hold_null: bool = True) -> Asked:
        """Of a decoded request; raises `GraphQLError` for anything else. The variables need not be
        looked through where it is known that no text in them holds the null character."""
        if not isinstance(body, dict):
            raise refusal(
                "The request must be one JSON object; batches are not taken.", BAD_REQUEST
            )
        query, variables = body.get("query"), body.get("variables")
        name, extensions = body.get("operationName"), body.get("extensions")
        if not isinstance(query, str) or not query.strip():
            raise refusal("`query` must hold a GraphQL document.", BAD_REQUEST)
        if not isinstance(variables, dict | None):
            raise refusal("`variables` must be a JSON object.", BAD_REQUEST)
        if may_hold_null:
            refuse_in_variables(variables)
        if not isinstance(name, str | None):
            raise refusal("`operationName` must be a string.", BAD_REQUEST)
        if not isinstance(extensions, dict | None):
            raise refusal("`extensions` must be a JSON object.", BAD_REQUEST)
        return Asked(query, variables, name or None)


@dataclass(frozen=True, slots=True)
class Admitted:
    """An operation that is within every limit, fits the schema and is paid for."""

    asked: Asked
    document: Document
    operation: OperationDefinitionNode
    cost: int

    @property
    def is_subscription(self) -> bool:
        return self.operation.operation is OperationType.SUBSCRIPTION

    @property
    def is_large_query(self) -> bool:
        return self.operation.operation is OperationType.QUERY and self.cost >= LARGE_COST


class Refused(Exception):
    """The operation does not run."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


class NotNow(Exception):
    """A subscription that will be let in when its client comes back in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """All that answering takes. One per process."""

    services: Services
    services_of_large: Services
    """Of large queries."""
    settings: Settings
    schema: Schema
    documents: Documents
    throttle: Throttle
    fanout: Fanout
    connections: Connections
    sign_in: SignIn
    quotas: Quotas
    memory: AnswerMemory
    introspection: Introspection
    beginning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_BEGINNING))

    def context(self, viewer: Viewer | None, address: str) -> Context:
        return Context(
            services=self.services,
            settings=self.settings,
            viewer=viewer,
            address=address,
            beginning=self.beginning,
        )

    async def admit(self, asked: Asked, viewer: Viewer | None, payer: Payer) -> Admitted:
        """Raises `Refused`. What is refused is paid for too, at the lowest price."""
        try:
            await self.throttle.check(payer)
            admitted = await self._read_for_pay(asked, viewer, payer)
            cost = admitted.cost if viewer else self._guesses(admitted)
            await self.throttle.spend(payer, cost)
        except DomainError as error:
            raise Refused([told(error)]) from None
        self.documents.keep(admitted.document)
        return admitted

    async def admit_by_socket(self, asked: Asked, viewer: Viewer, payer: Payer) -> Admitted:
        """As `admit`, but a subscription waits its turn, because clients take a refusal for final.
        Raises `NotNow` when its turn is too far off."""
        await self.throttle.hold_back(payer)
        try:
            admitted = await self._read_for_pay(asked, viewer, payer)
            if admitted.is_subscription:
                await self._take_turn(admitted, viewer)
            else:
                await self.throttle.spend(payer, admitted.cost)
        except DomainError as error:
            raise Refused([told(error)]) from None
        self.documents.keep(admitted.document)
        return admitted

    async def _take_turn(self, admitted: Admitted, viewer: Viewer) -> None:
        subscriber = self.throttle.subscriber(viewer)
        try:
            await self.throttle.spend_in_turn(subscriber, admitted.cost, MAX_TURN_SECONDS)
        except RateLimited:
            raise NotNow(RateLimited.code) from None

    async def _read_for_pay(self, asked: Asked, viewer: Viewer | None, payer: Payer) -> Admitted:
        try:
            return self._read(asked, viewer)
        except Refused:
            await self.throttle.spend(payer)
            raise

    def _guesses(self, admitted: Admitted) -> int:
        """Who has not signed in pays for every field: each may be one more password."""
        fields = fields_of(admitted.operation.selection_set, admitted.document.fragments)
        return COST_OF_ONE * (sum(1 for _ in fields) - 1)

    def _read(self, asked: Asked, viewer: Viewer | None) -> Admitted:
        try:
            document = self.documents.read(asked.query)
            if viewer is None:
                refuse_unless_public(document)
            operation = document.operation(asked.operation_name)
            findings = document.findings(self.schema._schema, hints=viewer is not None)
            if findings:
                raise Refused(findings)
            cost = document.cost(self.schema._schema, operation, asked.variables)
        except GraphQLError as error:
            raise Refused([error]) from None
        return Admitted(asked, document, operation, cost)

    def holding(self, admitted: Admitted, context: Context) -> AbstractContextManager[AnswerSize]:
        """Room for the answer to a query or a mutation, until it is sent."""
        most = max_bytes(admitted.operation, admitted.document.fragments)
        return self.memory.answer(holder_of(context.viewer, context.address), most)

    async def run(self, admitted: Admitted, context: Context, size: AnswerSize) -> Answer:
        """The answer to a query or a mutation; raises `Refused` for a query that the process has no
        time or room for."""
        if admitted.is_large_query:
            context = replace(context, services=self.services_of_large)
        with counted(size):
            payload = await self._execute(admitted, context, size)
        found = Answer.of(payload)
        try:
            size.settle(len(found.text))
        except AnswerStopped as stopped:
            found = Answer.of(_without_data(admitted, stopped))
            size.settle(len(found.text))
        return found

    async def _execute(
        self, admitted: Admitted, context: Context, size: AnswerSize
    ) -> dict[str, Any]:
        asked, document, operation = admitted.asked, admitted.document, admitted.operation
        cost = {"extensions": {"cost": {"requested": admitted.cost}}}
        try:
            async with asyncio.timeout(RUN_SECONDS) as limit:
                if operation.operation is OperationType.QUERY:
                    now = asyncio.get_running_loop().time
                    size.on_stop = lambda: limit.reschedule(now())
                if context.viewer is not None and only_introspects(document, operation):
                    tenant = context.viewer.tenant_id
                    introspect = self.introspection.answer
                    return await introspect(tenant, document, operation, asked.variables) | cost
                result = await self.schema.execute(
                    asked.query,
                    variable_values=asked.variables,
                    context_value=context,
                    operation_name=asked.operation_name,
                )
        except TimeoutError:
            if size.stopped is not None:
                return _without_data(admitted, size.stopped)
            late = Unavailable(f"The operation took longer than {RUN_SECONDS:.0f} seconds.")
            return _without_data(admitted, told(late))
        except GraphQLError as error:
            return answer(None, [error])
        if stopped := stopped_by(result.errors):
            return _without_data(admitted, stopped, result.errors or ())
        refused = isinstance(result, PreExecutionError)
        return answer(result.data, result.errors, before=refused) | cost


def _without_data(
    admitted: Admitted, why: GraphQLError, errors: Sequence[GraphQLError] = ()
) -> dict[str, Any]:
    """The answer to an operation that was executed, at least in part. A client that is told of no
    `data` takes it for not executed, and may send it again: that is well for a query only."""
    if admitted.operation.operation is OperationType.MUTATION:
        why = _of_mutation(admitted, why, errors)
    elif why.extensions and why.extensions["code"] == Unavailable.code:
        raise Refused([why])
    return {"data": None, "errors": shown([why])}


def _of_mutation(
    admitted: Admitted, why: GraphQLError, errors: Sequence[GraphQLError]
) -> GraphQLError:
    if not isinstance(why, AnswerStopped):
        message = f"{why.message} It may have been done: look before you send it again."
        return refusal(message, Unavailable.code)
    roots = fields_of(admitted.operation.selection_set, admitted.document.fragments)
    keys = list(dict.fromkeys((field.alias or field.name).value for field in roots))
    # The fields of a mutation are executed one after the other.
    last = next((error.path[0] for error in reversed(errors) if error.path), keys[-1])
    return why.of_mutation("" if last == keys[-1] else f" up to `{last}`, and not beyond it")
