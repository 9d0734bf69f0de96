"""The health endpoints of workers and keepers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from domain.common.settings import Settings
from domain.common.tasks import background_task
from local.private_files import free_port
from persistence.worker_wiring import worker_services
from tests.support.installation import Process
from tests.support.paths import ROOT
from worker.keeper.main import MAX_ROUND_AGE_SECONDS, Keeper

pytestmark = pytest.mark.anyio


async def until_ready(url: str, wanted: int, **facts: int) -> Any:
    """The facts in the first response with this status."""
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=url) as http:
        while True:
            try:
                answer = await http.get("/health/ready")
                if answer.status_code == wanted and answer.json().items() >= facts.items():
                    return answer.json()
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


def process(module: str, settings: Settings, port: int) -> Process:
    return Process(
        module,
        {
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key,
            "WORKER_PROCESSES": "2",
            "HEALTH_PORT": str(port),
            "LOG_LEVEL": "CRITICAL",
            "PYTHONPATH": str(ROOT),
        },
    )


async def test_a_worker_is_ready_while_its_processes_run(settings: Settings) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    async with AsyncExitStack() as stack:
        worker = process("worker.main", settings, port)
        stack.push_async_callback(worker.kill)
        await worker.start()
        assert await until_ready(url, 200, processes=2) == {
            "ready": True,
            "processes": 2,
            "wanted": 2,
        }
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            assert (await http.get("/health/live")).json() == {"live": True}
            assert (await http.get("/metrics")).status_code == 404


async def test_a_keeper_is_ready_once_it_makes_its_rounds(settings: Settings) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    async with AsyncExitStack() as stack:
        keeper = process("worker.keeper", settings, port)
        stack.push_async_callback(keeper.kill)
        await keeper.start()
        assert (await until_ready(url, 200))["last_round_seconds"] < MAX_ROUND_AGE_SECONDS


async def test_a_keeper_that_has_made_no_round_is_not_ready(settings: Settings) -> None:
    async with worker_services(settings) as services:
        keeper = Keeper(services, settings)
        assert keeper.report() == (False, {"last_round_seconds": None})
        await keeper.run_once()
        is_ready, facts = keeper.report()
        assert is_ready
        assert 0.0 <= facts["last_round_seconds"] < MAX_ROUND_AGE_SECONDS


async def test_a_keeper_is_ready_while_a_store_is_unavailable(settings: Settings) -> None:
    async with worker_services(settings) as services:
        pass  # whose connections are closed from now on
    keeper = Keeper(services, settings)
    async with background_task(keeper.run(asyncio.Event())), asyncio.timeout(60):
        while not keeper.report()[0]:  # noqa: ASYNC110 - the state is in the keeper
            await asyncio.sleep(0.05)
