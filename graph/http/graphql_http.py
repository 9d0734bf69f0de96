"""GraphQL over HTTP, according to the GraphQL over HTTP specification."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from email.message import Message
from typing import Any

import orjson
from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.audit.origin import acting_as
from domain.common.access import Viewer
from domain.common.errors import (
    DomainError,
    RateLimited,
    TenantSuspended,
    Unauthenticated,
    Unavailable,
)
from domain.use_cases.bundles import WRITE_SCOPES
from graph.requests.auth import credential_from_headers, origin_of, require_allowed_address
from graph.requests.complexity import fields_of
from graph.requests.errors import BAD_REQUEST, format_errors, from_domain_error, graphql_error
from graph.requests.operations import (
    GraphQLRequest,
    GraphQLService,
    PreparedOperation,
    RequestRejected,
    response_extensions,
)
from graph.requests.rate_limit import COST_PER_UNIT, RateLimitBucket
from graph.requests.responses import encode

JSON_MEDIA_TYPE = "application/json"
GRAPHQL_MEDIA_TYPE = "application/graphql-response+json"
MAX_BODY_BYTES = 65_536
MAX_IMPORT_BYTES = 1024 * 1024
"""The limit for a request that only imports a bundle, by a viewer with the scopes for it."""
IMPORT_FIELD = "importBundle"
CHUNK_BYTES = 64 * 1024
SEND_TIMEOUT_SECONDS = 60.0
"""How long a client may take to read a whole response."""
STATUS_BY_CODE = {
    Unauthenticated.code: 401,
    TenantSuspended.code: 403,
    RateLimited.code: 429,
    Unavailable.code: 503,
}

PageHandler = Callable[[Request], Awaitable[Response]]


class HttpError(Exception):
    """Rejects a request before it is parsed as GraphQL."""

    def __init__(self, status: int, message: str, code: str = BAD_REQUEST, **headers: str) -> None:
        super().__init__()
        self.status = status
        self.error = graphql_error(message, code)
        self.headers = headers


class GraphQLOverHTTP:
    """Serves all operations by `POST` and queries by `GET`; browsers that accept HTML get `page`."""

    def __init__(self, page: PageHandler | None = None) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with ExitStack() as reservations:
            if self._page is not None and _accepts_html(request):
                response = await self._page(request)
            else:
                response = await self._respond(request, reservations)
            await response(scope, receive, send)

    async def _respond(self, request: Request, reservations: ExitStack) -> Response:
        """`reservations` keeps the memory of the response reserved until it is sent."""
        api: GraphQLService = request.state.api
        request.state.bucket = api.rate_limiter.bucket(None, _address(request))
        response = await self._execute_or_reject(request, reservations)
        response.headers.update(request.state.bucket.headers)
        return response

    async def _execute_or_reject(self, request: Request, reservations: ExitStack) -> Response:
        media = negotiate_media_type(request.headers.get("accept"))
        try:
            return await self._execute(request, media, reservations)
        except HttpError as error:
            body = {"errors": format_errors([error.error])} | _extensions(request)
            return _response(media, error.status, body, error.headers)
        except RequestRejected as rejected:
            return _error_response(media, rejected.errors, _extensions(request))
        except GraphQLError as error:
            body = {"errors": format_errors([error])} | _extensions(request)
            return _response(media, 400, body)
        except DomainError as error:
            return _error_response(media, [from_domain_error(error)], _extensions(request))

    async def _execute(self, request: Request, media: str, reservations: ExitStack) -> Response:
        api: GraphQLService = request.state.api
        if request.method not in ("GET", "POST"):
            raise HttpError(405, "Send GraphQL requests by POST.", allow="GET, POST")
        viewer, bucket = await _authenticate(api, request)
        request_id = request.scope.get("facts", {}).get("request_id")
        with acting_as(origin_of(viewer, _address(request), request_id)):
            return await self._execute_as(viewer, bucket, request, media, reservations)

    async def _execute_as(
        self,
        viewer: Viewer | None,
        bucket: RateLimitBucket,
        request: Request,
        media: str,
        reservations: ExitStack,
    ) -> Response:
        api: GraphQLService = request.state.api
        await api.rate_limiter.check(bucket)
        try:
            length, body, may_hold_null = (
                await _read_body(request, viewer)
                if request.method == "POST"
                else _read_query(request)
            )
            parsed = GraphQLRequest.parse(body, may_hold_null=may_hold_null)
        except (HttpError, GraphQLError):
            await api.rate_limiter.spend(bucket)
            raise
        if length > MAX_BODY_BYTES:
            # A large import costs as much as the requests that it could have been split into.
            await api.rate_limiter.spend(bucket, COST_PER_UNIT * (length // MAX_BODY_BYTES))
        operation = await api.prepare(parsed, viewer, bucket)
        request.state.cost = operation.cost
        _check_operation_type(request, operation)
        if length > MAX_BODY_BYTES:
            _check_large_request(operation)
        request.scope.get("facts", {}).update(_log_fields(operation, viewer))
        context = api.context(viewer, _address(request), request.headers.get("user-agent", ""))
        size = reservations.enter_context(api.reserve_response(operation, context))
        result = await api.run(operation, context, size)
        status = 400 if media == GRAPHQL_MEDIA_TYPE and not result.executed else 200
        return ChunkedResponse(result.text, status, *_headers(media))


def negotiate_media_type(accept: str | None) -> str:
    """The media type of the response: plain JSON, unless the client prefers the newer one."""
    best, weight = JSON_MEDIA_TYPE, 0.0
    for part in (accept or "").split(","):
        name, *parameters = (bit.strip().lower() for bit in part.split(";"))
        quality = next((_quality(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        media = {
            GRAPHQL_MEDIA_TYPE: GRAPHQL_MEDIA_TYPE,
            JSON_MEDIA_TYPE: JSON_MEDIA_TYPE,
            "application/*": JSON_MEDIA_TYPE,
            "*/*": JSON_MEDIA_TYPE,
        }.get(name)
        if media and quality > weight:
            best, weight = media, quality
    return best


async def _authenticate(
    api: GraphQLService, request: Request
) -> tuple[Viewer | None, RateLimitBucket]:
    """Authenticate before the body is read. A rejected credential is charged to the address."""
    address: RateLimitBucket = request.state.bucket
    try:
        credential = credential_from_headers(request.headers)
        viewer = (
            await api.authenticator.authenticate_credential(credential, address)
            if credential
            else None
        )
        if viewer is not None:
            require_allowed_address(api.services.audit_notes, viewer, _address(request))
    except Unauthenticated:
        await api.rate_limiter.spend(address)
        raise
    request.state.bucket = bucket = api.rate_limiter.bucket(viewer, "") if viewer else address
    return viewer, bucket


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _read_body(request: Request, viewer: Viewer | None) -> tuple[int, object, bool]:
    """The size of the body, the decoded body, and whether it may hold a null character.

    The size is checked again after parsing, which shows whether a large request is an import. JSON can
    only hold a null character as an escape. Imports check their text for it themselves."""
    may_import = viewer is not None and viewer.scopes.issuperset(WRITE_SCOPES)
    limit = MAX_IMPORT_BYTES if may_import else MAX_BODY_BYTES
    if not _is_json(request.headers.get("content-type", "")):
        raise HttpError(415, f"Send the request as {JSON_MEDIA_TYPE}, in UTF-8.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise _payload_too_large(limit)
    except ClientDisconnect:
        raise HttpError(400, "The request is incomplete: the client disconnected.") from None
    if len(body) > MAX_BODY_BYTES and IMPORT_FIELD.encode() not in body:
        raise _payload_too_large(MAX_BODY_BYTES)
    may_hold_null = len(body) <= MAX_BODY_BYTES and b"\\u0000" in body
    try:
        return len(body), _decode_json(body, "The request"), may_hold_null
    except HttpError:
        if len(body) > MAX_BODY_BYTES:
            raise _payload_too_large(MAX_BODY_BYTES) from None
        raise


def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    charset = message.get_content_charset(failobj="utf-8")
    return message.get_content_type() == JSON_MEDIA_TYPE and charset in (
        "utf-8",
        "utf8",
        "us-ascii",
    )


def _read_query(request: Request) -> tuple[int, object, bool]:
    parameters: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _decode_json(parameters[name].encode(), f"`{name}`")
    return 0, parameters, True


def _payload_too_large(limit: int) -> HttpError:
    """The connection stays open, and the server discards the rest of the body: if it closed with unread
    data, it would reset the connection, and the client, or Caddy, could lose the response."""
    return HttpError(413, f"The request is larger than {limit} bytes.", "PAYLOAD_TOO_LARGE")


def _check_large_request(operation: PreparedOperation) -> None:
    """Reject a large request that is not a bundle import."""
    fields = fields_of(operation.operation.selection_set, operation.document.fragments)
    if [field.name.value for field in fields] != [IMPORT_FIELD]:
        raise _payload_too_large(MAX_BODY_BYTES)


def _decode_json(text: bytes | bytearray, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HttpError(
            400, f"{what} is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None


def _check_operation_type(request: Request, operation: PreparedOperation) -> None:
    kind = operation.operation.operation
    if kind is OperationType.SUBSCRIPTION:
        raise HttpError(400, "Subscriptions are served over WebSocket (graphql-transport-ws).")
    if request.method == "GET" and kind is not OperationType.QUERY:
        raise HttpError(405, "Send mutations by POST.", allow="POST")


def _log_fields(operation: PreparedOperation, viewer: Viewer | None) -> dict[str, Any]:
    # Field names of the schema: the operation name is chosen by the client and may hold anything.
    fields = fields_of(operation.operation.selection_set, operation.document.fragments)
    return {
        "operation": ",".join(sorted({field.name.value for field in fields})),
        "cost": operation.cost,
        "subject": viewer.subject if viewer else None,
    }


def _extensions(request: Request) -> dict[str, Any]:
    """The extensions of a response to a request that was not executed."""
    return response_extensions(request.state.bucket, getattr(request.state, "cost", 0))


def _error_response(media: str, errors: Any, extensions: dict[str, Any]) -> Response:
    facts = errors[0].extensions or {}
    status = STATUS_BY_CODE.get(str(facts.get("code")), 400 if media == GRAPHQL_MEDIA_TYPE else 200)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    if "retryAfter" in facts:
        headers["retry-after"] = str(max(1, math.ceil(facts["retryAfter"])))
    return _response(media, status, {"errors": format_errors(errors)} | extensions, headers)


def _response(
    media: str, status: int, payload: object, headers: dict[str, str] | None = None
) -> Response:
    return Response(encode(payload), status, *_headers(media, headers))


def _headers(media: str, more: dict[str, str] | None = None) -> tuple[dict[str, str], str]:
    return {"cache-control": "no-store", **(more or {})}, f"{media}; charset=utf-8"


class ChunkedResponse(Response):
    """A response that is sent as fast as the client reads it.

    The rest stays here, where its memory is counted, instead of in the buffers of the server."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self.body) <= CHUNK_BYTES:
            await super().__call__(scope, receive, send)
            return
        # After the timeout the response is incomplete, so the server closes the connection.
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                head = {"status": self.status_code, "headers": self.raw_headers}
                await send({"type": "http.response.start", **head})
                for start in range(0, len(self.body), CHUNK_BYTES):
                    chunk = bytes(self.body[start : start + CHUNK_BYTES])
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})


def _accepts_html(request: Request) -> bool:
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not {"query", "extensions", "documentId"} & set(request.query_params)
    )


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
