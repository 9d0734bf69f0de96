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
from graph.requests.auth import require_public_fields
from graph.requests.complexity import fields_of
from graph.requests.connection_registry import ConnectionRegistry
from graph.requests.credential_cache import Authenticator
from graph.requests.document_cache import DocumentCache, GraphQLDocument
from graph.requests.errors import BAD_REQUEST, format_errors, from_domain_error, graphql_error
from graph.requests.introspection import IntrospectionCache, is_introspection_only
from graph.requests.null_characters import check_variables
from graph.requests.quotas import Quotas
from graph.requests.rate_limit import COST_PER_UNIT, RateLimitBucket, RequestRateLimiter
from graph.requests.response_size import (
    ResponseAborted,
    ResponseMemory,
    ResponseSize,
    aborted_by,
    measure_response,
    memory_owner,
    response_limit,
)
from graph.requests.responses import EncodedResponse, to_response
from graph.requests.subscription_cache import Fanout
from resolvers.context import RequestContext

EXECUTION_TIMEOUT_SECONDS = 10.0
MAX_STARTING_SUBSCRIPTIONS = 8
"""Subscriptions that look up at once what they are about: half of the connections to the database."""
LARGE_QUERY_COST = 200
"""From here on a query makes one transaction at a time, and none beside those of other large queries
of the tenant. What a page of large objects holds up on the event loop, some milliseconds, others
wait for once; of several pages that arrive together they would wait for all."""
MAX_SUBSCRIPTION_WAIT_SECONDS = 15.0
"""How long a subscription may wait for its turn."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """An operation as it came in."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None

    @staticmethod
    def parse(body: object, *, may_hold_null: bool = True) -> GraphQLRequest:
        """Of a decoded request; raises `GraphQLError` for anything else. The variables need not be
        looked through where it is known that no text in them holds the null character."""
        if not isinstance(body, dict):
            raise graphql_error(
                "The request must be one JSON object; batches are not taken.", BAD_REQUEST
            )
        query, variables = body.get("query"), body.get("variables")
        name, extensions = body.get("operationName"), body.get("extensions")
        if not isinstance(query, str) or not query.strip():
            raise graphql_error("`query` must hold a GraphQL document.", BAD_REQUEST)
        if not isinstance(variables, dict | None):
            raise graphql_error("`variables` must be a JSON object.", BAD_REQUEST)
        if may_hold_null:
            check_variables(variables)
        if not isinstance(name, str | None):
            raise graphql_error("`operationName` must be a string.", BAD_REQUEST)
        if not isinstance(extensions, dict | None):
            raise graphql_error("`extensions` must be a JSON object.", BAD_REQUEST)
        return GraphQLRequest(query, variables, name or None)


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """An operation that is within every limit, fits the schema and is paid for."""

    request: GraphQLRequest
    document: GraphQLDocument
    operation: OperationDefinitionNode
    cost: int

    @property
    def is_subscription(self) -> bool:
        return self.operation.operation is OperationType.SUBSCRIPTION

    @property
    def is_large_query(self) -> bool:
        return self.operation.operation is OperationType.QUERY and self.cost >= LARGE_QUERY_COST


class RequestRejected(Exception):
    """The operation does not run."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


class RetryLater(Exception):
    """A subscription that will be let in when its client comes back in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLService:
    """All that answering takes. One per process."""

    services: Services
    large_query_services: Services
    """Of large queries."""
    settings: Settings
    schema: Schema
    documents: DocumentCache
    rate_limiter: RequestRateLimiter
    fanout: Fanout
    connections: ConnectionRegistry
    authenticator: Authenticator
    quotas: Quotas
    response_memory: ResponseMemory
    introspection: IntrospectionCache
    subscription_starts: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_STARTING_SUBSCRIPTIONS)
    )

    def context(self, viewer: Viewer | None, address: str) -> RequestContext:
        return RequestContext(
            services=self.services,
            settings=self.settings,
            viewer=viewer,
            client_ip=address,
            start_slot=self.subscription_starts,
        )

    async def prepare(
        self, request: GraphQLRequest, viewer: Viewer | None, bucket: RateLimitBucket
    ) -> PreparedOperation:
        """Raises `Refused`. What is refused is paid for too, at the lowest price."""
        try:
            await self.rate_limiter.check(bucket)
            admitted = await self._prepare_charging_failure(request, viewer, bucket)
            cost = admitted.cost if viewer else self._login_attempts_cost(admitted)
            await self.rate_limiter.spend(bucket, cost)
        except DomainError as error:
            raise RequestRejected([from_domain_error(error)]) from None
        self.documents.add(admitted.document)
        return admitted

    async def prepare_for_socket(
        self, request: GraphQLRequest, viewer: Viewer, bucket: RateLimitBucket
    ) -> PreparedOperation:
        """As `admit`, but a subscription waits its turn, because clients take a refusal for final.
        Raises `NotNow` when its turn is too far off."""
        await self.rate_limiter.wait_out_refusal(bucket)
        try:
            admitted = await self._prepare_charging_failure(request, viewer, bucket)
            if admitted.is_subscription:
                await self._spend_for_subscription(admitted, viewer)
            else:
                await self.rate_limiter.spend(bucket, admitted.cost)
        except DomainError as error:
            raise RequestRejected([from_domain_error(error)]) from None
        self.documents.add(admitted.document)
        return admitted

    async def _spend_for_subscription(self, admitted: PreparedOperation, viewer: Viewer) -> None:
        subscriber = self.rate_limiter.subscription_bucket(viewer)
        try:
            await self.rate_limiter.spend_when_available(
                subscriber, admitted.cost, MAX_SUBSCRIPTION_WAIT_SECONDS
            )
        except RateLimited:
            raise RetryLater(RateLimited.code) from None

    async def _prepare_charging_failure(
        self, asked: GraphQLRequest, viewer: Viewer | None, payer: RateLimitBucket
    ) -> PreparedOperation:
        try:
            return self._parse_and_validate(asked, viewer)
        except RequestRejected:
            await self.rate_limiter.spend(payer)
            raise

    def _login_attempts_cost(self, admitted: PreparedOperation) -> int:
        """Who has not signed in pays for every field: each may be one more password."""
        fields = fields_of(admitted.operation.selection_set, admitted.document.fragments)
        return COST_PER_UNIT * (sum(1 for _ in fields) - 1)

    def _parse_and_validate(
        self, asked: GraphQLRequest, viewer: Viewer | None
    ) -> PreparedOperation:
        try:
            document = self.documents.get_or_parse(asked.query)
            if viewer is None:
                require_public_fields(document)
            operation = document.operation(asked.operation_name)
            findings = document.validate(self.schema._schema, suggestions=viewer is not None)
            if findings:
                raise RequestRejected(findings)
            cost = document.cost(self.schema._schema, operation, asked.variables)
        except GraphQLError as error:
            raise RequestRejected([error]) from None
        return PreparedOperation(asked, document, operation, cost)

    def reserve_response(
        self, admitted: PreparedOperation, context: RequestContext
    ) -> AbstractContextManager[ResponseSize]:
        """Room for the answer to a query or a mutation, until it is sent."""
        most = response_limit(admitted.operation, admitted.document.fragments)
        return self.response_memory.reserve(memory_owner(context.viewer, context.client_ip), most)

    async def run(
        self, operation: PreparedOperation, context: RequestContext, size: ResponseSize
    ) -> EncodedResponse:
        """The answer to a query or a mutation; raises `Refused` for a query that the process has no
        time or room for."""
        if operation.is_large_query:
            context = replace(context, services=self.large_query_services)
        with measure_response(size):
            payload = await self._execute(operation, context, size)
        found = EncodedResponse.from_payload(payload)
        try:
            size.set_final_size(len(found.text))
        except ResponseAborted as stopped:
            found = EncodedResponse.from_payload(_error_response(operation, stopped))
            size.set_final_size(len(found.text))
        return found

    async def _execute(
        self, admitted: PreparedOperation, context: RequestContext, size: ResponseSize
    ) -> dict[str, Any]:
        asked, document, operation = admitted.request, admitted.document, admitted.operation
        cost = {"extensions": {"cost": {"requested": admitted.cost}}}
        try:
            async with asyncio.timeout(EXECUTION_TIMEOUT_SECONDS) as limit:
                if operation.operation is OperationType.QUERY:
                    now = asyncio.get_running_loop().time
                    size.on_stop = lambda: limit.reschedule(now())
                if context.viewer is not None and is_introspection_only(document, operation):
                    tenant = context.viewer.tenant_id
                    introspect = self.introspection.execute
                    return await introspect(tenant, document, operation, asked.variables) | cost
                result = await self.schema.execute(
                    asked.query,
                    variable_values=asked.variables,
                    context_value=context,
                    operation_name=asked.operation_name,
                )
        except TimeoutError:
            if size.stopped is not None:
                return _error_response(admitted, size.stopped)
            late = Unavailable(
                f"The operation took longer than {EXECUTION_TIMEOUT_SECONDS:.0f} seconds."
            )
            return _error_response(admitted, from_domain_error(late))
        except GraphQLError as error:
            return to_response(None, [error])
        if stopped := aborted_by(result.errors):
            return _error_response(admitted, stopped, result.errors or ())
        refused = isinstance(result, PreExecutionError)
        return to_response(result.data, result.errors, not_executed=refused) | cost


def _error_response(
    admitted: PreparedOperation, why: GraphQLError, errors: Sequence[GraphQLError] = ()
) -> dict[str, Any]:
    """The answer to an operation that was executed, at least in part. A client that is told of no
    `data` takes it for not executed, and may send it again: that is well for a query only."""
    if admitted.operation.operation is OperationType.MUTATION:
        why = _mutation_error(admitted, why, errors)
    elif why.extensions and why.extensions["code"] == Unavailable.code:
        raise RequestRejected([why])
    return {"data": None, "errors": format_errors([why])}


def _mutation_error(
    admitted: PreparedOperation, why: GraphQLError, errors: Sequence[GraphQLError]
) -> GraphQLError:
    if not isinstance(why, ResponseAborted):
        message = f"{why.message} It may have been done: look before you send it again."
        return graphql_error(message, Unavailable.code)
    roots = fields_of(admitted.operation.selection_set, admitted.document.fragments)
    keys = list(dict.fromkeys((field.alias or field.name).value for field in roots))
    # The fields of a mutation are executed one after the other.
    last = next((error.path[0] for error in reversed(errors) if error.path), keys[-1])
    return why.for_mutation("" if last == keys[-1] else f" up to `{last}`, and not beyond it")
