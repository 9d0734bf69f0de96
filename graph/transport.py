"""GraphQL over HTTP, as the specification has it."""

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

from domain.access import Viewer
from domain.actions.bundles import WRITES
from domain.errors import DomainError, RateLimited, Unauthenticated, Unavailable
from graph.answers import encode
from graph.auth import credential_of
from graph.limits import fields_of
from graph.masking import BAD_REQUEST, refusal, shown, told
from graph.operations import Admitted, Api, Asked, Refused
from graph.throttle import COST_OF_ONE, Payer

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
LARGEST_BODY = 65_536
LARGEST_IMPORT = 1024 * 1024
"""Of a request that does nothing but import a bundle, by somebody who may."""
IMPORT = "importBundle"
CHUNK = 64 * 1024
SEND_SECONDS = 60.0
"""A client has so long to take the whole of an answer."""
STATUS_OF = {Unauthenticated.code: 401, RateLimited.code: 429, Unavailable.code: 503}

Page = Callable[[Request], Awaitable[Response]]


class NotServed(Exception):
    """The request never gets as far as GraphQL."""

    def __init__(self, status: int, message: str, code: str = BAD_REQUEST, **headers: str) -> None:
        super().__init__()
        self.status = status
        self.error = refusal(message, code)
        self.headers = headers


class GraphQLOverHTTP:
    """`POST` for everything, `GET` for queries; a browser that wants a page gets `page`."""

    def __init__(self, page: Page | None = None) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with ExitStack() as held:
            if self._page is not None and _wants_page(request):
                response = await self._page(request)
            else:
                response = await self._respond(request, held)
            await response(scope, receive, send)

    async def _respond(self, request: Request, held: ExitStack) -> Response:
        """What the answer takes of the memory of the process is `held` until it is sent."""
        api: Api = request.state.api
        request.state.payer = api.throttle.payer(None, _address(request))
        response = await self._answer_or_refusal(request, held)
        response.headers.update(request.state.payer.headers)
        return response

    async def _answer_or_refusal(self, request: Request, held: ExitStack) -> Response:
        media = negotiate(request.headers.get("accept"))
        try:
            return await self._answer(request, media, held)
        except NotServed as no:
            return _response(media, no.status, {"errors": shown([no.error])}, no.headers)
        except Refused as refused:
            return _refusal(media, refused.errors)
        except GraphQLError as error:
            return _response(media, 400, {"errors": shown([error])})
        except DomainError as error:
            return _refusal(media, [told(error)])

    async def _answer(self, request: Request, media: str, held: ExitStack) -> Response:
        api: Api = request.state.api
        if request.method not in ("GET", "POST"):
            raise NotServed(405, "Send GraphQL by POST.", allow="GET, POST")
        viewer, payer = await _who(api, request)
        await api.throttle.check(payer)
        try:
            length, body, may_hold_null = (
                await _body(request, viewer) if request.method == "POST" else _query(request)
            )
            asked = Asked.of(body, may_hold_null=may_hold_null)
        except (NotServed, GraphQLError):
            await api.throttle.spend(payer)
            raise
        if length > LARGEST_BODY:
            await api.throttle.spend(payer, COST_OF_ONE * (length // LARGEST_BODY))
        admitted = await api.admit(asked, viewer, payer)
        _check_kind(request, admitted)
        if length > LARGEST_BODY:
            _check_large(admitted)
        request.scope.get("facts", {}).update(_facts(admitted, viewer))
        context = api.context(viewer, _address(request))
        size = held.enter_context(api.holding(admitted, context))
        answer = await api.run(admitted, context, size)
        status = 400 if media == GRAPHQL and not answer.executed else 200
        return InChunks(answer.text, status, *_headers(media))


def negotiate(accept: str | None) -> str:
    """The media type to answer in: plain JSON, unless the newer one is preferred."""
    best, weight = JSON, 0.0
    for part in (accept or "").split(","):
        name, *parameters = (bit.strip().lower() for bit in part.split(";"))
        quality = next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        media = {GRAPHQL: GRAPHQL, JSON: JSON, "application/*": JSON, "*/*": JSON}.get(name)
        if media and quality > weight:
            best, weight = media, quality
    return best


async def _who(api: Api, request: Request) -> tuple[Viewer | None, Payer]:
    """Found out before the body is read. A bad credential is paid for by its address."""
    address: Payer = request.state.payer
    try:
        credential = credential_of(request.headers)
        viewer = await api.sign_in.viewer_of(credential, address) if credential else None
    except Unauthenticated:
        await api.throttle.spend(address)
        raise
    request.state.payer = payer = api.throttle.payer(viewer, "") if viewer else address
    return viewer, payer


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _body(request: Request, viewer: Viewer | None) -> tuple[int, object, bool]:
    """With its size: whether a large one is for an import is known once it is parsed. And whether
    a null character may stand in it: JSON can only escape it. Imports look for it themselves."""
    may_import = viewer is not None and viewer.scopes.issuperset(WRITES)
    most = LARGEST_IMPORT if may_import else LARGEST_BODY
    if not _is_json(request.headers.get("content-type", "")):
        raise NotServed(415, f"Send the request as {JSON}, in UTF-8.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise _too_large(most)
    except ClientDisconnect:
        raise NotServed(400, "The request broke off.") from None
    if len(body) > LARGEST_BODY and IMPORT.encode() not in body:
        raise _too_large(LARGEST_BODY)
    may_hold_null = len(body) <= LARGEST_BODY and b"\\u0000" in body
    try:
        return len(body), _decoded(body, "The request"), may_hold_null
    except NotServed:
        if len(body) > LARGEST_BODY:
            raise _too_large(LARGEST_BODY) from None
        raise


def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    charset = message.get_content_charset(failobj="utf-8")
    return message.get_content_type() == JSON and charset in ("utf-8", "utf8", "us-ascii")


def _query(request: Request) -> tuple[int, object, bool]:
    parameters: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _decoded(parameters[name].encode(), f"`{name}`")
    return 0, parameters, True


def _too_large(most: int) -> NotServed:
    """The connection stays open, and the server discards the rest of the body: closed with unread
    data it would be reset, and the client, or Caddy in front of it, could lose the answer."""
    return NotServed(413, f"The request is larger than {most} bytes.", "PAYLOAD_TOO_LARGE")


def _check_large(admitted: Admitted) -> None:
    """A large import is paid for as the requests it could have been; nothing else may be large."""
    fields = fields_of(admitted.operation.selection_set, admitted.document.fragments)
    if [field.name.value for field in fields] != [IMPORT]:
        raise _too_large(LARGEST_BODY)


def _decoded(text: bytes | bytearray, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotServed(
            400, f"{what} is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None


def _check_kind(request: Request, admitted: Admitted) -> None:
    kind = admitted.operation.operation
    if kind is OperationType.SUBSCRIPTION:
        raise NotServed(400, "Subscriptions are served over WebSocket, graphql-transport-ws.")
    if request.method == "GET" and kind is not OperationType.QUERY:
        raise NotServed(405, "Mutations are taken by POST only.", allow="POST")


def _facts(admitted: Admitted, viewer: Viewer | None) -> dict[str, Any]:
    # Names of the schema: the operation's own name is the client's, and may hold anything.
    fields = fields_of(admitted.operation.selection_set, admitted.document.fragments)
    return {
        "operation": ",".join(sorted({field.name.value for field in fields})),
        "cost": admitted.cost,
        "subject": viewer.subject if viewer else None,
    }


def _refusal(media: str, errors: Any) -> Response:
    facts = errors[0].extensions or {}
    status = STATUS_OF.get(str(facts.get("code")), 400 if media == GRAPHQL else 200)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    if "retryAfter" in facts:
        headers["retry-after"] = str(max(1, math.ceil(facts["retryAfter"])))
    return _response(media, status, {"errors": shown(errors)}, headers)


def _response(
    media: str, status: int, payload: object, headers: dict[str, str] | None = None
) -> Response:
    return Response(encode(payload), status, *_headers(media, headers))


def _headers(media: str, more: dict[str, str] | None = None) -> tuple[dict[str, str], str]:
    return {"cache-control": "no-store", **(more or {})}, f"{media}; charset=utf-8"


class InChunks(Response):
    """Sent as fast as the client takes it: the rest waits here, where it is counted, rather than
    in the buffers of the server."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self.body) <= CHUNK:
            await super().__call__(scope, receive, send)
            return
        # The server closes the connection to a client that takes longer.
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                head = {"status": self.status_code, "headers": self.raw_headers}
                await send({"type": "http.response.start", **head})
                for start in range(0, len(self.body), CHUNK):
                    chunk = bytes(self.body[start : start + CHUNK])
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})


def _wants_page(request: Request) -> bool:
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not {"query", "extensions", "documentId"} & set(request.query_params)
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
