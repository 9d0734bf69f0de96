"""A complete installation of real processes, each of which can be killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil

from domain.common.settings import Settings
from local import postgres, valkey
from local.client import StudioClient
from local.demo import seed
from local.private_files import free_port
from local.server import Server
from local.services import SOFTPHONE_NETWORK
from persistence.admin import bootstrap
from persistence.migrate import upgrade
from tests.conftest import SECRET
from tests.support.paths import ROOT, database_folder
from tests.support.processes import until_answers
from tests.support.viewers import PASSWORD

FAST_SETTINGS = {
    "LEASE_SECONDS": "3.0",
    "HEARTBEAT_SECONDS": "0.5",
    "LOG_LEVEL": "ERROR",
    "WORKER_PROCESSES": "1",
}


@dataclass(slots=True)
class Process:
    """A process of the product that can be killed and started again."""

    module: str
    env: dict[str, str]
    running: asyncio.subprocess.Process | None = None
    groups: list[int] = field(default_factory=list)

    async def start(self) -> None:
        self.running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            env={**os.environ, **self.env},
            cwd=ROOT,
            start_new_session=True,
        )
        self.groups.append(self.running.pid)

    def send_signal(self, sig: signal.Signals) -> None:
        """Signal the process and all that it started, as when a machine fails."""
        for group in self.groups:
            with suppress(ProcessLookupError):
                os.killpg(group, sig)

    async def kill(self, sig: signal.Signals = signal.SIGKILL) -> None:
        assert self.running is not None
        self.send_signal(sig)
        await self.running.wait()

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def restart_parent(self) -> None:
        """Restart the process alone. Its children continue for a while."""
        assert self.running is not None
        self.running.kill()
        await self.running.wait()
        await self.start()

    def children(self) -> list[psutil.Process]:
        """The forked processes that hold calls."""
        assert self.running is not None
        fork_servers = psutil.Process(self.running.pid).children()
        return [child for fork_server in fork_servers for child in fork_server.children()]

    async def kill_children(self) -> None:
        """Kill the processes that hold calls. Their parent starts others."""
        for child in self.children():
            child.kill()


@dataclass(slots=True)
class Installation:
    settings: Settings
    url: str
    key: str
    database: Server
    redis: Server
    processes: dict[str, Process] = field(default_factory=dict)

    def studio(self) -> StudioClient:
        return StudioClient(self.url, self.key)

    async def fetch_value(self, query: str, *arguments: object) -> Any:
        db = await asyncpg.connect(self.settings.database_url)
        try:
            return await db.fetchval(query, *arguments)
        finally:
            await db.close()

    async def worker_ids(self) -> list[UUID]:
        """The ids of the registered worker processes."""
        return list(await self.fetch_value("select array_agg(id) from worker_process") or ())

    async def worker_count(self) -> int:
        return len(await self.worker_ids())

    async def wait_for_workers(self, count: int) -> None:
        """Wait until `count` workers are registered, which takes long on a busy machine."""
        async with asyncio.timeout(60):
            while await self.worker_count() < count:  # noqa: ASYNC110 - other processes register
                await asyncio.sleep(0.1)


@asynccontextmanager
async def running_installation(
    folder: Path, workers: int, **more: str
) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        in_memory = stack.enter_context(database_folder())
        database = await stack.enter_async_context(postgres.started(in_memory, durable=False))
        redis = await stack.enter_async_context(valkey.started(folder))
        await asyncio.to_thread(upgrade, database.url)
        settings = Settings(
            database_url=database.url,
            redis_url=redis.url,
            secret_key=SECRET,
            trunk_allow=SOFTPHONE_NETWORK,
        )
        await bootstrap(settings, "demo", "o@demo.local", PASSWORD, folder / "key")
        port = free_port()
        env = {
            "DATABASE_URL": database.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": SECRET,
            "API_PORT": str(port),
            "PYTHONPATH": str(ROOT),
            **FAST_SETTINGS,
            **more,
        }
        names = {"api": "graph.app", "keeper": "worker.keeper"}
        names |= {f"worker {n}": "worker.main" for n in range(workers)}
        url = f"http://127.0.0.1:{port}"
        key = (folder / "key").read_text()
        installation = Installation(settings, url, key, database, redis)
        for name, module in names.items():
            process = installation.processes[name] = Process(module, env)
            stack.push_async_callback(process.kill)
            await process.start()
        await until_answers(f"{url}/health/ready")
        await seed(installation.studio(), {})
        await installation.wait_for_workers(workers * int(env["WORKER_PROCESSES"]))
        yield installation
