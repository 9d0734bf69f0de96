"""The processes of one worker: forks that come, die and stop together."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from tests.installation import Process, installed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


async def test_who_is_stopped_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    async with installed(tmp_path, workers=1) as whole:
        worker = Process("worker.main", whole.processes["worker 0"].env)
        await worker.start()
        assert worker.running is not None
        async with asyncio.timeout(30):
            while not psutil.Process(worker.running.pid).children():  # noqa: ASYNC110 it loads
                await asyncio.sleep(0.01)
            worker.running.terminate()
            assert await worker.running.wait() == 0
            while is_there(worker.running.pid):  # noqa: ASYNC110 - they are other processes
                await asyncio.sleep(0.1)
        assert await whole.workers() == 1


async def test_another_worker_comes_when_whoever_forks_them_died_too(tmp_path: Path) -> None:
    async with installed(tmp_path, workers=1) as whole:
        worker = whole.processes["worker 0"].running
        assert worker is not None
        before = psutil.Process(worker.pid).children(recursive=True)
        for each in before:
            each.kill()
        async with asyncio.timeout(60):
            while await whole.workers() > 0:  # noqa: ASYNC110 - they are other processes
                await asyncio.sleep(0.02)
        await whole.staffed(1)
        now = psutil.Process(worker.pid).children(recursive=True)
        assert now
        assert not set(now) & set(before)


def is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
