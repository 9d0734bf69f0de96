"""External effects of tools happen once, whichever worker holds the call, under stable keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.calls.events import CallEvent, ToolFinished, ToolOutcome, ToolStarted, TurnMeasured
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tool_execution.mcp import McpConnection, McpFailed, call_tool
from domain.tools.actions import ApiCall, Method, Respond
from domain.tools.http import HttpFailed, HttpRequest, HttpResponse
from domain.tools.model import ToolSpec
from domain.use_cases.agents import create_agent
from domain.use_cases.calls import CallRequest, send_message, start_call
from domain.use_cases.tools import create_tool
from domain.use_cases.workflows import create_workflow, publish_workflow
from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice
from domain.workflows.model import Node, WorkflowSpec
from local.emulators.http_server import run_server
from local.emulators.llm import KEY, ScriptedReply, run_llm_emulator
from persistence.worker_wiring import worker_services
from tests.support.demo_workflow import publish_clinic
from tests.worker.test_text_calls import running_worker, started, watch

pytestmark = pytest.mark.anyio

PARAMETERS = {"type": "object", "properties": {"item": {"type": "string"}}}
LEASE = 1.0


@dataclass(slots=True)
class OrderServer:
    """A server that records requests: paths, bodies and keys."""

    asked: list[tuple[str, Any, str]] = field(default_factory=list)
    before_first: Callable[[], Awaitable[Any]] | None = None
    """Called during the first request."""

    @property
    def keys(self) -> list[str]:
        return [key for _, _, key in self.asked]


@asynccontextmanager
async def order_server() -> AsyncIterator[tuple[OrderServer, str]]:
    state = OrderServer()

    async def answer(request: Request) -> JSONResponse:
        body = json.loads(await request.body() or b"null")
        state.asked.append((request.url.path, body, request.headers["idempotency-key"]))
        if len(state.asked) == 1 and state.before_first is not None:
            await state.before_first()
        return JSONResponse({"ok": True})

    async with run_server(Starlette(routes=[Route("/{path}", answer, methods=["POST"])])) as url:
        yield state, url


def tool(url: str, *paths: str) -> ToolSpec:
    asks = tuple(
        ApiCall(url=f"{url}/{path}", method=Method.POST, body={"item": "{{params.item}}"})
        for path in paths
    )
    return ToolSpec(
        name="add",
        description="Adds something.",
        parameters=PARAMETERS,
        actions=(*asks, Respond(message="Added {{params.item}}.")),
    )


async def run_conversation(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    spec: ToolSpec,
    url: str,
    *says: ScriptedReply,
) -> tuple[list[CallEvent], list[dict[str, Any]]]:
    """Send one message to an agent with these replies; returns the events and the requests to its model."""
    await create_tool(services, viewer, spec)
    llm = ProviderChoice(provider="openai", model="gpt-4.1-mini")
    agent = AgentSpec(name="desk", prompt=Prompt(system="You add."), llm=llm, tools=("add",))
    await create_agent(services, viewer, agent)
    nodes = (Node(id="desk", agent="desk", is_entry=True, is_exit=True),)
    made = await create_workflow(services, viewer, WorkflowSpec(name="desk", nodes=nodes))
    await publish_workflow(services, viewer, made.id, made.revision, None)
    async with run_llm_emulator() as emulator:
        emulator.script = list(says)
        own = replace(
            settings,
            openai_api_key=KEY,
            openai_base_url=f"{emulator.url}/openai",
            outbound_allow=url.removeprefix("http://"),
        )
        async with running_worker(own):
            call = await start_call(services, viewer, CallRequest(workflow_name="desk"))
            await send_message(services, viewer, call.id, "go on", None)
            events = await watch(services, viewer, call.id, TurnMeasured, timeout_seconds=60)
    return events, emulator.requests


ADD = ("add", {"item": "pizza"})
TWINS = {
    "the same twice": ScriptedReply("", (ADD, ADD)),
    "the same twice, with one id": ScriptedReply("", (ADD, ADD), tool_call_id="dup"),
    "two things with one id": ScriptedReply(
        "", (ADD, ("add", {"item": "pasta"})), tool_call_id="dup"
    ),
}


@pytest.mark.parametrize("answer", TWINS.values(), ids=TWINS)
async def test_two_calls_of_one_tool_in_one_reply_both_run(
    services: Services, settings: Settings, viewer: Viewer, answer: ScriptedReply
) -> None:
    items = sorted(arguments["item"] for _, arguments in answer.tool_calls)
    async with order_server() as (server, url):
        events, asked = await run_conversation(
            services,
            settings,
            viewer,
            tool(url, "orders"),
            url,
            answer,
            ScriptedReply("Both are in."),
        )
    assert sorted(body["item"] for _, body, _ in server.asked) == items
    assert len(set(server.keys)) == 2
    begun = [e for e in events if isinstance(e, ToolStarted)]
    done = [e for e in events if isinstance(e, ToolFinished)]
    assert sorted(e.arguments["item"] for e in begun) == items
    assert sorted(e.result for e in done) == [f"Added {item}." for item in items]
    ids = {e.tool_call_id for e in begun}
    assert len(ids) == 2
    assert {e.tool_call_id for e in done} == ids
    # The model receives each result, in our wording only.
    reported = [m for m in asked[-1]["messages"] if m["role"] == "tool"]
    assert {m["tool_call_id"] for m in reported} == ids
    assert sorted(m["content"] for m in reported) == [f"Added {item}." for item in items]
    assert "lk_agents" not in json.dumps(asked)


async def test_a_repeated_tool_call_id_is_replaced(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    once = ScriptedReply("", (ADD,), tool_call_id="call_0")
    async with order_server() as (_, url):
        events, _ = await run_conversation(
            services, settings, viewer, tool(url, "orders"), url, once, once, ScriptedReply("Done.")
        )
    assert len({e.tool_call_id for e in events if isinstance(e, ToolStarted)}) == 2


async def test_a_fenced_worker_sends_no_requests_and_its_successor_uses_the_same_keys(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    """The call is released during the first of two requests; the next worker cannot
    know whether it was processed, and its model calls the tool again."""
    db = await asyncpg.connect(settings.database_url)

    async def release_call() -> None:
        await db.execute("delete from worker_process")
        await db.execute("update call_log set worker_id = null, epoch = epoch + 1")
        await asyncio.sleep(2 * LEASE)  # the lease has expired

    use = ScriptedReply("", (ADD,))
    async with order_server() as (server, url):
        server.before_first = release_call
        events, _ = await run_conversation(
            services,
            replace(settings, lease_seconds=LEASE, heartbeat_seconds=LEASE / 2),
            viewer,
            tool(url, "orders", "bills"),
            url,
            use,
            use,
            ScriptedReply("Done."),
        )
    await db.close()
    outcomes = [e.outcome for e in events if isinstance(e, ToolFinished)]
    assert outcomes == [ToolOutcome.UNKNOWN, ToolOutcome.SUCCEEDED]
    assert [path for path, _, _ in server.asked] == ["/orders", "/orders", "/bills"]
    first, again, bill = server.keys
    assert first == again
    assert first.removesuffix(".actions.0") == bill.removesuffix(".actions.1")


async def test_a_tool_call_that_timed_out_is_repeated_under_its_key(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    use = ScriptedReply("", (ADD,))
    async with order_server() as (server, url):
        server.before_first = asyncio.Event().wait  # forever
        spec = replace(tool(url, "orders"), timeout=4.0)
        events, _ = await run_conversation(
            services, settings, viewer, spec, url, use, use, ScriptedReply("Done.")
        )
    outcomes = [e.outcome for e in events if isinstance(e, ToolFinished)]
    assert outcomes == [ToolOutcome.UNKNOWN, ToolOutcome.SUCCEEDED]
    first, again = server.keys
    assert first == again


async def test_an_expired_lease_is_checked_with_the_database(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    """As after a freeze, of which this process does not know."""
    await publish_clinic(services, viewer)
    await started(services, viewer)
    async with worker_services(replace(settings, lease_seconds=0.2)) as worker:
        id = await worker.queue.register_worker(1)
        [claim] = await worker.queue.claim(id, 1)
        worker.event_writer.open(claim)
        await asyncio.sleep(0.3)
        asked_at = await worker.reaper.database_time()
        assert await worker.event_writer.holds_lease(claim)
        # The check renews the lease, so the worker is not declared dead meanwhile.
        assert await worker.reaper.reap_dead_workers(asked_at) == 0
        await asyncio.sleep(0.3)
        assert await worker.reaper.reap_dead_workers(await worker.reaper.database_time()) == 1
        assert not worker.event_writer.is_fenced(claim), "it does not know yet"
        assert not await worker.event_writer.holds_lease(claim)
        assert worker.event_writer.is_fenced(claim)


async def test_a_message_is_answered_while_another_call_cannot_be_claimed(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    db = await asyncpg.connect(settings.database_url)
    async with running_worker(settings):
        call = await started(services, viewer)
        await send_message(services, viewer, call.id, "hello", None)
        await watch(services, viewer, call.id, TurnMeasured)
        async with db.transaction():
            # A claim checks the registration of its worker, and waits here.
            await db.execute("lock table worker_process in exclusive mode")
            await started(services, viewer)
            await send_message(services, viewer, call.id, "hello again", None)
            await watch(services, viewer, call.id, TurnMeasured, 2, timeout_seconds=60)
    await db.close()


@pytest.mark.parametrize("fails", [False, True])
async def test_a_session_at_an_mcp_server_is_ended(fails: bool) -> None:
    asked: list[tuple[str, str | None]] = []

    async def send(request: HttpRequest) -> HttpResponse:
        session = request.headers.get("Mcp-Session-Id")
        asked.append((request.method, session))
        if request.method == "DELETE":
            raise HttpFailed("timeout")  # A server that does not answer this delays nothing else.
        message = json.loads(request.body or b"")
        refused = {"error": {"message": "No."}}
        result = refused if fails and session else {"result": {}}
        body = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), **result})
        return HttpResponse(200, {"mcp-session-id": "s1"}, body.encode(), 1.0)

    connection = McpConnection(url="https://a.example", headers={}, send=send)
    if fails:
        with pytest.raises(McpFailed, match="No"):
            await call_tool(connection, "book", {})
    else:
        await call_tool(connection, "book", {})
    assert asked == [("POST", None), ("POST", "s1"), ("POST", "s1"), ("DELETE", "s1")]


async def test_only_tools_call_requests_to_mcp_servers_carry_a_key() -> None:
    asked: list[tuple[str, str | None]] = []

    async def send(request: HttpRequest) -> HttpResponse:
        message = json.loads(request.body or b"")
        asked.append((message["method"], request.headers.get("Idempotency-Key")))
        body = {"jsonrpc": "2.0", "id": message.get("id"), "result": {"content": []}}
        return HttpResponse(200, {}, json.dumps(body).encode(), 1.0)

    given = {"Idempotency-Key": "of the settings"}
    await call_tool(
        McpConnection(url="https://a.example", headers={}, send=send, idempotency_key="k"),
        "book",
        {},
    )
    await call_tool(
        McpConnection(url="https://a.example", headers=given, send=send, idempotency_key="k"),
        "book",
        {},
    )
    assert asked[:3] == [
        ("initialize", None),
        ("notifications/initialized", None),
        ("tools/call", "k"),
    ]
    assert asked[-1] == ("tools/call", "k")
