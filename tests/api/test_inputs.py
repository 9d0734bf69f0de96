"""Inputs of mutations: all problems in one answer, patches at any depth, tools that are read and written
in the same form, and durations under their new and their old names."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.common.access import Viewer
from domain.common.lists import Position
from domain.common.settings import Settings
from domain.ports import Services
from resolvers.pagination import encode_position
from tests.support.api_server import Api
from tests.support.demo_workflow import publish_clinic
from tests.support.graphql_calls import GREETER, LLM, all_rows, mutate

pytestmark = pytest.mark.anyio

PROBLEMS = "... on Error { code message path } ... on ValidationError { problems { code path } }"
AGENT = """agent { id revision prompt { system greeting interruptibleGreeting variables { name } }
  llm { provider model options fallbacks { provider } }
  session { minEndpointingDelay minEndpointing disconnectAfter timeLimit
    silence { delay after say } interruption { minWords minDuration resumeDelay } } }"""
TOOL = "tool { id revision definition timeLimit timeout }"
SETTINGS = """settings { revision budgets { concurrentCalls minutesPerMonth spendPerCall }
  defaults { language llm { provider model } } allowedHours { start end timeZone } }"""
NUMBER = "phoneNumber { id }"
TRUNK = "trunk { id revision limits { callsPerSecond callsPerDay minutesPerDay } }"
WORKFLOW = "workflow { id revision recording { enabled announcement } }"
CALL = "call { id }"


async def send(api: Api, name: str, selection: str, /, **fields: Any) -> Any:
    kind = f"{name[0].upper()}{name[1:]}"
    document = f"""mutation ($input: {kind}Input!) {{ {name}(input: $input) {{
      ... on {kind}Success {{ {selection} }} {PROBLEMS} }} }}"""
    return await mutate(api, document, **fields)


def reported(refused: Any) -> dict[str, str]:
    """The codes of the problems by their paths, without the argument."""
    assert [problem["path"][0] for problem in refused["problems"]] == ["input"] * len(
        refused["problems"]
    )
    assert refused["path"] == refused["problems"][0]["path"]
    return {"/".join(each["path"][1:]): each["code"] for each in refused["problems"]}


INVALID = "INVALID_INPUT"
BROKEN: dict[str, tuple[str, str, dict[str, Any], dict[str, str]]] = {
    "an agent": (
        "createAgent",
        AGENT,
        {
            "name": "Not A Name",
            "prompt": {"greeting": "{{nope.x}}", "interruptibleGreeting": None},
            "llm": {"provider": "", "options": ["no object"]},
            "session": {"minEndpointingDelay": "PT99S", "silence": [{"say": "Hm?"}]},
            "tools": ["a", "a"],
        },
        {
            "prompt/interruptibleGreeting": INVALID,
            "prompt/system": INVALID,
            "llm/options": INVALID,
            "session/silence/0/delay": INVALID,
            "name": INVALID,
            "prompt/greeting": INVALID,
            "llm/provider": INVALID,
            "session/minEndpointingDelay": INVALID,
            "session/maxEndpointing": INVALID,
            "tools/1": INVALID,
        },
    ),
    "a tool": (
        "createTool",
        TOOL,
        {
            "name": "Not A Name",
            "description": "",
            "parameters": {"type": "string"},
            "actions": [
                {"endCall": False},
                {"conditional": {"condition": "1 +", "then": [{"apiCall": {"headers": "x"}}]}},
                {"mcpCall": {"server": "crm", "tool": "t", "timeLimit": "PT10M"}},
            ],
            "timeLimit": "PT5M",
            "timeout": 5,
        },
        {
            "parameters": INVALID,
            "actions/0/endCall": INVALID,
            "actions/1/conditional/then/0/apiCall/headers": INVALID,
            "name": INVALID,
            "description": INVALID,
            "timeLimit": INVALID,
            "actions/1/conditional/condition": INVALID,
            "actions/1/conditional/then/0/apiCall/url": INVALID,
            "actions/2/mcpCall/timeLimit": INVALID,
        },
    ),
    "a workflow": (
        "createWorkflow",
        WORKFLOW,
        {
            "slug": "Not A Slug",
            "nodes": [{"id": "A", "agent": "B", "onEntry": "TRANSFER_CALL"}],
            "connections": [{"source": "a", "target": "b", "mayRepeat": 0, "condition": "("}],
            "recording": {"enabled": None, "announcement": ""},
        },
        {
            "recording/enabled": INVALID,
            "slug": INVALID,
            "nodes/0/id": INVALID,
            "nodes/0/agent": INVALID,
            "nodes/0/transfer": INVALID,
            "connections/0/condition": INVALID,
            "connections/0/mayRepeat": INVALID,
            "recording/announcement": INVALID,
        },
    ),
    "the settings": (
        "updateSettings",
        SETTINGS,
        {
            "expectedRevision": 0,
            "endpoints": [{"name": "X", "url": "ftp://x", "headers": [1]}],
            "values": "text",
            "budgets": {"concurrentCalls": -1},
            "allowedHours": {"start": "8", "timeZone": "Mars/Olympus"},
        },
        {
            "endpoints/0/headers": INVALID,
            "values": INVALID,
            "allowedHours/start": INVALID,
            "allowedHours/end": INVALID,
            "endpoints/0/name": INVALID,
            "endpoints/0/url": INVALID,
            "budgets/concurrentCalls": INVALID,
            "allowedHours/timeZone": INVALID,
        },
    ),
    "a telephone number": (
        "createPhoneNumber",
        NUMBER,
        {
            "number": "12",
            "workflowId": "clinic",
            "outboundTrunkId": "carrier",
            "defaults": {"userContext": "text", "language": "x"},
        },
        {
            "workflowId": "NOT_FOUND",
            "outboundTrunkId": "NOT_FOUND",
            "defaults/userContext": INVALID,
            "number": INVALID,
            "inboundTrunkId": INVALID,
            "defaults/language": INVALID,
        },
    ),
    "an outbound trunk": (
        "createOutboundTrunk",
        TRUNK,
        {
            "name": "Not A Name",
            "address": "sip:x",
            "region": "XX",
            "limits": {"callsPerDay": 0},
            "password": "with space",
        },
        {
            "name": INVALID,
            "address": INVALID,
            "region": INVALID,
            "limits/callsPerDay": INVALID,
            "password": INVALID,
            "username": INVALID,
        },
    ),
    "a call": (
        "startCall",
        CALL,
        {
            "workflow": {"slug": "nothing"},
            "userId": "",
            "metadata": [1],
            "maxDuration": "PT0S",
            "version": "clinic",
            "ringingTimeout": "PT20S",
        },
        {
            "metadata": INVALID,
            "version": "NOT_FOUND",
            "userId": INVALID,
            "maxDuration": INVALID,
            "ringingTimeout": INVALID,
            "workflow": "WORKFLOW_NOT_FOUND",
        },
    ),
    "a telephone call": (
        "startCall",
        CALL,
        {
            "workflow": {"slug": "nothing"},
            "kind": "SIP",
            "scheduledFor": "2999-01-01T00:00:00",
            "ringingTimeout": "PT1S",
            "allowedHours": {"start": "8", "end": "20:00"},
        },
        {
            "phoneNumber": INVALID,
            "scheduledFor": INVALID,
            "ringingTimeout": INVALID,
            "allowedHours/start": INVALID,
            "kind": INVALID,
            "workflow": "WORKFLOW_NOT_FOUND",
        },
    ),
    "a credential": (
        "setCredential",
        "credential { name }",
        {"provider": "nothing", "key": "", "label": "A B", "baseUrl": "ftp://x", "headers": [1]},
        {
            "headers": INVALID,
            "provider": INVALID,
            "key": INVALID,
            "label": INVALID,
            "baseUrl": INVALID,
        },
    ),
    "a secret": (
        "setSecret",
        "secret { name }",
        {"name": "Not A Name", "value": ""},
        {"name": INVALID, "value": INVALID},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_all_problems_of_an_input_are_reported_at_once_and_nothing_changes(
    api: Api, settings: Settings, what: str
) -> None:
    name, selection, fields, expected = BROKEN[what]
    before = await all_rows(settings)
    refused = await send(api, name, selection, **fields)
    assert (reported(refused), refused["code"]) == (expected, INVALID)
    assert await all_rows(settings) == before


async def test_a_single_unknown_id_is_not_found(api: Api) -> None:
    refused = await send(api, "startCall", CALL, workflow={"id": "clinic"})
    assert (refused["code"], refused["path"]) == ("WORKFLOW_NOT_FOUND", ["input", "workflow"])
    assert "problems" not in refused
    refused = await send(api, "createPhoneNumber", NUMBER, number="+12025550123", workflowId="x")
    assert reported(refused) == {"workflowId": "NOT_FOUND", "inboundTrunkId": INVALID}


async def test_the_objects_inside_an_agent_are_patched(api: Api) -> None:
    variables = [{"name": "user.name", "default": "you"}]
    prompt = {"system": "Greet.", "greeting": "Hello.", "variables": variables}
    silence = [{"delay": "PT4S", "say": "Hm?"}]
    session = {"silence": silence, "interruption": {"minWords": 3, "resumeDelay": None}}
    llm = {**LLM, "fallbacks": [{"provider": "openai", "model": "gpt-4.1-mini"}]}
    made = await send(
        api, "createAgent", AGENT, name="greeter", prompt=prompt, session=session, llm=llm
    )
    agent = made["agent"]
    assert agent["session"]["interruption"]["resumeDelay"] is None

    async def update(revision: int, **fields: Any) -> Any:
        changed = await send(
            api, "updateAgent", AGENT, id=agent["id"], expectedRevision=revision, **fields
        )
        assert "agent" in changed, changed
        return changed["agent"]

    changed = await update(1, prompt={"system": "Greet kindly."})
    assert changed == {
        **agent,
        "revision": 2,
        "prompt": {**agent["prompt"], "system": "Greet kindly."},
    }
    changed = await update(
        2,
        prompt={"greeting": None},
        session={"timeLimit": "PT10M", "interruption": {"minDuration": "PT0.25S"}},
        llm={"options": {}},
    )
    assert changed["prompt"]["greeting"] is None
    assert changed["prompt"]["variables"] == [{"name": "user.name"}]
    assert changed["session"] == {
        **agent["session"],
        "timeLimit": "PT600S",
        "interruption": {"minWords": 3, "minDuration": "PT0.25S", "resumeDelay": None},
    }
    assert changed["llm"] == {**agent["llm"], "options": {}}
    changed = await update(3, llm={"provider": "google"})
    fallbacks = [{"provider": "openai"}]
    assert changed["llm"] == {
        "provider": "google",
        "model": "",
        "options": {},
        "fallbacks": fallbacks,
    }
    assert (await update(4, llm=None))["llm"] is None
    refused = await send(
        api, "updateAgent", AGENT, id=agent["id"], expectedRevision=5, llm={"model": "gpt-4.1"}
    )
    assert reported(refused) == {"llm/provider": INVALID}


async def test_the_objects_inside_settings_trunks_and_workflows_are_patched(api: Api) -> None:
    first = {
        "budgets": {"concurrentCalls": 5, "spendPerCall": "1.5"},
        "defaults": {"language": "en-IN", "llm": {"provider": "openai", "model": "gpt-4.1"}},
        "allowedHours": {"start": "08:00", "end": "20:00", "timeZone": "Asia/Kolkata"},
    }
    await send(api, "updateSettings", SETTINGS, expectedRevision=0, **first)
    second = {
        "budgets": {"minutesPerMonth": 100, "spendPerCall": None},
        "defaults": {"llm": {"model": "gpt-4.1-mini"}},
        "allowedHours": {"end": "21:00"},
    }
    changed = await send(api, "updateSettings", SETTINGS, expectedRevision=1, **second)
    assert changed["settings"] == {
        "revision": 2,
        "budgets": {"concurrentCalls": 5, "minutesPerMonth": 100, "spendPerCall": None},
        "defaults": {"language": "en-IN", "llm": {"provider": "openai", "model": "gpt-4.1-mini"}},
        "allowedHours": {"start": "08:00", "end": "21:00", "timeZone": "Asia/Kolkata"},
    }
    trunk = {"name": "carrier", "address": "sip.example", "region": "US"}
    made = await send(
        api, "createOutboundTrunk", TRUNK, **trunk, limits={"callsPerDay": 9, "minutesPerDay": 60}
    )
    changed = await send(
        api,
        "updateOutboundTrunk",
        TRUNK,
        id=made["trunk"]["id"],
        expectedRevision=1,
        limits={"callsPerSecond": 2},
    )
    assert changed["trunk"]["limits"] == {
        "callsPerSecond": 2,
        "callsPerDay": 9,
        "minutesPerDay": 60,
    }
    recording = {"enabled": True, "announcement": "This call is recorded."}
    made = await send(api, "createWorkflow", WORKFLOW, slug="desk", recording=recording)
    changed = await send(
        api,
        "updateWorkflow",
        WORKFLOW,
        id=made["workflow"]["id"],
        expectedRevision=1,
        recording={"enabled": False},
    )
    assert changed["workflow"]["recording"] == {**recording, "enabled": False}


def nested(depth: int) -> dict[str, Any]:
    inside = [{"flagSet": {"flag": f"deep_{depth}"}}] if depth == 0 else [nested(depth - 1)]
    return {"conditional": {"condition": "flags.x", "then": inside, "otherwise": inside}}


EVERY_ACTION: list[dict[str, Any]] = [
    {"contextSet": {"path": "workflow.slot", "value": {"a": [None, 1.5]}}},
    {"contextGet": {"path": "workflow.slot"}},
    {"contextDelete": {"path": "workflow.slot"}},
    {"flagClear": {"flag": "x"}},
    {"respond": {"message": "Done."}},
    {"handoff": {"node": "desk"}},
    {
        "apiCall": {
            "url": "https://api.example/orders",
            "method": "POST",
            "headers": {"x-key": "{{secret.crm}}"},
            "body": {"id": "{{params.id}}"},
            "timeLimit": "PT2.5S",
            "save": {"workflow.order": "body.id"},
        }
    },
    {"mcpCall": {"server": "crm", "tool": "find", "timeLimit": "PT5S", "save": {}}},
    {"validate": {"rules": [{"condition": "flags.x", "message": "Not yet."}]}},
    {"transform": {"path": "workflow.n", "operation": "COUNT", "operand": [1, 2]}},
    {"transferCall": {"number": "+12025550123", "mode": "WARM", "ringingTimeout": "PT20S"}},
    {"sendDtmf": {"digits": "1w2"}},
    {
        "collectDigits": {
            "name": "pin",
            "count": 4,
            "saveTo": "workflow.pin",
            "firstKeyTimeout": "PT9S",
        }
    },
    {"endCall": True},
    nested(3),
]


async def test_a_tool_of_any_depth_is_written_as_it_was_read(api: Api) -> None:
    made = await send(
        api,
        "createTool",
        TOOL,
        name="everything",
        description="Does everything.",
        parametersList=[{"name": "id", "type": "string"}],
        actions=EVERY_ACTION,
        onFailure=[nested(0)],
        timeLimit="PT12S",
    )
    assert "tool" in made, made
    definition = made["tool"]["definition"]
    without_defaults = [
        each if "mcpCall" not in each else {"mcpCall": {**each["mcpCall"]}} for each in EVERY_ACTION
    ]
    del without_defaults[7]["mcpCall"]["save"]
    assert definition["actions"] == without_defaults
    assert (made["tool"]["timeLimit"], made["tool"]["timeout"]) == ("PT12S", 12.0)
    copy = await send(api, "createTool", TOOL, **{**definition, "name": "copy"})
    assert copy["tool"]["definition"] == {**definition, "name": "copy"}
    id = copy["tool"]["id"]
    less = {**definition, "name": "copy", "onFailure": []}
    changed = await send(api, "updateTool", TOOL, id=id, expectedRevision=1, **less)
    assert changed["tool"]["definition"] == less


async def test_a_duration_has_one_shape_and_its_old_name_still_works(api: Api) -> None:
    old = {
        "minEndpointing": 0.25,
        "autoDisconnect": 60,
        "silence": [{"after": 4.5, "say": "Hm?"}],
    }
    made = await send(api, "createAgent", AGENT, **GREETER, session=old)
    session = made["agent"]["session"]
    assert (session["minEndpointing"], session["minEndpointingDelay"]) == (0.25, "PT0.25S")
    assert session["disconnectAfter"] == "PT60S"
    assert session["silence"] == [{"delay": "PT4.5S", "after": 4.5, "say": "Hm?"}]
    id = made["agent"]["id"]
    both = {"minEndpointing": 1, "minEndpointingDelay": "PT1S", "autoDisconnect": 1}
    refused = await send(api, "updateAgent", AGENT, id=id, expectedRevision=1, session=both)
    assert reported(refused) == {
        "session/minEndpointingDelay": INVALID,
        "session/autoDisconnect": INVALID,
        "session/silence/0/after": INVALID,
    }
    wrong = {"disconnectAfter": "PT1S", "silence": []}
    refused = await send(api, "updateAgent", AGENT, id=id, expectedRevision=1, session=wrong)
    assert reported(refused) == {"session/disconnectAfter": INVALID}
    assert refused["message"] == "disconnectAfter must be between 5 and 3600 seconds."


@pytest.mark.parametrize("duration", ["P10001D", "PT999999999999H", f"PT{'9' * 400}S"])
async def test_a_duration_without_end_is_refused(api: Api, duration: str) -> None:
    document = "query ($filter: CallFilter) { calls(filter: $filter) { edges { cursor } } }"
    variables = {"filter": {"duration": {"min": duration}}}
    [error] = (await api.execute(document, variables=variables))["errors"]
    assert "The duration must not exceed 10,000 days." in error["message"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


REFUSED = {
    "{ agents(first: -1) { edges { cursor } } }": ["first"],
    "{ calls(first: 0) { edges { cursor } } }": ["first"],
    '{ calls(filter: {workflowId: "clinic"}) { edges { cursor } } }': ["filter", "workflowId"],
    '{ agent(by: {id: "reception"}) { id } }': ["by", "id"],
    '{ call(id: "clinic") { id } }': ["id"],
    '{ simulationFromCall(callId: "clinic") { yaml } }': ["callId"],
    '{ workflow(by: {slug: "clinic"}) { versions(first: -3) { edges { cursor } } } }': ["first"],
}


@pytest.mark.parametrize("document", REFUSED)
async def test_page_sizes_below_one_and_names_in_place_of_ids_are_refused(
    api: Api, services: Services, viewer: Viewer, document: str
) -> None:
    await publish_clinic(services, viewer)
    [error] = (await api.execute(document))["errors"]
    assert error["extensions"] == {
        "code": INVALID,
        "path": REFUSED[document],
        "docs": f"/docs/api#{INVALID.lower()}",
    }


async def test_a_page_is_refused_with_words_of_the_api(api: Api) -> None:
    said = []
    for argument in ("last: 0", 'after: "x"'):
        answer = await api.execute(f"{{ outboundTrunks({argument}) {{ edges {{ cursor }} }} }}")
        said.append(answer["errors"][0]["message"])
    assert said == [
        "last must be at least 1, not 0; omit it for 20.",
        "This is not a cursor of outboundTrunks.",
    ]


async def test_a_forged_cursor_of_versions_is_refused(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    document = """query ($after: Cursor) {
      workflow(by: {slug: "clinic"}) { versions(after: $after) { edges { cursor } } } }"""
    for number in (2**31, -(2**40)):
        forged = encode_position("versions", Position(number, UUID(int=7)))
        [error] = (await api.execute(document, variables={"after": forged}))["errors"]
        assert error["extensions"]["code"] == "INVALID_CURSOR"


async def test_a_name_in_place_of_the_id_of_a_key_is_refused(api: Api) -> None:
    refused = await send(api, "updateApiKey", "apiKey { id }", id="report", name="monthly report")
    assert (refused["code"], refused["path"]) == ("NOT_FOUND", ["input", "id"])
    assert refused["message"] == (
        "There is no such API key. Give an id as the API returns it in `id` of an API key, not a name "
        "or a slug."
    )


async def test_a_slug_in_the_filter_of_a_live_list_is_refused(api: Api) -> None:
    async with api.socket() as socket:
        query = 'subscription { calls(filter: {workflowId: "clinic"}) { __typename } }'
        await socket.send(type="subscribe", id="1", payload={"query": query})
        message = await socket.receive()
        while message["type"] == "next" and "errors" not in message["payload"]:
            message = await socket.receive()
    payload = message["payload"]
    [error] = payload if isinstance(payload, list) else payload["errors"]
    assert error["extensions"] == {
        "code": INVALID,
        "path": ["filter", "workflowId"],
        "docs": f"/docs/api#{INVALID.lower()}",
    }
