"""The application: routes, and what is opened while it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry import Schema
from strawberry.extensions import SchemaExtension

from domain.ports import Services
from domain.settings import Settings
from domain.tasks import beside
from graph.access_log import AccessLog
from graph.connections import Connections, Patience
from graph.documents import AsAdmitted, Documents
from graph.fanout import Fanout
from graph.health import health_routes
from graph.introspection import Introspection
from graph.operations import Api
from graph.recordings import recording_routes
from graph.throttle import Throttle
from graph.transport import GraphQLOverHTTP, Page
from graph.websocket import GraphQLOverWebSocket

BuildSchema = Callable[[Sequence[Callable[[], SchemaExtension]]], Schema]


class State(TypedDict):
    api: Api


def create_app(
    settings: Settings,
    opened: AbstractAsyncContextManager[Services],
    schema_of: BuildSchema,
    page: Page | None = None,
    more: Sequence[BaseRoute] = (),
    patience: Patience = Patience(),  # noqa: B008 - it is frozen
) -> Starlette:
    """It opens its services when it starts and closes them when it stops."""
    documents = Documents()
    schema = schema_of([lambda: AsAdmitted(documents)])
    origins = [origin.strip() for origin in settings.allowed_origins.split(",") if origin.strip()]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[State]:
        async with opened as services:
            connections = Connections(services.accounts, patience)
            async with beside(connections.watch_for_ever()):
                api = Api(
                    services=services,
                    settings=settings,
                    schema=schema,
                    documents=documents,
                    throttle=Throttle(services.limiter, settings),
                    fanout=Fanout(schema),
                    connections=connections,
                    introspection=Introspection(schema._schema, services.compute),
                )
                yield {"api": api}

    return Starlette(
        routes=[
            Route("/graphql", GraphQLOverHTTP(page)),
            WebSocketRoute("/graphql", GraphQLOverWebSocket(origins)),
            *health_routes(),
            *recording_routes(),
            *more,
        ],
        middleware=[Middleware(AccessLog), _cors(origins)],
        lifespan=lifespan,
    )


def _cors(origins: list[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
        expose_headers=["retry-after", "x-request-id"],
        max_age=600,
    )
