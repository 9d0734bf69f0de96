"""The API behind the shipped Caddyfile: no client's request causes an outage for another."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.common.settings import Settings
from domain.common.tasks import background_task
from local.private_files import free_port
from persistence.admin import bootstrap
from tests.local.test_talk import (
    ApiProcess,
    check,
    start_api,
    studio,
    talk,
)
from tests.support.paths import ROOT
from tests.support.processes import until_answers
from tests.support.viewers import PASSWORD

pytestmark = pytest.mark.anyio

MIN_CADDY_VERSION = (2, 11)
TOO_LARGE = b'{"query": "' + b"x" * 1_300_000 + b'"}'
VIEWER = {"query": "{ viewer { __typename } }"}


def program() -> str:
    """The path of a Caddy that supports the Caddyfile."""
    found = shutil.which("caddy")
    said = subprocess.check_output([found, "version"], text=True) if found else ""
    version = re.match(r"v?(\d+)\.(\d+)", said)
    if found and version and (int(version[1]), int(version[2])) >= MIN_CADDY_VERSION:
        return found
    problem = f"Caddy {MIN_CADDY_VERSION[0]}.{MIN_CADDY_VERSION[1]} or newer is needed on PATH, not {said.strip() or 'none'}"
    if os.environ.get("CI"):
        pytest.fail(problem)
    pytest.skip(f"NOTHING IS TESTED BEHIND CADDY: {problem}")


@asynccontextmanager
async def caddy(place: Path, *apis: int) -> AsyncIterator[str]:
    """Caddy in front of APIs on these ports."""
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "STUDIO_SITE": url,
        "STUDIO_API": " ".join(f"127.0.0.1:{port}" for port in apis),
        "XDG_DATA_HOME": str(place),
        "XDG_CONFIG_HOME": str(place),
    }
    config = ("--config", str(ROOT / "Caddyfile"), "--adapter", "caddyfile")
    nowhere = asyncio.subprocess.DEVNULL
    quiet: dict[str, Any] = {"env": environment, "stdout": nowhere, "stderr": nowhere}
    validated = await asyncio.create_subprocess_exec(program(), "validate", *config, **quiet)
    assert await validated.wait() == 0
    process = await asyncio.create_subprocess_exec(program(), "run", *config, **quiet)
    try:
        await until_answers(f"{url}/health/live")
        yield url
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def replicas(
    settings: Settings, place: Path, count: int, **more: str
) -> AsyncIterator[list[ApiProcess]]:
    await bootstrap(settings, "demo", "owner@demo.local", PASSWORD, place / "key")
    key = (place / "key").read_text()
    async with AsyncExitStack() as stack:
        apis = []
        for port in [free_port() for _ in range(count)]:
            api = ApiProcess(settings, port, key, await start_api(settings, port, **more))
            stack.push_async_callback(stopped, api)
            apis.append(api)
        yield apis


async def stopped(api: ApiProcess) -> None:
    if api.process.returncode is None:
        api.process.terminate()
        await api.process.wait()


async def send_continuously(
    url: str, key: str, answers: Counter[int], pause: float, waits: list[float] | None = None
) -> None:
    """Send requests over one connection; `waits` receives the latency of each response in milliseconds."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
        while True:
            answer = await http.post("/graphql", json=VIEWER)
            answers[answer.status_code] += 1
            if waits is not None:
                waits.append(answer.elapsed.total_seconds() * 1000)
            await asyncio.sleep(pause)


async def until(answers: Counter[int], count: int) -> None:
    async with asyncio.timeout(120):
        while answers.total() < count:  # noqa: ASYNC110 - it is counted elsewhere
            await asyncio.sleep(0.05)


async def test_calls_stream_through_the_proxy_and_internal_routes_are_hidden(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with studio(settings, tmp_path) as api, caddy(tmp_path, api.port) as url:
        check(await talk(url, api.key, capsys))
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            assert (await http.get("/health/ready")).status_code == 404
            assert (await http.post("/graphiql/local-token")).status_code == 404
            assert (await http.post("/talk/local-token")).status_code == 404
            assert (await http.post("/studio/local-token")).status_code == 404
            page = await http.get("/docs/api", headers={"accept-encoding": "gzip"})
            assert (page.status_code, page.headers["content-encoding"]) == (200, "gzip")
            assert page.headers["content-security-policy"].startswith("default-src 'none'; ")
            known = {"accept-encoding": "gzip", "if-none-match": page.headers["etag"]}
            assert (await http.get("/docs/api", headers=known)).status_code == 304
            assert (await http.post("/graphql", json={"query": "x" * 70_000})).status_code == 413


@pytest.mark.parametrize("count", [1, 2])
async def test_a_body_that_is_too_large_causes_no_outage_for_others(
    settings: Settings, tmp_path: Path, count: int
) -> None:
    """Neither a declared size nor a body that grows during an import does."""

    async def growing_body() -> AsyncIterator[bytes]:
        for start in range(0, len(TOO_LARGE), 50_000):
            yield TOO_LARGE[start : start + 50_000]

    answers: Counter[int] = Counter()
    async with (
        replicas(settings, tmp_path, count) as apis,
        caddy(tmp_path, *(api.port for api in apis)) as url,
        background_task(send_continuously(url, apis[0].key, answers, 0.02)),
        httpx.AsyncClient(base_url=url, timeout=60) as stranger,
    ):
        refused: list[int] = []
        head = {"content-type": "application/json"}
        signed = {**head, "authorization": f"Bearer {apis[0].key}"}
        for _ in range(5):
            for headers, body in ((head, TOO_LARGE), (signed, growing_body())):
                answer = await stranger.post("/graphql", content=body, headers=headers)
                refused.append(answer.status_code)
                await until(answers, answers.total() + 5)
    assert refused == [413] * 10
    assert set(answers) == {200}


def test_compose_and_ci_run_the_same_caddy() -> None:
    compose = re.search(r"image: caddy:(\S+)", (ROOT / "docker-compose.yml").read_text())
    ci = re.search(r"CADDY_VERSION=(\S+)", (ROOT / ".ci" / "run").read_text())
    assert compose
    assert ci
    assert ci[1].startswith(f"{compose[1]}.")
    assert compose[1] == f"{MIN_CADDY_VERSION[0]}.{MIN_CADDY_VERSION[1]}"


async def restart_in_turn(apis: Sequence[ApiProcess], answers: Counter[int], **more: str) -> None:
    for api in apis:
        api.process.terminate()
        await api.process.wait()
        api.process = await start_api(api.settings, api.port, **more)
        await until(answers, answers.total() + 50)


async def test_a_rolling_restart_loses_no_request(settings: Settings, tmp_path: Path) -> None:
    answers: Counter[int] = Counter()
    more = {
        "LAME_DUCK_SECONDS": "3",
        "REQUESTS_PER_MINUTE": "100000",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    async with (
        replicas(settings, tmp_path, 2, **more) as apis,
        caddy(tmp_path, *(api.port for api in apis)) as url,
        AsyncExitStack() as clients,
    ):
        for _ in range(4):
            await clients.enter_async_context(
                background_task(send_continuously(url, apis[0].key, answers, 0.1))
            )
        await until(answers, 50)
        await restart_in_turn(apis, answers, **more)
    assert set(answers) == {200}
