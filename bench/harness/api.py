"""The API process that is measured, and clients for it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from domain.common.access import Role
from domain.common.settings import Settings
from local.private_files import free_port
from persistence.api_keys import create_key
from persistence.database import DbRole
from persistence.sqlalchemy_engine import create_engine


@dataclass(frozen=True, slots=True)
class MeasuredApi:
    url: str
    token: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "LOG_LEVEL": "WARNING",
        "REQUESTS_PER_MINUTE": "100000000",
        **more,
    }


@asynccontextmanager
async def running_api(
    settings: Settings, tenant: UUID, port: int | None = None, **more: str
) -> AsyncGenerator[MeasuredApi]:
    port = port or free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "graph.app",
        env=environment(settings, API_PORT=str(port), **more),
        stderr=asyncio.subprocess.DEVNULL if "--quiet" in sys.argv else None,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await wait_until_ready(url)
        token = await create_api_key(settings, tenant)
        yield MeasuredApi(url, token, psutil.Process(process.pid))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def running_keeper(settings: Settings) -> AsyncGenerator[psutil.Process]:
    """A keeper with a LiveKit server configured, as for voice calls. The server does not respond."""
    livekit = {
        "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}",
        "LIVEKIT_API_KEY": "bench",
        "LIVEKIT_API_SECRET": "bench" * 8,
    }
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        ready = Path(folder) / "ready"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "worker.keeper",
            env=environment(settings, READY_FILE=str(ready), **livekit),
        )
        try:
            async with asyncio.timeout(60):
                while not ready.exists():  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.02)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            await process.wait()


async def wait_until_ready(url: str, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds), httpx.AsyncClient() as http:
        while True:
            try:
                if (await http.get(f"{url}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_socket(api: MeasuredApi) -> AsyncGenerator[Any]:
    """An authenticated graphql-transport-ws connection."""
    address = "ws" + api.url.removeprefix("http") + "/graphql"
    async with connect(
        address,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        compression=None,
        open_timeout=30,
    ) as ws:
        payload = {"authorization": f"Bearer {api.token}"}
        await ws.send(json.dumps({"type": "connection_init", "payload": payload}))
        while json.loads(await ws.recv())["type"] != "connection_ack":
            pass
        yield ws


async def subscribe(ws: Any, id: str, document: str, variables: dict[str, Any]) -> None:
    payload = {"query": document, "variables": variables}
    await ws.send(json.dumps({"type": "subscribe", "id": id, "payload": payload}))


@asynccontextmanager
async def writer_process(
    settings: Settings, tenant: UUID, ids: Sequence[UUID], per_second: float, seconds: float
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process that writes events to the calls as a worker does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.harness.writers",
        str(tenant),
        str(per_second),
        str(seconds),
        ",".join(map(str, ids)),
        env=environment(settings),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        await process.wait()


def now_ms() -> float:
    return time.time() * 1000


async def create_api_key(settings: Settings, tenant: UUID, role: Role = Role.OWNER) -> str:
    engine = create_engine(settings.database_url, DbRole.SERVICE)
    async with engine.begin() as db:
        key = await create_key(db, settings, tenant, "bench", role)
    await engine.dispose()
    return key
