"""The wording of spoken texts in the API: of agents and of the settings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api_server import Api
from tests.support.graphql_calls import ERROR_FIELDS, LLM, mutate

pytestmark = pytest.mark.anyio

FIELDS = "spokenTexts { text language say }"
CREATE = f"""mutation ($input: CreateAgentInput!) {{ createAgent(input: $input) {{ __typename
  ... on CreateAgentSuccess {{ agent {{ id revision {FIELDS} }} }} {ERROR_FIELDS} }} }}"""
UPDATE = f"""mutation ($input: UpdateAgentInput!) {{ updateAgent(input: $input) {{ __typename
  ... on UpdateAgentSuccess {{ agent {{ revision {FIELDS} }} }} {ERROR_FIELDS} }} }}"""
SET = f"""mutation ($input: UpdateSettingsInput!) {{ updateSettings(input: $input) {{ __typename
  ... on UpdateSettingsSuccess {{ settings {{ revision {FIELDS} }} }} {ERROR_FIELDS} }} }}"""
SETTINGS = f"{{ settings {{ revision {FIELDS} }} }}"
EXPORT = "{ exportBundle { json } }"
IMPORT = f"""mutation ($input: ImportBundleInput!) {{ importBundle(input: $input) {{ __typename
  ... on ImportBundleSuccess {{ report {{ path kind }} }} {ERROR_FIELDS} }} }}"""

AGENT = {"name": "reception", "prompt": {"system": "Answer."}, "llm": LLM}
HINDI = {"text": "STILL_THERE", "language": "hi", "say": "सुन रहे हैं, {{user.name}}?"}
ENGLISH = {"text": "ENDING_SOON", "language": "en-IN", "say": "We are nearly done."}


async def test_an_agent_has_its_own_wording(api: Api) -> None:
    created = (await mutate(api, CREATE, **AGENT, spokenTexts=[HINDI]))["agent"]
    assert created["spokenTexts"] == [HINDI]
    known = {"id": created["id"], "expectedRevision": 1}
    updated = (await mutate(api, UPDATE, **known, spokenTexts=[ENGLISH, HINDI]))["agent"]
    assert updated == {"revision": 2, "spokenTexts": [ENGLISH, HINDI]}
    left = (await mutate(api, UPDATE, **{**known, "expectedRevision": 2}, tools=[]))["agent"]
    assert left["spokenTexts"] == [ENGLISH, HINDI]


async def test_an_agent_has_none_unless_it_is_given_one(api: Api) -> None:
    assert (await mutate(api, CREATE, **AGENT))["agent"]["spokenTexts"] == []


async def test_the_settings_have_a_wording_for_all_agents(api: Api) -> None:
    assert (await api.execute(SETTINGS))["data"]["settings"] == {"revision": 0, "spokenTexts": []}
    saved = (await mutate(api, SET, expectedRevision=0, spokenTexts=[HINDI, ENGLISH]))["settings"]
    assert saved == {"revision": 1, "spokenTexts": [HINDI, ENGLISH]}
    await mutate(api, SET, expectedRevision=1, values={"clinic": "Sunrise"})
    kept = (await api.execute(SETTINGS))["data"]["settings"]
    assert kept == {"revision": 2, "spokenTexts": [HINDI, ENGLISH]}


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ({**HINDI, "say": "{{user.name"}, ["0", "say"], "not closed"),
        ({**HINDI, "say": "{{secret.key}}"}, ["0", "say"], "not a path of the context"),
        ({**HINDI, "language": "Hindi"}, ["0", "language"], "language tag"),
        ({**HINDI, "say": ""}, ["0", "say"], "empty"),
    ],
)
async def test_an_invalid_wording_changes_nothing(
    api: Api, text: dict[str, Any], path: list[str], words: str
) -> None:
    refused = await mutate(api, SET, expectedRevision=0, spokenTexts=[text])
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "spokenTexts", *path])
    assert words in refused["message"]
    assert (await api.execute(SETTINGS))["data"]["settings"]["revision"] == 0
    refused = await mutate(api, CREATE, **AGENT, spokenTexts=[text])
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "spokenTexts", *path])
    assert (await mutate(api, CREATE, **AGENT))["__typename"] == "CreateAgentSuccess"


async def test_a_text_that_does_not_exist_is_refused(api: Api) -> None:
    unknown = {**HINDI, "text": "GOODBYE"}
    input = {"expectedRevision": 0, "spokenTexts": [unknown]}
    refused = await api.execute(SET, variables={"input": input})
    assert "'GOODBYE' does not exist in 'SpokenText' enum" in refused["errors"][0]["message"]
    assert (await api.execute(SETTINGS))["data"]["settings"]["revision"] == 0


async def test_bundles_export_and_import_the_wording(api: Api) -> None:
    await mutate(api, CREATE, **AGENT, spokenTexts=[HINDI])
    await mutate(api, SET, expectedRevision=0, spokenTexts=[ENGLISH])
    bundle = (await api.execute(EXPORT))["data"]["exportBundle"]["json"]
    assert bundle["agents"][0]["spokenTexts"] == [HINDI]
    assert bundle["settings"] == {"spokenTexts": [ENGLISH]}
    louder = {**ENGLISH, "say": "Nearly done!"}
    bundle["settings"]["spokenTexts"] = [louder]
    imported = await mutate(api, IMPORT, bundle=bundle)
    assert {tuple(note["path"]): note["kind"] for note in imported["report"]} == {
        ("agents", "reception"): "UNCHANGED",
        ("settings", "spokenTexts", "ENDING_SOON->en-IN", "say"): "CHANGED",
    }
    assert (await api.execute(SETTINGS))["data"]["settings"]["spokenTexts"] == [louder]
