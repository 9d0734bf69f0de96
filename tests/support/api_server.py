"""The API on a loopback port, and its clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import asyncpg
import httpx
from redis.asyncio import Redis
from starlette.routing import BaseRoute
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from domain.common.access import PersonId, Role, TenantId, Viewer
from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait
from domain.ports import Services
from graph.asgi import BuildSchema, create_app
from graph.http.protocols import Bounds
from graph.requests.connection_registry import ConnectionTimeouts
from graph.server import create_server, listen
from local.client import tls_context
from persistence.api_keys import create_key
from persistence.database import DbRole
from persistence.sqlalchemy_engine import create_engine
from tests.support.toy_schema import toy_schema

SHORT_TIMEOUTS = ConnectionTimeouts(init=8.0, stall=5.0, recheck=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A running API; `token` is the access token of an owner."""

    url: str
    token: str
    key: str
    http: httpx.AsyncClient = field(repr=False)

    async def post(self, query: str, *, auth: bool = True, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"} if auth else {}
        headers |= {"content-type": "application/json", **more.pop("headers", {})}
        body = json.dumps({"query": query, **more})
        return await self.http.post("/graphql", content=body, headers=headers)

    async def execute(self, query: str, **more: Any) -> Any:
        return (await self.post(query, **more)).json()

    @asynccontextmanager
    async def socket(
        self, init: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[Socket]:
        """A WebSocket, authenticated unless `init` is given, which is then not sent."""
        options.setdefault("open_timeout", 60)
        options.setdefault("subprotocols", [Subprotocol("graphql-transport-ws")])
        async with connect(
            self.url.replace("http", "ws") + "/graphql", compression=None, **options
        ) as raw:
            socket = Socket(raw)
            if init is None:
                init = {"authorization": f"Bearer {self.token}"}
                await socket.send(type="connection_init", payload=init)
                assert await socket.receive() == {"type": "connection_ack"}
            yield socket


@dataclass(frozen=True, slots=True)
class Socket:
    raw: ClientConnection

    async def send(self, **message: Any) -> None:
        await self.raw.send(json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(60):
            return json.loads(await self.raw.recv())

    async def subscribe(self, id: str, query: str, /, **variables: Any) -> None:
        await self.send(type="subscribe", id=id, payload={"query": query, "variables": variables})

    async def wait_closed(self) -> tuple[int | None, str | None]:
        async with asyncio.timeout(60):
            await self.raw.wait_closed()
        return self.raw.close_code, self.raw.close_reason


@asynccontextmanager
async def running_api(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    build_schema: Any = toy_schema,
    timeouts: ConnectionTimeouts = SHORT_TIMEOUTS,
    extra_routes: Sequence[BaseRoute] = (),
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
    port: int = 0,
) -> AsyncIterator[Api]:
    await _reset_rate_limits(settings)
    app = create_app(
        settings,
        nullcontext(services),
        partial(_with_extensions, _built(build_schema)),
        extra_routes=extra_routes,
        timeouts=timeouts,
    )
    listening = listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = create_server(app, settings.trusted_proxies, bounds=bounds)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        token = await create_token(services, settings, viewer)
        async with httpx.AsyncClient(base_url=url, timeout=60, verify=tls_context()) as http:
            yield Api(url=url, token=token, key=await create_api_key(settings, viewer), http=http)
    finally:
        server.should_exit = True
        async with asyncio.timeout(60):
            await asyncio.wait([task])
        await cancel_and_wait(task)


@cache
def _built(build_schema: BuildSchema) -> Schema:
    """The schema, built once per process of tests: that takes longer than most tests."""
    return build_schema([])


def _with_extensions(schema: Schema, extensions: Sequence[Callable[[], SchemaExtension]]) -> Schema:
    extended = copy(schema)
    extended.extensions = (*extensions, *schema.extensions)
    return extended


async def _reset_rate_limits(settings: Settings) -> None:
    """Reset the limits that earlier tests used up, because all tests share one address."""
    async with Redis.from_url(settings.redis_url) as redis:
        await redis.flushdb()


async def create_token(services: Services, settings: Settings, viewer: Viewer) -> str:
    id = viewer.person_id
    assert id is not None
    await add_member(settings, viewer.tenant_id, id, f"{id}@example.org", Role.OWNER)
    return (await services.accounts.sign_in(id, viewer.tenant_id)).access


async def add_member(
    settings: Settings, tenant: TenantId, id: PersonId, email: str, role: str
) -> None:
    """Make a person a member, unless they are one."""
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute(
        "insert into person (id, email) values ($1, $2) on conflict do nothing", id, email
    )
    await connection.execute(
        "insert into membership (tenant_id, person_id, role) values ($1, $2, $3) "
        "on conflict do nothing",
        *(tenant, id, role),
    )
    await connection.close()


async def create_api_key(settings: Settings, viewer: Viewer) -> str:
    engine = create_engine(settings.database_url, DbRole.SERVICE)
    async with engine.begin() as db:
        key = await create_key(db, settings, viewer.tenant_id, "test")
    await engine.dispose()
    return key
