"""The examples of docs/clients.md run, and pages of another host use the clients in a browser."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from domain.common.access import Scope, Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, start_call
from graph.app import build_schema_with_loaders
from graph.web.widget import widget_routes
from local.client import StudioClient
from local.demo import seed
from local.livekit import LivekitCredentials
from local.private_files import free_port
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.support.api_server import Api, running_api
from tests.support.browsers import Visit, script_runner
from tests.support.client_kit import run_node
from tests.support.demo_workflow import publish_clinic
from tests.support.paths import ROOT
from tests.support.people import owner_at
from tests.support.processes import running_process
from tests.support.voice_clients import voice_clinic
from tests.voice.test_talk_in_browser import need_a_network
from tests.worker.test_text_calls import running_worker

pytestmark = pytest.mark.anyio

PAGE = (ROOT / "docs" / "clients.md").read_text()
EXAMPLES = "examples"
TIMEOUT_SECONDS = 120
TSCONFIG = {
    "extends": "../tsconfig.json",
    "compilerOptions": {
        "rootDir": ".",
        "outDir": ".",
        "declaration": False,
        "jsx": "react-jsx",
        "verbatimModuleSyntax": True,
    },
    "include": ["*"],
    # Otherwise the output folder is excluded.
    "exclude": [],
}
GLOBALS = """declare const process: { env: Record<string, string | undefined> };
declare module 'react-dom/client' {
  export function createRoot(element: Element): { render(node: unknown): void };
}
"""
CREATE_KEY = """mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  __typename ... on CreateApiKeySuccess { value } ... on Error { message } } }"""
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder in which screenshots are stored."""


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
async def examples(kit: Path) -> dict[str, str]:
    """The outputs of the examples in TypeScript, by file. They are compiled in the folder of the client."""
    folder = kit / EXAMPLES
    folder.mkdir()
    outputs = {}
    found = blocks()
    for number, (language, text) in enumerate(found):
        if language in ("ts", "tsx"):
            named = re.match(r"// (\w+\.tsx?)\n", text)
            name = named[1] if named else f"example{number}.ts"
            (folder / name).write_text(text)
            following, output = found[number + 1]
            if not named and following == "text":
                outputs[name.replace(".ts", ".js")] = output
    (folder / "globals.d.ts").write_text(GLOBALS)
    (folder / "tsconfig.json").write_text(json.dumps(TSCONFIG))
    await run_node(kit, "node_modules/typescript/bin/tsc", "-p", EXAMPLES)
    return outputs


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    return script_runner(tmp_path_factory.mktemp("browser") / "scripts")


async def test_the_examples_are_typed_and_print_what_the_page_says(
    kit: Path,
    examples: dict[str, str],
    api: Api,
    settings: Settings,
    tmp_path: Path,
) -> None:
    given = {"STUDIO_URL": api.url, "STUDIO_KEY": api.key}
    await seed(StudioClient(api.url, api.key), {})
    async with running_worker(settings):
        for name, output in examples.items():
            command = ("--import", "./tests/websocket.mjs", f"{EXAMPLES}/{name}")
            assert await run_node(kit, *command, **given) == output
        assert await run_python(tmp_path, **given) == expected_of_python()
    assert len(examples) == 2


async def run_python(folder: Path, **environment: str) -> str:
    [program] = [text for language, text in blocks() if language == "python"]
    (folder / "conversation.py").write_text(program)
    environment |= {"PYTHONPATH": str(ROOT / "client" / "python")}
    async with running_process(
        *(sys.executable, str(folder / "conversation.py")),
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    ) as process:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


def expected_of_python() -> str:
    found = blocks()
    [index] = [index for index, (language, _) in enumerate(found) if language == "python"]
    return found[index + 1][1]


@asynccontextmanager
async def running_host(
    kit: Path, port: int, key: str, livekit: str, api: Api
) -> AsyncIterator[str]:
    """The server of a page on another host, with the widget and the page with React."""
    folder = kit / EXAMPLES
    [tags] = [text for language, text in blocks() if language == "html"]
    (folder / "widget.html").write_text(tags.replace("https://studio.example.org", api.url))
    page = folder / "page.tsx"
    page.write_text(page.read_text().replace("https://studio.example.org", api.url))
    given = {"STUDIO_URL": api.url, "STUDIO_KEY": key, "CALL_SECRET": "for-tests-only-" + "0" * 32}
    async with running_process(
        *("node", "--import", "./tests/websocket.mjs", "tests/host.mjs", str(port)),
        *(str(folder), livekit),
        cwd=kit,
        env={**os.environ, **given},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        async with asyncio.timeout(TIMEOUT_SECONDS):
            assert await process.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}"


async def key_for(api: Api, *scopes: Scope) -> str:
    names = [scope.name for scope in scopes]
    made = await owner_at(api).run(CREATE_KEY, name="page", scopes=names)
    assert made["__typename"] == "CreateApiKeySuccess", made
    return str(made["value"])


async def test_pages_of_another_host_show_calls(
    kit: Path, examples: dict[str, str], settings: Settings, viewer: Viewer, visit: Visit
) -> None:
    port = free_port()
    allowed = replace(settings, allowed_origins=f"http://127.0.0.1:{port}")
    async with (
        api_services(allowed) as services,
        running_api(
            services, allowed, viewer, build_schema_with_loaders, extra_routes=widget_routes()
        ) as api,
        running_worker(allowed),
    ):
        await publish_clinic(services, viewer)
        call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
        key = await key_for(api, Scope.CALLS_WRITE)
        tokens = json.dumps(await expired_tokens(services, viewer))
        async with running_host(kit, port, key, "ws://127.0.0.1:9", api) as host:
            arguments = (host, api.url, tokens, global_id("Call", call.id), SCREENSHOTS)
            seen = await to_thread.run_sync(partial(visit, "client.mjs", "pages", *arguments))
    nothing: dict[str, Any] = {"errors": [], "outside": []}
    assert seen["text"] == {
        **nothing,
        "barriersBefore": [],
        "barriersDuring": [],
        "focused": "message",
        "turns": [
            *("Agent", "Sunrise Clinic, hello."),
            *("You", "I need an appointment"),
            *("Agent", "One moment."),
            *("Agent", "Booking here. When suits you?"),
        ],
        "status": "The call has ended.",
    }
    assert seen["react"] == {
        **nothing,
        "turns": [
            "reception: Sunrise Clinic, hello.",
            "caller: I need an appointment",
            "reception: One moment.",
            "booking: Booking here. When suits you?",
        ],
        "refreshes": 1,
    }


async def expired_tokens(services: Services, viewer: Viewer) -> dict[str, str]:
    assert viewer.person_id is not None
    pair = await services.accounts.sign_in(viewer.person_id, viewer.tenant_id)
    return {
        "accessToken": pair.access,
        "refreshToken": pair.refresh,
        "expiresAt": "2026-01-01T00:00:00Z",
    }


async def test_a_visitor_talks_with_a_key_that_can_only_join(
    kit: Path,
    examples: dict[str, str],
    settings: Settings,
    viewer: Viewer,
    livekit: LivekitCredentials,
    visit: Visit,
) -> None:
    need_a_network()
    async with (
        voice_clinic(settings, viewer, livekit) as (services, _, whole),
        running_api(
            services, whole, viewer, build_schema_with_loaders, extra_routes=widget_routes()
        ) as api,
    ):
        key = await key_for(api, Scope.CALLS_JOIN)
        async with running_host(kit, free_port(), key, livekit.url, api) as host:
            arguments = (host, api.url, livekit.url.split("//")[1])
            seen = await to_thread.run_sync(partial(visit, "client.mjs", "voice", *arguments))
    assert seen == {"barriers": [], "errors": [], "outside": []}
