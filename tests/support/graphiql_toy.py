"""A small API of the same shape as the product's, for tests of GraphiQL."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any, NewType

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.config import StrawberryConfig
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from graph.web.graphiql import graphiql_page, graphiql_routes

TOKEN = "as_test_" + "a" * 36
SAID = ["Hello", "This is the clinic", "Goodbye"]

Cursor = NewType("Cursor", str)


@strawberry.type
class Tenant:
    name: str = "Acme"


@strawberry.type
class Viewer:
    tenant: Tenant = strawberry.field(default_factory=Tenant)


@strawberry.type
class Call:
    id: strawberry.ID
    kind: str = "VOIP"
    state: str = "LIVE"


@strawberry.type
class CallEdge:
    node: Call


@strawberry.type
class Calls:
    edges: list[CallEdge]


@strawberry.type
class Workflow:
    id: strawberry.ID
    name: str


@strawberry.type
class WorkflowEdge:
    node: Workflow


@strawberry.type
class Workflows:
    edges: list[WorkflowEdge]


@strawberry.interface
class CallEvent:
    seq: int
    at: datetime
    cursor: Cursor


@strawberry.type
class UserTurn(CallEvent):
    text: str


@strawberry.type
class AgentTurn(CallEvent):
    text: str


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self) -> Viewer:
        return Viewer()

    @strawberry.field
    def calls(self, first: int) -> Calls:
        return Calls(edges=[CallEdge(node=Call(id=strawberry.ID("call-1")))][:first])

    @strawberry.field
    def workflows(self, first: int) -> Workflows:
        clinic = Workflow(id=strawberry.ID("workflow-1"), name="clinic")
        return Workflows(edges=[WorkflowEdge(node=clinic)][:first])


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def call_events(
        self, call_id: strawberry.ID, after: Cursor | None = None
    ) -> AsyncIterator[UserTurn | AgentTurn]:
        for seq in range(int(after or 0) + 1, len(SAID) + 1):
            event_type = UserTurn if seq == 2 else AgentTurn
            at = datetime(2026, 1, 1, 12, 0, seq, tzinfo=UTC)
            yield event_type(seq=seq, at=at, cursor=Cursor(str(seq)), text=SAID[seq - 1])


SCHEMA = strawberry.Schema(
    Query,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map={Cursor: strawberry.scalar(name="Cursor")}),
)


class Api(GraphQL[None, None]):
    async def on_ws_connect(self, context: Any) -> None:
        if context["connection_params"] != {"authorization": f"Bearer {TOKEN}"}:
            raise ConnectionRejectionError


def toy_app() -> ASGIApp:
    api = Api(SCHEMA, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
    return Starlette(
        routes=[
            Route("/graphql", Gateway(api)),
            WebSocketRoute("/graphql", DisconnectsOnce(api)),
            *graphiql_routes(TOKEN),
        ]
    )


class Gateway:
    """Returns the page to browsers, 401 without the token, and the API's response otherwise."""

    def __init__(self, api: ASGIApp) -> None:
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if "text/html" in request.headers.get("Accept", ""):
            await (await graphiql_page(request))(scope, receive, send)
        elif request.headers.get("Authorization") != f"Bearer {TOKEN}":
            error = {"message": "Sign in.", "extensions": {"code": "UNAUTHENTICATED"}}
            await JSONResponse({"errors": [error]}, status_code=401)(scope, receive, send)
        else:
            await self.api(scope, receive, send)


class DisconnectsOnce:
    """Closes the socket instead of sending the third result, as a restart of the API does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.results = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        disconnected = False

        async def send_or_disconnect(message: Message) -> None:
            nonlocal disconnected
            if disconnected:
                return
            if '"next"' in (message.get("text") or ""):
                self.results += 1
                disconnected = self.results == 3
            await send({"type": "websocket.close", "code": 1012} if disconnected else message)

        await self.app(scope, receive, send_or_disconnect)


@contextmanager
def running_server(app: ASGIApp) -> Iterator[str]:
    """Run the server in a thread with its own event loop, so that a failing test cannot stop it."""
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
