"""Processes that tests start and wait for."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from domain.common.settings import Settings
from local.client import tls_context
from tests.support.paths import ROOT


@asynccontextmanager
async def running_process(
    *command: str, **options: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is killed at the end of the block if it still runs."""
    process = await asyncio.create_subprocess_exec(*command, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run_module(settings: Settings, *command: str) -> tuple[int | None, str]:
    """The exit code of a Python module, and its output, or its errors if it failed."""
    given = {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "OUTBOUND_ALLOW": settings.outbound_allow,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        cwd=ROOT,
        env={**os.environ, **given},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, errors = await process.communicate()
    return process.returncode, (errors if process.returncode else out).decode()


async def until_answers(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(verify=tls_context()) as http:
        while True:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
