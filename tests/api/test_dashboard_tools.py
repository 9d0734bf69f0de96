"""The pages of tools and MCP servers at /studio, as a person uses them in a browser."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.settings import McpServer
from domain.use_cases.settings import update_settings
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from persistence.guarded_http import GuardedHttpClient
from tests.api.test_settings import mcp_server
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import save_clinic

DEFINITION = "query ($id: ID!) { tool(by: { id: $id }) { definition } }"
CREATE = """mutation ($input: CreateToolInput!) { createTool(input: $input) {
  ... on CreateToolSuccess { tool { id } } ... on Error { message path } } }"""
ACTIONS: list[dict[str, Any]] = [
    {"contextSet": {"path": "workflow.list[+]", "value": {"name": "{{user.name}}", "count": 1}}},
    {"contextSet": {"path": "workflow.nothing", "value": None}},
    {"contextGet": {"path": "user.name"}},
    {"contextDelete": {"path": "workflow.list"}},
    {"flagSet": {"flag": "asked"}},
    {"flagClear": {"flag": "asked"}},
    {"transform": {"path": "workflow.text", "operation": "JOIN", "operand": "{{workflow.list}}"}},
    {"transform": {"path": "workflow.n", "operation": "INCREMENT", "operand": 2}},
    {"validate": {"rules": [{"condition": "flags.asked", "message": "Ask first."}]}},
    {
        "conditional": {
            "condition": "workflow.n > 2",
            "then": [{"conditional": {"condition": "flags.asked", "then": [{"endCall": True}]}}],
            "otherwise": [{"handoff": {"node": "desk"}}],
        }
    },
    {
        "apiCall": {
            "endpoint": "crm",
            "url": "/orders",
            "method": "POST",
            "headers": {"Authorization": "Bearer {{secret.crm}}"},
            "query": {"page": 1},
            "body": {"lines": ["{{workflow.text}}"]},
            "timeLimit": "PT5S",
            "retries": 0,
            "retryUnsafe": True,
            "save": {"workflow.order": "body.id"},
        }
    },
    {"mcpCall": {"server": "gone", "tool": "stock", "arguments": {}, "timeLimit": "PT2.5S"}},
    {"collectDigits": {"name": "pin", "prompt": "Your PIN?", "count": 4, "masked": True}},
    {"collectDigits": {"name": "year", "min": 2, "max": 4, "terminator": "", "attempts": 1}},
    {"sendDtmf": {"digits": "1w2#"}},
    {"transferCall": {"number": "+12025550123", "mode": "WARM", "ringingTimeout": "PT20S"}},
    {"respond": {"message": "Done."}},
]
GONE = McpServer(name="gone", url="http://127.0.0.1:9/mcp")


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_a_tool_is_written_tested_and_imported(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    await save_clinic(services, viewer)
    await update_settings(services, viewer, 0, {"mcp_servers": (GONE,)})
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with mcp_server() as mcp, AsyncExitStack() as stack:
        outbound = GuardedHttpClient(mcp.removeprefix("http://").removesuffix("/mcp"))
        stack.push_async_callback(outbound.aclose)
        api = await stack.enter_async_context(
            running_api(
                replace(services, http_client=outbound),
                settings,
                viewer,
                build_schema_with_loaders,
                extra_routes=routes,
            )
        )
        tool = {"name": "everything", "description": "Has all kinds of steps."}
        made = await api.execute(CREATE, variables={"input": {**tool, "actions": ACTIONS}})
        variables = {"id": made["data"]["createTool"]["tool"]["id"]}
        before = (await api.execute(DEFINITION, variables=variables))["data"]["tool"]["definition"]
        seen = await asyncio.to_thread(
            visit, "dashboard_tools.mjs", api.url, key, mcp, variables["id"]
        )
        after = (await api.execute(DEFINITION, variables=variables))["data"]["tool"]["definition"]

    assert seen["barriers"] == []
    assert seen["refusal"] == (
        "The tool book_appointment is used by booking. Remove it from these agents first."
    )
    assert seen["late"] == 0
    assert seen["completed"] == "https://shop.example/orders/{{params.order}}"
    assert len(seen["marked"]) == 2
    assert seen["schema"] == {
        "type": "object",
        "properties": {
            "order": {"type": "string"},
            "amount": {"type": "number", "default": 10.05},
        },
        "additionalProperties": False,
        "required": ["order"],
    }
    assert seen["result"] == "It is sent"
    assert seen["ran"] == ["1 HTTP request", "2 Respond to the model"]
    assert seen["answer"] == '{"status": "sent"}'
    assert seen["kept"] == [
        "Finds an order by its number.",
        [
            "Step 1. HTTP requestGET https://shop.example/orders/{{params.order}}",
            "Step 2. Respond to the modelIt is {{response.body.status}}",
        ],
    ]
    assert seen["mcpServers"] == [
        {"name": "gone", "headers": {}, "allow": []},
        {"name": "shop", "headers": {"X-Shop": "north"}, "allow": ["stock", "prices"]},
    ]
    assert seen["imported"] == ["Step 1. MCP toolshop: stock"]
    first, second, *others = before["actions"]
    assert after == {**before, "actions": [second, first, *others]}
    assert (seen["errors"], seen["outside"]) == ([], [])
