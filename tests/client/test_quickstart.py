"""The quickstart of docs/clients.md, followed from nothing: a new app, the client, and a call on its page."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread

from domain.common.access import Viewer
from domain.common.settings import Settings
from graph.app import build_schema_with_loaders
from local.private_files import free_port
from persistence.wiring import api_services
from tests.support.api_server import running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import publish_clinic
from tests.support.npm import npm_environment, run_npm
from tests.support.paths import ROOT
from tests.support.people import PASSWORD, an_email, new_member, owner_at
from tests.support.processes import running_process, until_answers
from tests.worker.test_text_calls import running_worker

pytestmark = pytest.mark.anyio

PAGE = (ROOT / "docs" / "clients.md").read_text()
MAX_LINES = 30


def section() -> tuple[list[str], str]:
    """The commands of the quickstart, and the program."""
    text = PAGE.split("\n## Quickstart\n")[1].split("\n## ")[0]
    [commands] = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    [program] = re.findall(r"^```tsx\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return commands.splitlines(), program


async def follow_commands(folder: Path) -> Path:
    """The folder of the new app, after every command except for the one that serves it."""
    *commands, serve = section()[0]
    assert serve == "npm run dev"
    for command in commands:
        program, *arguments = shlex.split(command)
        if program == "cd":
            folder = folder / arguments[0]
        else:
            assert program == "npm"
            arguments = [part.replace("../agent-studio", str(ROOT)) for part in arguments]
            await to_thread.run_sync(partial(run_npm, folder, *arguments))
    return folder


@asynccontextmanager
async def serving(folder: Path, port: int) -> AsyncIterator[str]:
    """The app on a development server, as `npm run dev` starts it."""
    async with running_process(
        *("node", "node_modules/vite/bin/vite.js", "--host", "localhost"),
        *("--port", str(port), "--strictPort"),
        cwd=folder,
        env=npm_environment(),
        stdout=subprocess.DEVNULL,
    ):
        url = f"http://localhost:{port}/"
        await until_answers(url)
        yield url


async def test_a_new_app_shows_a_live_call_with_thirty_lines(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path / "browser")
    (tmp_path / "work").mkdir()
    folder = await follow_commands(tmp_path / "work")
    _, program = section()
    port = free_port()
    allowed = replace(settings, allowed_origins=f"http://localhost:{port}")
    async with (
        api_services(allowed) as services,
        running_api(services, allowed, viewer, build_schema_with_loaders) as api,
        running_worker(allowed),
    ):
        await publish_clinic(services, viewer)
        email = an_email()
        await new_member(owner_at(api), "OPERATOR", email)
        (folder / "src" / "main.tsx").write_text(program.replace("http://localhost:8000", api.url))
        async with serving(folder, port) as url:
            seen = await asyncio.to_thread(visit, "quickstart.mjs", url, api.url, email, PASSWORD)

    assert len([line for line in program.splitlines() if line]) <= MAX_LINES
    assert seen == {
        "refused": "The e-mail address or the password is wrong.",
        "lines": [
            "reception: Sunrise Clinic, hello.",
            "caller: I need an appointment",
            "reception: One moment.",
            "booking: Booking here. When suits you?",
        ],
        "errors": [],
        "outside": [],
    }
