"""Editing, testing and publishing drafts through the API. A refused mutation changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from resolvers.global_ids import global_id
from tests.support.api_server import Api
from tests.support.demo_workflow import publish_clinic
from tests.support.graphql_calls import (
    CREATE_AGENT,
    CREATE_TOOL,
    CREATE_WORKFLOW,
    DELETE_AGENT,
    END,
    ERROR_FIELDS,
    GREETER,
    PUBLISH,
    SEND,
    START,
    UPDATE_AGENT,
    all_rows,
    mutate,
)

pytestmark = pytest.mark.anyio


async def test_a_team_creates_a_workflow_from_scratch(api: Api) -> None:
    made = await mutate(api, CREATE_AGENT, **GREETER)
    assert made == {
        "__typename": "CreateAgentSuccess",
        "agent": {"id": made["agent"]["id"], "name": "greeter", "revision": 1, "tools": []},
    }
    listed = {"name": "size", "type": "string", "description": "How big.", "required": True}
    tool = await mutate(
        api,
        CREATE_TOOL,
        name="note_size",
        description="Notes the size.",
        parametersList=[listed],
        actions=[{"contextSet": {"path": "workflow.size", "value": "{{params.size}}"}}],
    )
    assert "tool" in tool, tool
    assert tool["tool"]["parameters"]["required"] == ["size"]
    id = made["agent"]["id"]
    changed = await mutate(api, UPDATE_AGENT, id=id, expectedRevision=1, tools=["note_size"])
    assert changed["agent"]["revision"] == 2
    nodes = [{"id": "start", "agent": "greeter", "isEntry": True, "isExit": True}]
    workflow = await mutate(api, CREATE_WORKFLOW, slug="hello", nodes=nodes)
    id = workflow["workflow"]["id"]
    published = await mutate(api, PUBLISH, id=id, expectedRevision=1, note="first")
    assert "version" in published, published
    assert published["version"]["number"] == 1
    call = await mutate(api, START, workflow={"slug": "hello"}, userContext={"name": "Ann"})
    assert call["call"]["state"] == "PENDING"
    ended = await mutate(api, END, callId=call["call"]["id"])
    assert ended["call"]["endReason"] == "CANCELED"


async def test_omitted_fields_of_an_update_stay_and_null_clears(api: Api) -> None:
    made = await mutate(api, CREATE_AGENT, **GREETER, description="Kind.")
    id = made["agent"]["id"]
    kept = await mutate(api, UPDATE_AGENT, id=id, expectedRevision=1, name="host")
    assert (kept["agent"]["name"], kept["agent"]["description"]) == ("host", "Kind.")
    cleared = await mutate(api, UPDATE_AGENT, id=id, expectedRevision=2, description=None)
    assert cleared["agent"]["description"] is None


async def test_concurrent_edits_do_not_overwrite_each_other(api: Api) -> None:
    id = (await mutate(api, CREATE_AGENT, **GREETER))["agent"]["id"]
    edits = [
        mutate(api, UPDATE_AGENT, id=id, expectedRevision=1, description=f"by {n}")
        for n in range(8)
    ]
    answers = await asyncio.gather(*edits)
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["RevisionConflict"] * 7 + ["UpdateAgentSuccess"]
    conflict = next(a for a in answers if a["__typename"] == "RevisionConflict")
    assert conflict["current"] == 2


async def test_drafts_in_use_are_not_deleted(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    agents = await api.execute("{ agents { edges { node { id name } } } }")
    ids = {e["node"]["name"]: e["node"]["id"] for e in agents["data"]["agents"]["edges"]}
    before = await all_rows(settings)
    refused = await mutate(api, DELETE_AGENT, id=ids["booking"])
    assert (refused["__typename"], refused["usedBy"]) == ("InUse", ["clinic"])
    assert await all_rows(settings) == before


TRY = f"""mutation ($input: TestToolInput!) {{ testTool(input: $input) {{
  __typename ... on TestToolSuccess {{ ending result context
    steps {{ place type ok problem effect }} }} {ERROR_FIELDS} }} }}"""


async def test_a_tool_is_tested_with_stubs(api: Api, settings: Settings) -> None:
    ask = {
        "url": "https://api.example.org/orders",
        "method": "POST",
        "headers": {"Authorization": "Bearer {{secret.token}}"},
        "body": {"slot": "{{params.slot}}"},
        "save": {"workflow.order": "body.id"},
    }
    again = {"condition": "response.status == 201", "then": [{"flagSet": {"flag": "ordered"}}]}
    made = await mutate(
        api,
        CREATE_TOOL,
        name="order",
        description="Orders.",
        parametersList=[{"name": "slot", "type": "string", "required": True}],
        actions=[{"apiCall": ask}, {"conditional": again}],
        onFailure=[{"respond": {"message": "Not now."}}],
    )
    id = made["tool"]["id"]
    before = await all_rows(settings)
    stub = {"status": 201, "body": {"id": "o-1"}}
    tried = await mutate(api, TRY, id=id, arguments={"slot": "ten"}, stubs=[stub])
    assert (tried["ending"], tried["result"]) == ("SUCCEEDED", '{"id": "o-1"}')
    assert tried["context"] == {
        "workflow": {"order": "o-1"},
        "flags": {"ordered": True},
        "agent": {},
    }
    assert [step["type"] for step in tried["steps"]] == ["api_call", "conditional", "flag.set"]
    assert tried["steps"][0]["effect"]["body"] == {"id": "o-1"}
    failed = await mutate(api, TRY, id=id, arguments={"slot": "ten"}, stubs=[{"status": 500}])
    assert (failed["ending"], failed["result"]) == ("FAILED", "Not now.")
    refused = await mutate(api, TRY, id=id, arguments={})
    assert (refused["ending"], refused["steps"]) == ("REFUSED", [])
    wrong = await mutate(api, TRY, id=id, context={"secret": {}})
    assert wrong["path"] == ["input", "context"]
    assert await all_rows(settings) == before


ASK = {
    "name": "account",
    "prompt": "Your number?",
    "min": 4,
    "max": 6,
    "saveTo": "workflow.account",
}
ASK_PIN = {"name": "pin", "prompt": "Your PIN?", "count": 4, "masked": True}
READ_DIGITS = """{ tool(by: {name: "pay"}) { actions { ... on CollectDigitsAction {
  name prompt retryPrompt count min max terminator allowed firstKeyTimeout nextKeyTimeout
  attempts masked saveTo } } } }"""


async def test_a_tool_that_collects_digits_is_created_read_and_tested(
    api: Api, settings: Settings
) -> None:
    pay = {
        "url": "https://bank.example.org/pay",
        "method": "POST",
        "body": {"pin": "{{masked.pin}}"},
    }
    spec: dict[str, Any] = {"name": "pay", "description": "Pays."}
    actions = [{"collectDigits": ASK}, {"collectDigits": ASK_PIN}, {"apiCall": pay}]
    before = await all_rows(settings)
    saved = [{"collectDigits": {**ASK_PIN, "saveTo": "workflow.pin"}}]
    refused = await mutate(api, CREATE_TOOL, **spec, actions=saved)
    assert refused["path"] == ["input", "actions", "0", "collectDigits", "saveTo"]
    assert await all_rows(settings) == before
    made = await mutate(api, CREATE_TOOL, **spec, actions=actions)
    read = (await api.execute(READ_DIGITS))["data"]["tool"]["actions"]
    defaults = {
        "retryPrompt": "",
        "terminator": "#",
        "allowed": "0123456789*#",
        "firstKeyTimeout": "PT8S",
        "nextKeyTimeout": "PT3S",
        "attempts": 3,
    }
    assert read == [
        {**defaults, **ASK, "count": None, "masked": False},
        {**defaults, **ASK_PIN, "min": None, "max": None, "saveTo": ""},
        {},
    ]
    stub = {"body": {"said": "8402 is right", "id": "r-1"}}
    id = made["tool"]["id"]
    tried = await mutate(api, TRY, id=id, stubs=[stub], digits=["1", "4711", "8402"])
    assert (tried["ending"], tried["context"]["workflow"]) == ("SUCCEEDED", {"account": "4711"})
    assert [step["effect"] for step in tried["steps"][:2]] == [
        {"attempts": 2, "masked": False, "digits": "4711"},
        {"attempts": 1, "masked": True, "count": 4},
    ]
    assert "8402" not in str(tried)
    silent = await mutate(api, TRY, id=id, stubs=[stub])
    assert (silent["ending"], silent["result"]) == ("FAILED", "The caller pressed no key.")


async def test_a_workflow_with_errors_is_not_published(api: Api, settings: Settings) -> None:
    nodes = [{"id": "start", "agent": "nobody", "isEntry": True}]
    made = await mutate(api, CREATE_WORKFLOW, slug="broken", nodes=nodes)
    before = await all_rows(settings)
    refused = await mutate(api, PUBLISH, id=made["workflow"]["id"], expectedRevision=1)
    assert refused["__typename"] == "NotPublishable"
    assert {f["severity"] for f in refused["findings"]} == {"ERROR"}
    assert any("nobody" in f["message"] for f in refused["findings"])
    assert await all_rows(settings) == before


WRONG: dict[str, tuple[str, dict[str, Any], str, list[str]]] = {
    "an unknown workflow": (
        START,
        {"workflow": {"slug": "nothing"}},
        "WorkflowNotFound",
        ["input", "workflow"],
    ),
    "a draft": (START, {"workflow": {"slug": "draft"}}, "WorkflowNotPublished", ["input"]),
    "an idempotency key that is too long": (
        START,
        {"workflow": {"slug": "clinic"}, "idempotencyKey": "k" * 300},
        "ValidationError",
        ["input", "idempotencyKey"],
    ),
    "user context that is no object": (
        START,
        {"workflow": {"slug": "clinic"}, "userContext": [1]},
        "ValidationError",
        ["input", "userContext"],
    ),
    "a call that is too short": (
        START,
        {"workflow": {"slug": "clinic"}, "maxDuration": "PT0S"},
        "ValidationError",
        ["input", "maxDuration"],
    ),
    "an empty message": (
        SEND,
        {"callId": "OPEN", "text": "  "},
        "ValidationError",
        ["input", "text"],
    ),
    "a message of nine thousand characters": (
        SEND,
        {"callId": "OPEN", "text": "x" * 9_000},
        "ValidationError",
        ["input", "text"],
    ),
    "a message to a call that has ended": (
        SEND,
        {"callId": "ENDED", "text": "hello?"},
        "CallHasEnded",
        ["input", "callId"],
    ),
    "a message with an id of something else": (
        SEND,
        {"callId": global_id("Agent", UUID(int=1)), "text": "hi"},
        "NotFoundError",
        ["input", "callId"],
    ),
    "a message with no id at all": (
        SEND,
        {"callId": "%%%", "text": "hi"},
        "NotFoundError",
        ["input", "callId"],
    ),
    "a name in use": (
        CREATE_AGENT,
        GREETER | {"name": "booking"},
        "NameTaken",
        ["input", "name"],
    ),
    "a name with spaces": (
        CREATE_AGENT,
        GREETER | {"name": "not a name"},
        "ValidationError",
        ["input", "name"],
    ),
    "a template that reads what is not there": (
        CREATE_TOOL,
        {
            "name": "t",
            "description": "T.",
            "actions": [{"contextSet": {"path": "workflow.x", "value": "{{parameters.x}}"}}],
        },
        "ValidationError",
        ["input", "actions", "0", "contextSet", "value"],
    ),
    "a tool with parameters that are no schema": (
        CREATE_TOOL,
        {
            "name": "t",
            "description": "T.",
            "parameters": {"type": "elephant"},
            "actions": [{"endCall": True}],
        },
        "ValidationError",
        ["input", "parameters"],
    ),
    "a path that cannot be written": (
        CREATE_TOOL,
        {
            "name": "t",
            "description": "T.",
            "actions": [{"contextSet": {"path": "..", "value": 1}}],
        },
        "ValidationError",
        ["input", "actions", "0", "contextSet", "path"],
    ),
}


async def test_a_refused_mutation_gives_the_reason_and_changes_nothing(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    await mutate(api, CREATE_AGENT, **GREETER)
    nodes = [{"id": "start", "agent": "greeter", "isEntry": True}]
    await mutate(api, CREATE_WORKFLOW, slug="draft", nodes=nodes)
    opened = await mutate(api, START, workflow={"slug": "clinic"})
    over = await mutate(api, START, workflow={"slug": "clinic"})
    await mutate(api, END, callId=over["call"]["id"])
    known = {"OPEN": opened["call"]["id"], "ENDED": over["call"]["id"]}
    before = await all_rows(settings)
    surprises = []
    for name, (document, given, kind, path) in WRONG.items():
        if "callId" in given:
            given = {**given, "callId": known.get(given["callId"], given["callId"])}
        answer = await api.execute(document, variables={"input": given})
        [reported] = (answer.get("data") or {"": answer}).values()
        reported = reported or answer
        if reported.get("__typename") != kind or reported.get("path", [])[: len(path)] != path:
            surprises.append((name, reported))
        assert await all_rows(settings) == before, name
    assert not surprises, "\n".join(map(str, surprises))


async def test_text_that_cannot_be_stored_is_refused_at_the_edge(
    api: Api, settings: Settings
) -> None:
    before = await all_rows(settings)
    given = GREETER | {"prompt": {"system": "a\x00b"}}
    answer = await api.execute(CREATE_AGENT, variables={"input": given})
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": "BAD_USER_INPUT",
        "path": ["input", "prompt", "system"],
        "docs": "/docs/api#bad_user_input",
    }
    literal = await api.execute('{ agent(by: {name: "a\\u0000b"}) { id } }')
    assert literal["errors"][0]["extensions"] == {
        "code": "BAD_USER_INPUT",
        "docs": "/docs/api#bad_user_input",
    }
    written_out = await api.execute('{ agent(by: {name: "a\\\\u0000b"}) { id } }')
    assert written_out["data"] == {"agent": None}
    half = GREETER | {"prompt": {"system": "\ud800"}}
    answer = await api.execute(CREATE_AGENT, variables={"input": half})
    assert answer["errors"][0]["extensions"] == {
        "code": "BAD_REQUEST",
        "docs": "/docs/api#bad_request",
    }
    assert await all_rows(settings) == before
