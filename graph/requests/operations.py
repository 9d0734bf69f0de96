"""What both transports do with an operation: prepare it, run it and encode the response."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType
from strawberry import Schema
from strawberry.types.execution import PreExecutionError

from domain.audit.origin import performing
from domain.common.access import Scope, Viewer
from domain.common.errors import DomainError, Forbidden, RateLimited, Unavailable
from domain.common.quota_warnings import QuotaWarning, collect_warnings
from domain.common.quotas import is_near
from domain.ports import Services
from domain.tenants.budgets import Budget
from graph.requests.auth import refusal_note, require_public_fields
from graph.requests.complexity import fields_of
from graph.requests.connection_registry import ConnectionRegistry
from graph.requests.credential_cache import Authenticator
from graph.requests.document_cache import DocumentCache, GraphQLDocument
from graph.requests.errors import BAD_REQUEST, format_errors, from_domain_error, graphql_error
from graph.requests.introspection import IntrospectionCache, is_introspection_only
from graph.requests.null_characters import check_variables
from graph.requests.quotas import Quotas
from graph.requests.rate_limit import (
    COST_PER_UNIT,
    TENANT_ALLOWANCE,
    RateLimitBucket,
    RequestRateLimiter,
)
from graph.requests.required_scopes import scopes_missing
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
"""How many subscriptions may look up their subject concurrently: half of the database connections."""
LARGE_QUERY_COST = 200
"""From this cost on, the large queries of a tenant run their transactions one after another.

A page of large objects blocks the event loop for some milliseconds. Other requests then wait for one
page at a time and not for several that arrive together."""
QUOTA_NEARLY_EXHAUSTED = "QUOTA_NEARLY_EXHAUSTED"
MAX_SUBSCRIPTION_WAIT_SECONDS = 15.0
"""How long a subscription may wait for its turn."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A GraphQL request as it was received."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None

    @staticmethod
    def parse(body: object, *, may_hold_null: bool = True) -> GraphQLRequest:
        """Parse decoded JSON; raises `GraphQLError` when it is not a GraphQL request.

        `may_hold_null=False` skips the search for null characters in the variables, when it is known
        that there are none."""
        if not isinstance(body, dict):
            raise graphql_error(
                "The request must be one JSON object; batches are not supported.", BAD_REQUEST
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
    """An operation that is within all limits, valid, and charged to its rate limit bucket."""

    request: GraphQLRequest
    document: GraphQLDocument
    operation: OperationDefinitionNode
    cost: int
    scopes: frozenset[Scope]
    """The scopes that the operation needs. Its viewer has them."""
    bucket: RateLimitBucket

    @property
    def is_subscription(self) -> bool:
        return self.operation.operation is OperationType.SUBSCRIPTION

    @property
    def is_large_query(self) -> bool:
        return self.operation.operation is OperationType.QUERY and self.cost >= LARGE_QUERY_COST


class RequestRejected(Exception):
    """The operation does not run."""

    def __init__(self, errors: Sequence[GraphQLError], refused: Sequence[FieldNode] = ()) -> None:
        """`refused` are the fields of an operation, for some of which the viewer lacks a scope."""
        super().__init__()
        self.errors = errors
        self.refused = refused


class RetryLater(Exception):
    """A subscription cannot start now, but can when its client reconnects in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLService:
    """The collaborators that executing operations takes. One per process."""

    services: Services
    large_query_services: Services
    """The services for large queries, which run one transaction at a time per tenant."""
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

    def context(self, viewer: Viewer | None, address: str, user_agent: str = "") -> RequestContext:
        return RequestContext(
            services=self.services,
            viewer=viewer,
            client_ip=address,
            user_agent=user_agent,
            start_slot=self.subscription_starts,
        )

    async def prepare(
        self, request: GraphQLRequest, viewer: Viewer | None, bucket: RateLimitBucket
    ) -> PreparedOperation:
        """Check and charge an operation. Raises `RequestRejected`, which costs the minimum."""
        try:
            await self.rate_limiter.check(bucket)
            prepared = await self._prepare_charging_failure(request, viewer, bucket)
            cost = prepared.cost if viewer else self._login_attempts_cost(prepared)
            await self.rate_limiter.spend(bucket, cost)
        except DomainError as error:
            raise RequestRejected([from_domain_error(error)]) from None
        self.documents.add(prepared.document)
        return prepared

    async def prepare_for_socket(
        self, request: GraphQLRequest, viewer: Viewer, bucket: RateLimitBucket
    ) -> PreparedOperation:
        """Like `prepare`, but a subscription waits for its rate limit, because clients treat an error
        as final. Raises `RetryLater` when the wait would be too long."""
        await self.rate_limiter.wait_out_refusal(bucket)
        try:
            prepared = await self._prepare_charging_failure(request, viewer, bucket)
            if prepared.is_subscription:
                await self._spend_for_subscription(prepared, viewer)
            else:
                await self.rate_limiter.spend(bucket, prepared.cost)
        except DomainError as error:
            raise RequestRejected([from_domain_error(error)]) from None
        self.documents.add(prepared.document)
        return prepared

    async def _spend_for_subscription(self, prepared: PreparedOperation, viewer: Viewer) -> None:
        subscriber = self.rate_limiter.subscription_bucket(viewer)
        try:
            await self.rate_limiter.spend_when_available(
                subscriber, prepared.cost, MAX_SUBSCRIPTION_WAIT_SECONDS
            )
        except RateLimited:
            raise RetryLater(RateLimited.code) from None

    async def _prepare_charging_failure(
        self, request: GraphQLRequest, viewer: Viewer | None, bucket: RateLimitBucket
    ) -> PreparedOperation:
        try:
            return self._parse_and_validate(request, viewer, bucket)
        except RequestRejected as rejected:
            errors = [error.formatted for error in rejected.errors]
            self._note_refusal(viewer, errors, rejected.refused)
            await self.rate_limiter.spend(bucket)
            raise

    def _note_refusal(
        self,
        viewer: Viewer | None,
        errors: Sequence[Mapping[str, Any]],
        fields: Iterable[FieldNode],
    ) -> None:
        """Add what a viewer was forbidden to do to the audit log. `fields` are those of the operation."""
        for error in errors:
            if viewer and error.get("extensions", {}).get("code") == Forbidden.code:
                note = refusal_note(Forbidden.code, error["message"])
                with performing(_field_at(error.get("path", ()), fields)):
                    self.services.audit_notes.put(viewer.tenant_id, note)
                return

    def _login_attempts_cost(self, prepared: PreparedOperation) -> int:
        """The cost of all root fields but one: without a credential, each may be a login attempt."""
        fields = fields_of(prepared.operation.selection_set, prepared.document.fragments)
        return COST_PER_UNIT * (sum(1 for _ in fields) - 1)

    def _parse_and_validate(
        self, request: GraphQLRequest, viewer: Viewer | None, bucket: RateLimitBucket
    ) -> PreparedOperation:
        try:
            document = self.documents.get_or_parse(request.query)
            if viewer is None:
                require_public_fields(document)
            operation = document.operation(request.operation_name)
            errors = document.validate(self.schema._schema, suggestions=viewer is not None)
            if errors:
                raise RequestRejected(errors)
            scopes = document.scopes(self.schema._schema, operation)
            if missing := scopes - (viewer.scopes if viewer else frozenset()):
                refused = fields_of(operation.selection_set, document.fragments)
                raise RequestRejected([scopes_missing(missing)], [*refused])
            cost = document.cost(self.schema._schema, operation, request.variables)
        except GraphQLError as error:
            raise RequestRejected([error]) from None
        return PreparedOperation(request, document, operation, cost, scopes, bucket)

    def reserve_response(
        self, prepared: PreparedOperation, context: RequestContext
    ) -> AbstractContextManager[ResponseSize]:
        """Reserve memory for the response of a query or a mutation until it is sent."""
        limit = response_limit(prepared.operation, prepared.document.fragments)
        return self.response_memory.reserve(memory_owner(context.viewer, context.client_ip), limit)

    async def run(
        self, operation: PreparedOperation, context: RequestContext, size: ResponseSize
    ) -> EncodedResponse:
        """Run a query or a mutation. Raises `RequestRejected` for a query that the process has no time
        or memory for."""
        if operation.is_large_query:
            context = replace(context, services=self.large_query_services)
        with measure_response(size), collect_warnings() as warnings:
            payload = await self._execute(operation, context, size)
        fields = fields_of(operation.operation.selection_set, operation.document.fragments)
        self._note_refusal(context.viewer, payload.get("errors", ()), fields)
        extensions = response_extensions(operation.bucket, operation.cost, warnings)
        response = EncodedResponse.from_payload(payload | extensions)
        try:
            size.set_final_size(len(response.text))
        except ResponseAborted as aborted:
            payload = _error_response(operation, aborted)
            response = EncodedResponse.from_payload(payload | extensions)
            size.set_final_size(len(response.text))
        return response

    async def _execute(
        self, prepared: PreparedOperation, context: RequestContext, size: ResponseSize
    ) -> dict[str, Any]:
        request, document, operation = prepared.request, prepared.document, prepared.operation
        try:
            async with asyncio.timeout(EXECUTION_TIMEOUT_SECONDS) as limit:
                if operation.operation is OperationType.QUERY:
                    now = asyncio.get_running_loop().time
                    size.on_stop = lambda: limit.reschedule(now())
                if context.viewer is not None and is_introspection_only(document, operation):
                    tenant = context.viewer.tenant_id
                    introspect = self.introspection.execute
                    return await introspect(tenant, document, operation, request.variables)
                result = await self.schema.execute(
                    request.query,
                    variable_values=request.variables,
                    context_value=context,
                    operation_name=request.operation_name,
                )
        except TimeoutError:
            if size.stopped is not None:
                return _error_response(prepared, size.stopped)
            timeout = Unavailable(
                f"The operation took longer than {EXECUTION_TIMEOUT_SECONDS:.0f} seconds."
            )
            return _error_response(prepared, from_domain_error(timeout))
        except GraphQLError as error:
            return to_response(None, [error])
        if aborted := aborted_by(result.errors):
            return _error_response(prepared, aborted, result.errors or ())
        not_executed = isinstance(result, PreExecutionError)
        return to_response(result.data, result.errors, not_executed=not_executed)


def _field_at(path: Sequence[str | int], fields: Iterable[FieldNode]) -> str | None:
    """The name of the field at the path, which may begin with an alias, or else of the first one."""
    named = [*fields]
    at_path = [field for field in named if (field.alias or field.name).value in path[:1]]
    return next((field.name.value for field in (*at_path, *named)), None)


def response_extensions(
    bucket: RateLimitBucket, cost: int = 0, warnings: Sequence[QuotaWarning] = ()
) -> dict[str, Any]:
    """What every response says about its cost and the limits that it was charged to."""
    extensions: dict[str, Any] = {"cost": {"requested": cost}}
    if bucket.extension is not None:
        extensions["rateLimit"] = bucket.extension
    found = [*_request_warnings(bucket), *warnings]
    if found:
        extensions["warnings"] = [format_warning(each) for each in found]
    return {"extensions": extensions}


def _request_warnings(bucket: RateLimitBucket) -> Iterator[QuotaWarning]:
    """A key that comes near its own allowance only slows itself down, but that of the tenant concerns
    others."""
    for each in bucket.allowances:
        if each.name == TENANT_ALLOWANCE and is_near(each.used, each.per_minute):
            yield QuotaWarning(
                quota=Budget.REQUESTS_PER_MINUTE.value, used=each.used, limit=each.per_minute
            )


def format_warning(warning: QuotaWarning) -> dict[str, Any]:
    return {
        "code": QUOTA_NEARLY_EXHAUSTED,
        "message": warning.message,
        "quota": warning.quota,
        "used": warning.used,
        "limit": warning.limit,
    }


def _error_response(
    prepared: PreparedOperation, error: GraphQLError, errors: Sequence[GraphQLError] = ()
) -> dict[str, Any]:
    """The response to an operation that was executed, at least in part.

    Clients treat a response without `data` as not executed and may send the operation again, which is
    only safe for queries."""
    if prepared.operation.operation is OperationType.MUTATION:
        error = _mutation_error(prepared, error, errors)
    elif error.extensions and error.extensions["code"] == Unavailable.code:
        raise RequestRejected([error])
    return {"data": None, "errors": format_errors([error])}


def _mutation_error(
    prepared: PreparedOperation, error: GraphQLError, errors: Sequence[GraphQLError]
) -> GraphQLError:
    if not isinstance(error, ResponseAborted):
        message = f"{error.message} It may have been executed: check before you send it again."
        return graphql_error(message, Unavailable.code)
    roots = fields_of(prepared.operation.selection_set, prepared.document.fragments)
    keys = list(dict.fromkeys((field.alias or field.name).value for field in roots))
    # The root fields of a mutation are executed in order.
    last = next((failed.path[0] for failed in reversed(errors) if failed.path), keys[-1])
    return error.for_mutation("" if last == keys[-1] else f" up to `{last}` and no further")
