"""The interruption settings of agents in the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.workflows.agents import Session
from domain.workflows.interruptions import Interruption
from domain.workflows.model import Snapshot
from persistence.codec import snapshot_from_json, snapshot_to_json
from tests.support.api_server import Api
from tests.support.demo_workflow import BOOKING, CLINIC, RECEPTION
from tests.support.graphql_calls import ERROR_FIELDS, LLM, mutate

pytestmark = pytest.mark.anyio

FIELDS = (
    "session { interruption { by minWords minDuration ignore always resumeDelay } maxEndpointing }"
)
CREATE = f"""mutation ($input: CreateAgentInput!) {{ createAgent(input: $input) {{ __typename
  ... on CreateAgentSuccess {{ agent {{ id revision {FIELDS} }} }} {ERROR_FIELDS} }} }}"""
UPDATE = f"""mutation ($input: UpdateAgentInput!) {{ updateAgent(input: $input) {{ __typename
  ... on UpdateAgentSuccess {{ agent {{ revision {FIELDS} }} }} {ERROR_FIELDS} }} }}"""
EXPORT = "{ exportBundle { json } }"

AGENT = {"name": "reception", "prompt": {"system": "Answer."}, "llm": LLM}
DEFAULTS = {
    "by": "WORDS",
    "minWords": 1,
    "minDuration": "PT0.5S",
    "ignore": None,
    "always": None,
    "resumeDelay": "PT2S",
}
OWN = {
    "by": "SOUND",
    "minWords": 3,
    "minDuration": "PT0.25S",
    "ignore": ["mhm", "carry on"],
    "always": [],
    "resumeDelay": None,
}
OWN_IN_BUNDLE = {
    "by": "SOUND",
    "minWords": 3,
    "minSeconds": 0.25,
    "ignore": ["mhm", "carry on"],
    "always": [],
    "resumeAfter": None,
}


async def test_an_agent_has_the_defaults_unless_it_is_given_others(api: Api) -> None:
    created = (await mutate(api, CREATE, **AGENT))["agent"]
    assert created["session"]["interruption"] == DEFAULTS
    known = {"id": created["id"], "expectedRevision": 1}
    changed = (await mutate(api, UPDATE, **known, session={"interruption": OWN}))["agent"]
    assert changed == {"revision": 2, "session": {"interruption": OWN, "maxEndpointing": 3.0}}
    known["expectedRevision"] = 2
    kept = (await mutate(api, UPDATE, **known, languages=["en"]))["agent"]
    assert kept["session"]["interruption"] == OWN
    known["expectedRevision"] = 3
    partly = {"interruption": {"minWords": 2}}
    patched = (await mutate(api, UPDATE, **known, session=partly))["agent"]
    assert patched["session"]["interruption"] == OWN | {"minWords": 2}


async def test_an_export_has_what_differs_from_the_defaults(api: Api) -> None:
    await mutate(api, CREATE, **AGENT, session={"interruption": OWN})
    [agent] = (await api.execute(EXPORT))["data"]["exportBundle"]["json"]["agents"]
    assert agent["session"] == {"interruption": OWN_IN_BUNDLE}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"minWords": 0}, ["minWords"]),
        ({"minDuration": "PT3.5S"}, ["minDuration"]),
        ({"resumeDelay": "PT0.1S"}, ["resumeDelay"]),
        ({"ignore": ["okay", "Okay."]}, ["ignore", "1"]),
        ({"ignore": ["stop"], "always": ["stop"]}, ["always", "0"]),
    ],
)
async def test_settings_outside_their_range_change_nothing(
    api: Api, wrong: dict[str, Any], path: list[str]
) -> None:
    created = (await mutate(api, CREATE, **AGENT, session={"interruption": OWN}))["agent"]
    known = {"id": created["id"], "expectedRevision": 1}
    refused = await mutate(api, UPDATE, **known, session={"interruption": wrong})
    assert refused["code"] == "INVALID_INPUT"
    assert refused["path"] == ["input", "session", "interruption", *path]
    unchanged = (await mutate(api, UPDATE, **known))["agent"]
    assert unchanged["session"]["interruption"] == OWN


def test_versions_without_interruption_settings_keep_their_checksums() -> None:
    before = Snapshot(
        workflow=CLINIC, agents={"reception": RECEPTION, "booking": BOOKING}, tools={}
    )
    plain, checksum = snapshot_to_json(before)
    assert all("interruption" not in agent["session"] for agent in plain["agents"].values())
    assert snapshot_from_json(plain) == before
    counted = replace(RECEPTION, session=Session(interruption=Interruption(min_words=3)))
    changed = replace(before, agents={**before.agents, "reception": counted})
    with_it, other = snapshot_to_json(changed)
    assert other != checksum
    assert snapshot_from_json(with_it) == changed
