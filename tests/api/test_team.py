"""A team works in GraphiQL and with API keys, and members of it lose access in the middle of their work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from tests.support.api_server import Api, Socket
from tests.support.browsers import script_runner
from tests.support.graphql_calls import SEND
from tests.support.people import SignedIn, owner_at, until_ended
from tests.support.single_sign_on import running_installation
from tests.worker.test_text_calls import running_worker

pytestmark = pytest.mark.anyio

TURNS = """subscription ($callId: ID!) { callEvents(callId: $callId) {
  ... on UserTurn { text } ... on AgentTurn { text } } }"""
REVOKE = """mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) {
  __typename ... on Error { code message } } }"""


@pytest.fixture
async def pages(settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    """The API with the pages for people, and a worker."""
    async with running_installation(settings, viewer) as installation, running_worker(settings):
        yield installation.api


async def test_a_team_works_until_a_member_is_suspended_and_a_key_revoked(
    pages: Api, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    seen = await asyncio.to_thread(visit, "team.mjs", pages.url, pages.token)

    assert seen["built"] == ["CreateToolSuccess", "CreateAgentSuccess", "CreateWorkflowSuccess"]
    assert seen["role"] == "VIEWER"
    assert seen["refused"]["extensions"]["missing"] == ["CALLS_WRITE"]
    assert seen["sent"]["sendMessage"] == {"__typename": "SendMessageSuccess"}
    assert seen["turns"] == ["Good day.", "When do you open?", "We open at nine."]
    assert seen["suspended"]["suspendMember"] == {"__typename": "SuspendMemberSuccess"}
    assert seen["closed"] == "The API closed the subscription: 4401 Unauthorized"
    assert seen["outside"]["extensions"]["code"] == "UNAUTHENTICATED"
    assert (seen["link"], seen["requests"]) == ("/account", [])
    await watch_until_revoked(pages, seen["team"], seen["callId"])


async def watch_until_revoked(api: Api, keys: dict[str, str], call_id: str) -> None:
    """One key talks, and another one watches until it is revoked."""
    caller, screen = SignedIn(api, keys["caller"]), SignedIn(api, keys["screen"])
    async with screen.with_token.socket() as socket:
        await socket.subscribe("1", TURNS, callId=call_id)
        await until_heard(socket, "We open at nine.")
        await caller.run(SEND, callId=call_id, text="On Sunday, too?")
        await until_heard(socket, "On Sunday, too?")
        revoked = await owner_at(api).run(REVOKE, id=keys["screenId"])
        assert revoked == {"__typename": "RevokeApiKeySuccess"}
        assert await socket.wait_closed() == (4401, "Unauthorized")
    await until_ended(screen)
    sent = await caller.run(SEND, callId=call_id, text="Thank you.")
    assert sent["__typename"] == "SendMessageSuccess"


async def until_heard(socket: Socket, text: str) -> None:
    event: dict[str, Any] = {}
    while event.get("text") != text:
        event = (await socket.receive())["payload"]["data"]["callEvents"]
