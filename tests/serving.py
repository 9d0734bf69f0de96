"""The API on a loopback port, and clients of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from redis.asyncio import Redis
from starlette.routing import BaseRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from domain.access import Role, User, UserId, Viewer
from domain.ports import Services
from domain.settings import Settings
from domain.tasks import end
from graph.asgi import create_app
from graph.connections import Patience
from graph.protocols import Bounds
from graph.server import listen, server_of
from persistence.admin import create_key
from persistence.database import DbRole
from persistence.engine import create_engine
from tests.toy_schema import toy_schema

IMPATIENT = Patience(init=8.0, stall=5.0, recheck=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A running API; `token` is an owner's access token."""

    url: str
    token: str
    key: str
    http: httpx.AsyncClient = field(repr=False)

    async def post(self, query: str, *, auth: bool = True, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"} if auth else {}
        headers |= {"content-type": "application/json", **more.pop("headers", {})}
        body = json.dumps({"query": query, **more})
        return await self.http.post("/graphql", content=body, headers=headers)

    async def ask(self, query: str, **more: Any) -> Any:
        return (await self.post(query, **more)).json()

    @asynccontextmanager
    async def socket(
        self, init: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[Socket]:
        """Signed in, unless `init` says otherwise."""
        options.setdefault("open_timeout", 60)
        options.setdefault("subprotocols", [Subprotocol("graphql-transport-ws")])
        async with connect(
            self.url.replace("http", "ws") + "/graphql", compression=None, **options
        ) as raw:
            socket = Socket(raw)
            if init is None:
                init = {"authorization": f"Bearer {self.token}"}
                await socket.say(type="connection_init", payload=init)
                assert await socket.hear() == {"type": "connection_ack"}
            yield socket


@dataclass(frozen=True, slots=True)
class Socket:
    raw: ClientConnection

    async def say(self, **message: Any) -> None:
        await self.raw.send(json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(60):
            return json.loads(await self.raw.recv())

    async def subscribe(self, id: str, query: str, /, **variables: Any) -> None:
        await self.say(type="subscribe", id=id, payload={"query": query, "variables": variables})

    async def closed(self) -> tuple[int | None, str | None]:
        async with asyncio.timeout(60):
            await self.raw.wait_closed()
        return self.raw.close_code, self.raw.close_reason


@asynccontextmanager
async def serving(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    schema_of: Any = toy_schema,
    patience: Patience = IMPATIENT,
    more: Sequence[BaseRoute] = (),
    bounds: Bounds = Bounds(),  # noqa: B008 - it is frozen
) -> AsyncIterator[Api]:
    await _forget_limits(settings)
    app = create_app(settings, nullcontext(services), schema_of, more=more, patience=patience)
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = server_of(app, settings.trusted_proxies, bounds=bounds)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.01)
        token = await token_of(services, settings, viewer)
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            yield Api(url=url, token=token, key=await key_of(settings, viewer), http=http)
    finally:
        server.should_exit = True
        async with asyncio.timeout(60):
            await asyncio.wait([task])
        await end(task)


async def _forget_limits(settings: Settings) -> None:
    """The tests before this one came from the same address."""
    async with Redis.from_url(settings.redis_url) as redis:
        await redis.flushdb()


async def token_of(services: Services, settings: Settings, viewer: Viewer) -> str:
    id = UUID(viewer.subject.split(":")[1])
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute(
        "insert into app_user (id, tenant_id, email, role, password_hash) "
        "values ($1, $2, $3, 'OWNER', '') on conflict do nothing",
        id,
        viewer.tenant_id,
        f"{id}@example.org",
    )
    await connection.close()
    user = User(
        id=UserId(id),
        tenant_id=viewer.tenant_id,
        email="o@example.org",
        role=Role.OWNER,
        password_hash="",
    )
    return (await services.accounts.sign_in(user)).access


async def key_of(settings: Settings, viewer: Viewer) -> str:
    engine = create_engine(settings.database_url, DbRole.SERVICE)
    async with engine.begin() as db:
        key = await create_key(db, settings, viewer.tenant_id, "test")
    await engine.dispose()
    return key
