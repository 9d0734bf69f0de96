"""The ASGI application: its routes, its middleware and the services that its lifespan opens."""

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
from domain.common.tasks import background_task
from domain.ports import Services
from graph.http.access_log import AccessLog
from graph.http.audit_exports import audit_export_routes
from graph.http.graphql_http import GraphQLOverHTTP, PageHandler
from graph.http.health import health_routes
from graph.http.lame_duck import LameDuck
from graph.http.livekit_webhooks import livekit_webhook_routes
from graph.http.oidc import oidc_routes
from graph.http.recordings import recording_routes
from graph.requests.connection_registry import ConnectionRegistry, ConnectionTimeouts
from graph.requests.credential_cache import Authenticator
from graph.requests.document_cache import DocumentCache, PreparsedDocument
from graph.requests.introspection import IntrospectionCache
from graph.requests.operations import GraphQLService
from graph.requests.quotas import Quotas
from graph.requests.rate_limit import RATE_HEADERS, RequestRateLimiter
from graph.requests.response_size import ResponseMemory
from graph.requests.subscription_cache import Fanout
from graph.websocket.endpoint import GraphQLOverWebSocket

GRAPHQL_PATHS = ("/graphql", "/graphql/")

BuildSchema = Callable[[Sequence[Callable[[], SchemaExtension]]], Schema]


class LifespanState(TypedDict):
    api: GraphQLService


def create_app(
    settings: Settings,
    open_services: AbstractAsyncContextManager[Services],
    build_schema: BuildSchema,
    page: PageHandler | None = None,
    extra_routes: Sequence[BaseRoute] = (),
    timeouts: ConnectionTimeouts = ConnectionTimeouts(),  # noqa: B008 - frozen
    lame_duck: LameDuck | None = None,
) -> Starlette:
    """Build the application. Its lifespan opens the services at startup and closes them at shutdown."""
    documents = DocumentCache()
    schema = build_schema([lambda: PreparsedDocument(documents)])
    origins = [origin.strip() for origin in settings.allowed_origins.split(",") if origin.strip()]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[LifespanState]:
        async with open_services as services:
            connections = ConnectionRegistry(services.accounts, timeouts)
            throttle = RequestRateLimiter(services.limiter, settings)
            with services.accounts.listening(connections.note_changes):
                async with background_task(connections.run_watchdog()):
                    api = GraphQLService(
                        services=services,
                        large_query_services=replace(
                            services, store=services.store.serialized_per_tenant()
                        ),
                        schema=schema,
                        documents=documents,
                        rate_limiter=throttle,
                        fanout=Fanout(schema),
                        connections=connections,
                        authenticator=Authenticator(services.accounts, throttle),
                        quotas=Quotas(settings, services.open_counts),
                        response_memory=ResponseMemory(),
                        introspection=IntrospectionCache(schema._schema, services.compute),
                    )
                    yield {"api": api}

    over_http, over_websocket = GraphQLOverHTTP(page), GraphQLOverWebSocket(origins)
    app = Starlette(
        routes=[
            *(Route(path, over_http) for path in GRAPHQL_PATHS),
            *(WebSocketRoute(path, over_websocket) for path in GRAPHQL_PATHS),
            *health_routes(lame_duck or LameDuck()),
            *recording_routes(),
            *audit_export_routes(),
            *livekit_webhook_routes(),
            *oidc_routes(),
            *extra_routes,
        ],
        middleware=[Middleware(AccessLog, settings.trusted_proxies), _cors(origins)],
        lifespan=lifespan,
    )
    # The redirect would go to whatever host the request names.
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
