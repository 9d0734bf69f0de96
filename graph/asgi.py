"""The application: routes, and what is opened while it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry import Schema
from strawberry.extensions import SchemaExtension

from domain.common.settings import Settings
from domain.common.tasks import beside
from domain.ports import Services
from graph.http.access_log import AccessLog
from graph.http.graphql_http import GraphQLOverHTTP, Page
from graph.http.health import health_routes
from graph.http.lame_duck import LameDuck
from graph.http.recordings import recording_routes
from graph.requests.connection_registry import Connections, Patience
from graph.requests.credential_cache import SignIn
from graph.requests.document_cache import AsAdmitted, Documents
from graph.requests.introspection import Introspection
from graph.requests.operations import Api
from graph.requests.quotas import Quotas
from graph.requests.rate_limit import RATE_HEADERS, Throttle
from graph.requests.response_size import AnswerMemory
from graph.requests.subscription_cache import Fanout
from graph.websocket.endpoint import GraphQLOverWebSocket

PATHS = ("/graphql", "/graphql/")

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
    lame_duck: LameDuck | None = None,
) -> Starlette:
    """It opens its services when it starts and closes them when it stops."""
    documents = Documents()
    schema = schema_of([lambda: AsAdmitted(documents)])
    origins = [origin.strip() for origin in settings.allowed_origins.split(",") if origin.strip()]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[State]:
        async with opened as services:
            connections = Connections(services.accounts, patience)
            throttle = Throttle(services.limiter, settings)
            async with beside(connections.watch_for_ever()):
                api = Api(
                    services=services,
                    services_of_large=replace(services, store=services.store.one_at_a_time()),
                    settings=settings,
                    schema=schema,
                    documents=documents,
                    throttle=throttle,
                    fanout=Fanout(schema),
                    connections=connections,
                    sign_in=SignIn(services.accounts, throttle),
                    quotas=Quotas(settings),
                    memory=AnswerMemory(),
                    introspection=Introspection(schema._schema, services.compute),
                )
                yield {"api": api}

    over_http, over_websocket = GraphQLOverHTTP(page), GraphQLOverWebSocket(origins)
    app = Starlette(
        routes=[
            *(Route(path, over_http) for path in PATHS),
            *(WebSocketRoute(path, over_websocket) for path in PATHS),
            *health_routes(lame_duck or LameDuck()),
            *recording_routes(),
            *more,
        ],
        middleware=[Middleware(AccessLog, settings.trusted_proxies), _cors(origins)],
        lifespan=lifespan,
    )
    # It would lead to whatever host the request names.
    app.router.redirect_slashes = False
    return app


def _cors(origins: list[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
        expose_headers=["retry-after", "x-request-id", *RATE_HEADERS],
        max_age=600,
    )
