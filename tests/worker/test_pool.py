"""The processes of one worker: they fork, die and stop together."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.installation import Process, running_installation
from tests.support.paths import ROOT

pytestmark = pytest.mark.anyio


async def test_a_worker_stopped_during_its_start_leaves_nothing_behind(tmp_path: Path) -> None:
    async with running_installation(tmp_path, workers=1) as whole:
        worker = Process("worker.main", whole.processes["worker 0"].env)
        await worker.start()
        assert worker.running is not None
        async with asyncio.timeout(60):
            while not psutil.Process(worker.running.pid).children():  # noqa: ASYNC110 it loads
                await asyncio.sleep(0.01)
            worker.running.terminate()
            assert await worker.running.wait() == 0
            while is_running(worker.running.pid):  # noqa: ASYNC110 - they are other processes
                await asyncio.sleep(0.1)
        assert await whole.worker_count() == 1


async def test_a_worker_process_is_replaced_even_if_the_fork_server_died(tmp_path: Path) -> None:
    async with running_installation(tmp_path, workers=1) as whole:
        worker = whole.processes["worker 0"].running
        assert worker is not None
        before = psutil.Process(worker.pid).children(recursive=True)
        for each in before:
            each.kill()
        async with asyncio.timeout(60):
            while await whole.worker_count() > 0:  # noqa: ASYNC110 - they are other processes
                await asyncio.sleep(0.02)
        await whole.wait_for_workers(1)
        now = psutil.Process(worker.pid).children(recursive=True)
        assert now
        assert not set(now) & set(before)


async def test_processes_exit_immediately_when_parent_and_supervisor_died(
    tmp_path: Path,
) -> None:
    async with running_installation(tmp_path, workers=0) as whole:
        supervisor = await asyncio.create_subprocess_exec("sleep", "600")
        env = {**whole.processes["keeper"].env, "SUPERVISOR_PID": str(supervisor.pid)}
        worker = Process("worker.main", env)
        await worker.start()
        await whole.wait_for_workers(1)
        assert worker.running is not None
        for each in (supervisor, worker.running):
            each.kill()
            await each.wait()
        async with asyncio.timeout(50):  # with a supervisor they would continue for a minute
            while is_running(worker.running.pid):  # noqa: ASYNC110 - they are other processes
                await asyncio.sleep(0.1)


async def log_lines_of(module: str, env: dict[str, str], ready: str) -> list[dict[str, Any]]:
    """The log lines of a process, which is stopped once it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        env={**os.environ, **env, "LOG_LEVEL": "INFO"},
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    reported = []
    async for line in process.stderr:
        if line.startswith(b"{"):
            reported.append(json.loads(line))
        if reported and reported[-1]["message"].startswith(ready):
            process.terminate()
    assert await process.wait() == 0
    return reported


async def test_worker_and_keeper_log_their_start_and_stop(tmp_path: Path) -> None:
    livekit = {"LIVEKIT_URL": "ws://user:secret@livekit.invalid:7880"}
    async with running_installation(tmp_path, workers=0) as whole:
        env = {**whole.processes["keeper"].env, **livekit, "WORKER_CAPACITY": "7"}
        worker, keeper = await asyncio.gather(
            log_lines_of("worker.main", env, "worker is ready"),
            log_lines_of("worker.keeper", env, "keeper started"),
        )
    own = [
        line
        for line in worker
        if line["logger"] in ("__main__", "worker.process.pool", "worker.process.host")
    ]
    assert [line["message"].partition(":")[0] for line in own] == [
        "worker starting",
        "worker is ready",
        "worker stopping",
        "releasing calls",
        "worker stopped",
    ]
    ready = own[1]
    assert (ready["processes"], ready["calls_per_process"]) == (1, 7)
    assert ready["livekit"] == "livekit.invalid"
    assert own[3]["calls"] == 0
    assert "secret" not in str(worker)
    kept = [line for line in keeper if line["logger"] == "worker.keeper.main"]
    assert [kept[0]["message"], kept[-1]["message"]] == ["keeper started", "keeper stopped"]
    assert (kept[0]["round_seconds"], kept[0]["lease_seconds"]) == (0.5, 3.0)


def is_running(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
