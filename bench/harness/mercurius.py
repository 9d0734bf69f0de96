"""Mercurius, a GraphQL server in JavaScript, over the same database: what the machine allows."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from bench.harness.api import MeasuredApi
from domain.common.access import TenantId
from domain.common.settings import Settings

SOURCE = Path(__file__).parent / "mercurius"
INSTALL_TIMEOUT_SECONDS, START_TIMEOUT_SECONDS = 180, 30


class ComparisonUnavailable(Exception):
    """It cannot be compared with here; says why."""


@asynccontextmanager
async def running_mercurius(settings: Settings, tenant: TenantId) -> AsyncGenerator[MeasuredApi]:
    place = await _ensure_installed()
    process = await asyncio.create_subprocess_exec(
        "node",
        "server.mjs",
        cwd=place,
        env={**os.environ, "DATABASE_URL": settings.database_url, "TENANT": str(tenant)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            port = (await process.stdout.readline()).decode().strip()
        if not port:
            raise ComparisonUnavailable("the server in JavaScript did not start")
        yield MeasuredApi(f"http://127.0.0.1:{port}", "", psutil.Process(process.pid))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ensure_installed() -> Path:
    """In the cache of the user, as the lock has it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise ComparisonUnavailable("there is no Node here")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = caches / "agent-studio" / "bench-mercurius"
    lock = place / "package-lock.json"
    wanted = (SOURCE / "package-lock.json").read_bytes()
    is_same = lock.exists() and lock.read_bytes() == wanted and (place / "node_modules").exists()
    shutil.copytree(SOURCE, place, dirs_exist_ok=True)
    if not is_same:
        await _install(place)
    return place


async def _install(place: Path) -> None:
    command = ("npm", "ci", "--no-audit", "--no-fund", "--silent")
    installing = await asyncio.create_subprocess_exec(*command, cwd=place)
    try:
        async with asyncio.timeout(INSTALL_TIMEOUT_SECONDS):
            failed = await installing.wait()
    except TimeoutError:
        installing.kill()
        await installing.wait()
        failed = 1
    if failed:
        raise ComparisonUnavailable("npm could not install it")
