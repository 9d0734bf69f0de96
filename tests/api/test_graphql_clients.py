"""GraphQL clients and compilers of others, as they are published, work with the API."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from tests.support.api_server import Api
from tests.support.demo_workflow import publish_clinic
from tests.support.paths import ROOT
from tests.support.processes import running_process
from tests.worker.test_text_calls import running_worker

pytestmark = pytest.mark.anyio

TIMEOUT_SECONDS = 120
CONVERSATION = [
    "reception: Sunrise Clinic, hello.",
    "caller: I need an appointment",
    "reception: One moment.",
    "booking: Booking here. When suits you?",
    "caller: tomorrow at ten",
    "booking: You are booked for tomorrow at ten.",
]


async def run_node(folder: Path, *command: str) -> str:
    """What a script or a program of a package prints."""
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": folder}
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        running_process("node", *command, **options) as node,
    ):
        printed, problems = await node.communicate()
    assert node.returncode == 0, printed.decode() + problems.decode()
    return printed.decode()


@pytest.fixture
async def clinic_api(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> AsyncIterator[Api]:
    await publish_clinic(services, viewer)
    async with running_worker(settings):
        yield api


async def converse(folder: Path, script: str, api: Api) -> Any:
    seen = json.loads(await run_node(folder, script, f"{api.url}/graphql", api.key))
    assert seen["agents"] == ["booking", "reception"]
    assert (seen["refused"]["__typename"], seen["refused"]["code"]) == (
        "WorkflowNotFound",
        "WORKFLOW_NOT_FOUND",
    )
    assert seen["turns"] == CONVERSATION
    assert (seen["end"]["state"], seen["end"]["endReason"]) == ("COMPLETED", "HUNG_UP_BY_USER")
    return seen


async def test_a_conversation_with_apollo_client(clinic_api: Api, js_packages: Path) -> None:
    seen = await converse(js_packages, "talk-apollo.mjs", clinic_api)
    # The cache has joined the pages, and events have brought the call in it up to date.
    assert seen["cached"] == {
        "agents": ["booking", "reception"],
        "state": "COMPLETED",
        "endReason": "HUNG_UP_BY_USER",
    }


async def test_a_conversation_with_urql(clinic_api: Api, js_packages: Path) -> None:
    await converse(js_packages, "talk-urql.mjs", clinic_api)


async def test_code_generator_makes_types_that_compile(api: Api, js_packages: Path) -> None:
    file = js_packages / "generated" / "operations.ts"
    await run_node(js_packages, "codegen.mjs", f"{api.url}/graphql", api.key, str(file))
    compiler = "node_modules/typescript/bin/tsc"
    assert await run_node(js_packages, compiler, "--noEmit", "-p", "generated") == ""


async def test_relay_compiles_connections_refetches_mutations_and_subscriptions(
    js_packages: Path,
) -> None:
    shutil.copy(ROOT / "schema.graphql", js_packages)
    (js_packages / "relay" / "__generated__").mkdir()
    await run_node(js_packages, "node_modules/relay-compiler/cli.js", "relay.config.json")
    artifacts = (js_packages / "relay" / "__generated__").glob("*.graphql.js")
    assert sorted(file.name.removesuffix(".graphql.js") for file in artifacts) == [
        "screensAgentQuery",
        "screensAgentsPageQuery",
        "screensCallSubscription",
        "screensCallsPageQuery",
        "screensCreateAgentMutation",
        "screensDeleteAgentMutation",
        "screensQuery",
        "screensTurnsPageQuery",
        "screens_agent",
        "screens_agents",
        "screens_call",
        "screens_calls",
    ]
