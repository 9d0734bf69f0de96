"""Settings of a tenant: defaults, endpoints, values and MCP servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from local.emulators.http_server import run_server
from persistence.guarded_http import GuardedHttpClient
from tests.support.api_server import Api, running_api
from tests.support.graphql_calls import ERROR_FIELDS, mutate

pytestmark = pytest.mark.anyio

SETTINGS = "{ settings { revision values endpoints { name url headers } defaults { language } } }"
UPDATE = f"""mutation ($input: UpdateSettingsInput!) {{ updateSettings(input: $input) {{ __typename
  ... on UpdateSettingsSuccess {{ settings {{ revision mcpServers {{ name allow }} }} }}
  ... on RevisionConflict {{ current }} {ERROR_FIELDS} }} }}"""
CREATE_AGENT = f"""mutation ($input: CreateAgentInput!) {{ createAgent(input: $input) {{
  __typename {ERROR_FIELDS} }} }}"""
CREATE_TOOL = f"""mutation ($input: CreateToolInput!) {{ createTool(input: $input) {{
  __typename ... on CreateToolSuccess {{ tool {{ id }} }} {ERROR_FIELDS} }} }}"""
CREATE_WORKFLOW = f"""mutation ($input: CreateWorkflowInput!) {{ createWorkflow(input: $input) {{
  __typename ... on CreateWorkflowSuccess {{ workflow {{ findings {{ findings {{ code path }} }}
  }} }} {ERROR_FIELDS} }} }}"""
TRY = f"""mutation ($input: TestToolInput!) {{ testTool(input: $input) {{ __typename
  ... on TestToolSuccess {{ ending result context steps {{ problem }} }} {ERROR_FIELDS} }} }}"""
IMPORT = f"""mutation ($input: ImportMcpToolsInput!) {{ importMcpTools(input: $input) {{ __typename
  ... on ImportMcpToolsSuccess {{ tools {{ id name description parameters }} }} {ERROR_FIELDS} }} }}"""


@asynccontextmanager
async def api_that_reaches(
    services: Services, settings: Settings, viewer: Viewer, places: str
) -> AsyncIterator[Api]:
    async with AsyncExitStack() as stack:
        outbound = GuardedHttpClient(places)
        stack.push_async_callback(outbound.aclose)
        services = replace(services, http_client=outbound)
        yield await stack.enter_async_context(
            running_api(services, settings, viewer, build_schema_with_loaders)
        )


async def test_settings_are_edited_in_part_and_by_revision(api: Api) -> None:
    before = (await api.execute(SETTINGS))["data"]["settings"]
    nothing = {"revision": 0, "values": {}, "endpoints": [], "defaults": {"language": None}}
    assert before == nothing
    crm = {"name": "crm", "url": "https://crm.example.com/v1", "headers": {"X-Env": "dev"}}
    first = await mutate(api, UPDATE, expectedRevision=0, endpoints=[crm])
    assert first["settings"]["revision"] == 1
    await mutate(api, UPDATE, expectedRevision=1, values={"clinic": "Sunrise"})
    for wrong in (1, 0, 2**31 - 1):
        refused = await mutate(api, UPDATE, expectedRevision=wrong, values={})
        assert (refused["code"], refused["current"]) == ("REVISION_CONFLICT", 2)
    now = (await api.execute(SETTINGS))["data"]["settings"]
    assert now == {**nothing, "revision": 2, "values": {"clinic": "Sunrise"}, "endpoints": [crm]}


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (
            {"endpoints": [{"name": "CRM", "url": "https://a.example.com/"}]},
            ["endpoints", "0", "name"],
            "lower-case",
        ),
        (
            {"endpoints": [{"name": "a", "url": "https://{{user.host}}/"}]},
            ["endpoints", "0", "url"],
            "literal host",
        ),
        (
            {"endpoints": [{"name": "a", "url": "https://a.example.com/"}] * 2},
            ["endpoints", "1", "name"],
            "same name",
        ),
        (
            {"mcpServers": [{"name": "a", "url": "https://a.example.com/", "headers": {"a b": 1}}]},
            ["mcpServers", "0", "headers", "a b"],
            "not a valid header name",
        ),
        ({"defaults": {"language": "English"}}, ["defaults", "language"], "language tag"),
        ({"defaults": {"llm": {"provider": ""}}}, ["defaults", "llm", "provider"], "empty"),
        ({"values": {"a": "x" * 20_000}}, ["values"], "16384 bytes"),
        ({"values": [1]}, ["values"], "JSON object"),
        (
            {"allowedHours": {"start": "8", "end": "21:00"}},
            ["allowedHours", "start"],
            "24 hours",
        ),
        (
            {"allowedHours": {"start": "08:00", "end": "21:00", "timeZone": "Berlin"}},
            ["allowedHours", "timeZone"],
            "IANA",
        ),
    ],
)
async def test_invalid_settings_change_nothing(
    api: Api, change: dict[str, Any], path: list[str], words: str
) -> None:
    refused = await mutate(api, UPDATE, expectedRevision=0, **change)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path])
    assert words in refused["message"]
    assert (await api.execute(SETTINGS))["data"]["settings"]["revision"] == 0


async def test_defaults_apply_to_what_agents_do_not_set(api: Api) -> None:
    await mutate(api, CREATE_AGENT, name="greeter", prompt={"system": "Greet."})
    desk = {"id": "desk", "agent": "greeter", "isEntry": True, "isExit": True}
    first = await mutate(api, CREATE_WORKFLOW, slug="first", nodes=[desk])
    [finding] = first["workflow"]["findings"]["findings"]
    assert finding == {"code": "NO_MODEL", "path": ["agents", "greeter", "llm"]}
    scripted = {"provider": "scripted", "options": {"rules": [{"says": "Hi."}]}}
    await mutate(api, UPDATE, expectedRevision=0, defaults={"llm": scripted})
    second = await mutate(api, CREATE_WORKFLOW, slug="second", nodes=[desk])
    assert second["workflow"]["findings"]["findings"] == []


async def crm(request: Request) -> JSONResponse:
    return JSONResponse({"path": request.url.path, "env": request.headers.get("x-env")})


async def test_a_tool_uses_the_endpoint_that_it_names(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    routes = [Route("/{rest:path}", crm)]
    async with run_server(Starlette(routes=routes)) as url, AsyncExitStack() as stack:
        place = url.removeprefix("http://")
        api = await stack.enter_async_context(api_that_reaches(services, settings, viewer, place))
        call = {
            "endpoint": "crm",
            "url": "/patients/{{params.id}}",
            "save": {"workflow.env": "body.env", "workflow.path": "body.path"},
        }
        made = await mutate(
            api,
            CREATE_TOOL,
            name="find",
            description="Finds.",
            parametersList=[{"name": "id", "type": "string", "required": True}],
            actions=[{"apiCall": call}, {"respond": {"message": "{{tenant.settings.clinic}}"}}],
        )
        id = made["tool"]["id"]
        missing = await mutate(api, TRY, id=id, arguments={"id": "7"}, live=True)
        assert missing["steps"][0]["problem"] == "There is no endpoint 'crm'."
        endpoint = {"name": "crm", "url": f"{url}/v1/", "headers": {"X-Env": "test"}}
        await mutate(
            api, UPDATE, expectedRevision=0, endpoints=[endpoint], values={"clinic": "Sunrise"}
        )
        tried = await mutate(api, TRY, id=id, arguments={"id": "a/b"}, live=True)
        assert (tried["ending"], tried["result"]) == ("SUCCEEDED", "Sunrise")
        assert tried["context"]["workflow"] == {"env": "test", "path": "/v1/patients/a/b"}


@asynccontextmanager
async def mcp_server() -> AsyncIterator[str]:
    """The protocol's own SDK as the server."""
    server = MCPServer("shop")

    @server.tool()
    def stock(article: str) -> dict[str, int]:
        """Returns how many of an article are in stock."""
        if article == "none":
            raise ValueError("No such article.")
        return {"pieces": len(article)}

    @server.tool()
    def burn(article: str) -> str:
        """Burns it."""
        raise AssertionError(article)

    app = server.streamable_http_app()
    async with app.router.lifespan_context(app), run_server(app) as url:
        yield f"{url}/mcp"


async def test_tools_of_an_mcp_server_are_listed_imported_and_used(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with mcp_server() as url, AsyncExitStack() as stack:
        place = url.removeprefix("http://").removesuffix("/mcp")
        api = await stack.enter_async_context(api_that_reaches(services, settings, viewer, place))
        await mutate(api, UPDATE, expectedRevision=0, mcpServers=[{"name": "shop", "url": url}])
        listed = await api.execute('{ mcpTools(server: "shop") { name description parameters } }')
        assert [t["name"] for t in listed["data"]["mcpTools"]] == ["stock", "burn"]
        unknown = await mutate(api, IMPORT, server="shop", tools=["sell"])
        assert (unknown["code"], unknown["path"]) == ("NOT_FOUND", ["input", "tools", "0"])
        [tool] = (await mutate(api, IMPORT, server="shop", tools=["stock"]))["tools"]
        assert tool["name"] == "shop_stock"
        assert tool["description"] == "Returns how many of an article are in stock."
        assert list(tool["parameters"]["properties"]) == ["article"]
        tried = await mutate(api, TRY, id=tool["id"], arguments={"article": "lamp"}, live=True)
        assert tried["ending"] == "SUCCEEDED", tried
        assert '"pieces": 4' in tried["result"]
        failed = await mutate(api, TRY, id=tool["id"], arguments={"article": "none"}, live=True)
        assert failed["ending"] == "FAILED"
        wrong = await mutate(api, TRY, id=tool["id"], arguments={"article": 4}, live=True)
        assert wrong["ending"] == "REFUSED"
        again = await mutate(api, IMPORT, server="shop", tools=["stock"])
        assert [t["id"] for t in again["tools"]] == [tool["id"]]
        burn = await mutate(
            api,
            CREATE_TOOL,
            name="burn",
            description="Burns.",
            parameters={"type": "object"},
            actions=[{"mcpCall": {"server": "shop", "tool": "burn"}}],
        )
        refused = await mutate(
            api, TRY, id=burn["tool"]["id"], arguments={"article": "x"}, live=True
        )
        problem = refused["steps"][0]["problem"]
        assert problem == "The tool 'burn' of the MCP server 'shop' is not allowed."
        stubs = [
            {"server": "shop", "tool": "stock", "result": {"pieces": 7}},
            {"server": "shop", "tool": "stock", "result": "Sold out.", "error": True},
        ]
        stubbed = await mutate(
            api, TRY, id=tool["id"], arguments={"article": "lamp"}, mcpStubs=stubs[:1]
        )
        assert (stubbed["ending"], stubbed["result"]) == ("SUCCEEDED", '{"pieces": 7}')
        failed = await mutate(
            api, TRY, id=tool["id"], arguments={"article": "lamp"}, mcpStubs=stubs[1:]
        )
        assert (failed["ending"], failed["result"]) == ("FAILED", "Sold out.")
