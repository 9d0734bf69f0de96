"""Mercurius, a GraphQL server in JavaScript, on the same database, for comparison."""

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
    """Mercurius cannot run on this machine; the message has the reason."""


@asynccontextmanager
async def running_mercurius(settings: Settings, tenant: TenantId) -> AsyncGenerator[MeasuredApi]:
    folder = await _ensure_installed()
    process = await asyncio.create_subprocess_exec(
        "node",
        "server.mjs",
        cwd=folder,
        env={**os.environ, "DATABASE_URL": settings.database_url, "TENANT": str(tenant)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            port = (await process.stdout.readline()).decode().strip()
        if not port:
            raise ComparisonUnavailable("the Mercurius server did not start")
        yield MeasuredApi(f"http://127.0.0.1:{port}", "", psutil.Process(process.pid))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ensure_installed() -> Path:
    """Install the locked versions into the user's cache folder, unless they are installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise ComparisonUnavailable("Node.js is not installed")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "agent-studio" / "bench-mercurius"
    lock = folder / "package-lock.json"
    expected_lock = (SOURCE / "package-lock.json").read_bytes()
    is_same = (
        lock.exists() and lock.read_bytes() == expected_lock and (folder / "node_modules").exists()
    )
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    if not is_same:
        await _install(folder)
    return folder


async def _install(folder: Path) -> None:
    command = ("npm", "ci", "--no-audit", "--no-fund", "--silent")
    installing = await asyncio.create_subprocess_exec(*command, cwd=folder)
    try:
        async with asyncio.timeout(INSTALL_TIMEOUT_SECONDS):
            failed = await installing.wait()
    except TimeoutError:
        installing.kill()
        await installing.wait()
        failed = 1
    if failed:
        raise ComparisonUnavailable("npm install failed")
