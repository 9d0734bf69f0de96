"""Versions: publishing, comparing, restoring, pinning by calls, and the users of agents and tools."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from domain.bundles.model import write_bundle
from domain.common.access import Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.bundles import export_bundle, import_bundle
from domain.use_cases.versions import restore_workflow
from domain.use_cases.workflows import publish_workflow
from tests.support.api_server import Api
from tests.support.demo_workflow import publish_clinic
from tests.support.graphql_calls import ERROR_FIELDS, mutate
from tests.support.people import new_member, owner_at

pytestmark = pytest.mark.anyio

READ = """{ workflow(by: {slug: "clinic"}) { id revision description
  published { id number note } draftDiff { summary }
  versions { edges { node { id number checksum diff { changes { path kind before after } } } } }
  findings { ok } } }"""
AGENT = """{ agent(by: {name: "booking"}) { id revision usedBy prompt { greeting } tools { usedBy } } }"""
UPDATE_AGENT = f"""mutation ($input: UpdateAgentInput!) {{ updateAgent(input: $input) {{
  __typename {ERROR_FIELDS} }} }}"""
UPDATE = f"""mutation ($input: UpdateWorkflowInput!) {{ updateWorkflow(input: $input) {{
  __typename {ERROR_FIELDS} }} }}"""
PUBLISH = f"""mutation ($input: PublishWorkflowInput!) {{ publishWorkflow(input: $input) {{
  __typename ... on PublishWorkflowSuccess {{ version {{ id number }} }} {ERROR_FIELDS} }} }}"""
RESTORE = f"""mutation ($input: RestoreWorkflowInput!) {{ restoreWorkflow(input: $input) {{
  __typename ... on RestoreWorkflowSuccess {{ workflow {{ revision }} version {{ number note }} }}
  ... on RevisionConflict {{ current }} {ERROR_FIELDS} }} }}"""
START = f"""mutation ($input: StartCallInput!) {{ startCall(input: $input) {{ __typename
  ... on StartCallSuccess {{ call {{ version {{ id number }} }} }} {ERROR_FIELDS} }} }}"""


@pytest.fixture(autouse=True)
async def clinic(services: Services, viewer: Viewer) -> None:
    await publish_clinic(services, viewer)


async def read(api: Api, document: str = READ) -> Any:
    answer = await api.execute(document)
    assert "errors" not in answer, answer
    [found] = answer["data"].values()
    return found


async def greet(api: Api, words: str) -> None:
    """Edit an agent of the workflow."""
    agent = await read(api, AGENT)
    prompt = {"system": "You book appointments.", "greeting": words}
    edit = {"id": agent["id"], "expectedRevision": agent["revision"], "prompt": prompt}
    assert (await mutate(api, UPDATE_AGENT, **edit))["__typename"] == "UpdateAgentSuccess"


async def publish(api: Api) -> Any:
    now = await read(api)
    published = await mutate(api, PUBLISH, id=now["id"], expectedRevision=now["revision"])
    return published["version"]


async def test_an_edit_of_an_agent_appears_in_the_draft_diff_and_then_between_versions(
    api: Api,
) -> None:
    assert (await read(api))["draftDiff"]["summary"] == ""
    await greet(api, "Hello there.")
    changed = "agents.booking.prompt.greeting"
    summary = (await read(api))["draftDiff"]["summary"]
    assert summary == f'{changed}: "Booking here. When suits you?" -> "Hello there."'
    await publish(api)
    now = await read(api)
    assert now["draftDiff"]["summary"] == ""
    second, first = [edge["node"] for edge in now["versions"]["edges"]]
    assert (second["number"], first["number"]) == (2, 1)
    [change] = second["diff"]["changes"]
    assert (".".join(change["path"]), change["kind"], change["after"]) == (
        changed,
        "CHANGED",
        "Hello there.",
    )
    assert {c["kind"] for c in first["diff"]["changes"]} == {"ADDED"}
    draft = f'{{ workflow(by: {{slug: "clinic"}}) {{ draftDiff(from: "{first["id"]}") {{ summary }} }} }}'
    assert (await read(api, draft))["draftDiff"]["summary"] == summary
    backwards = await read(
        api,
        f'{{ node(id: "{first["id"]}") {{ ... on WorkflowVersion '
        f'{{ diff(from: "{second["id"]}") {{ summary }} }} }} }}',
    )
    assert backwards["diff"]["summary"].endswith(
        '"Hello there." -> "Booking here. When suits you?"'
    )


async def test_a_version_names_the_member_who_published_it(api: Api) -> None:
    ada = await new_member(owner_at(api), "EDITOR", "ada@acme.example")
    now = await read(api)
    await ada.run(PUBLISH, id=now["id"], expectedRevision=now["revision"])
    by_key = {"headers": {"x-api-key": api.key}, "auth": False}
    await api.execute(
        PUBLISH, variables={"input": {"id": now["id"], "expectedRevision": 1}}, **by_key
    )
    versions = (
        '{ workflow(by: {slug: "clinic"}) { versions { edges { node { publisher { email } } } } } }'
    )

    edges = (await read(api, versions))["versions"]["edges"]
    assert [edge["node"]["publisher"] for edge in edges[:2]] == [
        None,
        {"email": "ada@acme.example"},
    ]
    assert (await ada.execute(versions))["errors"][0]["extensions"]["missing"] == ["MEMBERS_READ"]


async def test_restoring_a_version_restores_agents_and_publishes_on_request(api: Api) -> None:
    first = (await read(api))["published"]
    await greet(api, "Hello there.")
    await publish(api)
    now = await read(api)
    asked = {"id": now["id"], "versionId": first["id"], "expectedRevision": now["revision"]}
    back = await mutate(api, RESTORE, **asked, publish=True)
    assert back["version"] == {"number": 3, "note": "Restored version 1."}
    assert (await read(api, AGENT))["prompt"]["greeting"] == "Booking here. When suits you?"
    after = await read(api)
    assert after["published"]["number"] == 3
    third, _, again = [edge["node"]["checksum"] for edge in after["versions"]["edges"]]
    assert third == again
    stale = await mutate(api, RESTORE, **asked)
    assert (stale["code"], stale["current"]) == ("REVISION_CONFLICT", after["revision"])
    assert await read(api) == after


async def publish_desk(services: Services, viewer: Viewer) -> Any:
    """Publish a workflow whose agent follows the settings, and return it as a bundle."""
    agent = {"name": "desk", "prompt": {"system": "You answer."}, "languages": ["hi-IN"]}
    nodes = [{"id": "desk", "agent": "desk", "isEntry": True, "isExit": True}]
    llm = {"provider": "scripted", "model": "rules"}
    bundle = {
        "agents": [agent],
        "workflows": [{"slug": "desk", "nodes": nodes}],
        "settings": {"defaults": {"llm": llm, "tts": {"provider": "sarvam", "model": "bulbul:v2"}}},
    }
    await import_bundle(services, viewer, bundle, publish=True)
    return write_bundle(await export_bundle(services, viewer, ["desk"]))


async def edit_and_restore_first(services: Services, viewer: Viewer, before: Any) -> Any:
    changed = json.loads(json.dumps(before))
    changed["agents"][0] |= {"prompt": {"system": "You listen."}, "defaultLanguage": "hi-IN"}
    report = await import_bundle(services, viewer, changed, publish=True)
    [workflow] = report.workflows
    async with services.store.transaction(viewer.tenant_id) as work:
        [*_, first] = (await work.versions.page(workflow.id, Window(10))).items
    await restore_workflow(services, viewer, workflow.id, first.id, workflow.revision)
    return write_bundle(await export_bundle(services, viewer, ["desk"]))


async def test_restored_agents_inherit_what_they_inherited(
    services: Services, viewer: Viewer
) -> None:
    before = await publish_desk(services, viewer)
    assert "llm" not in before["agents"][0]
    assert await edit_and_restore_first(services, viewer, before) == before


async def test_versions_of_equal_content_remember_what_each_inherited(
    services: Services, viewer: Viewer
) -> None:
    inheriting = await publish_desk(services, viewer)
    chosen = json.loads(json.dumps(inheriting))
    chosen["agents"][0]["llm"] = chosen["settings"]["defaults"].pop("llm")
    [workflow] = (await import_bundle(services, viewer, chosen)).workflows
    await publish_workflow(services, viewer, workflow.id, workflow.revision, None)
    async with services.store.transaction(viewer.tenant_id) as work:
        second, first = (await work.versions.page(workflow.id, Window(10))).items
    assert second.checksum == first.checksum
    for version, bundle in ((first, inheriting), (second, chosen)):
        async with services.store.transaction(viewer.tenant_id) as work:
            [workflow] = await work.workflows.by_names(["desk"])
        await restore_workflow(services, viewer, workflow.id, version.id, workflow.revision)
        assert write_bundle(await export_bundle(services, viewer, ["desk"])) == bundle


async def test_the_drafts_decide_what_agents_of_older_versions_inherit(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    before = await publish_desk(services, viewer)
    db = await asyncpg.connect(settings.database_url)
    await db.execute("update workflow_version set snapshot = snapshot - 'inherited'")
    await db.close()
    after = await edit_and_restore_first(services, viewer, before)
    # The draft has a language of its own by now, so that of the version stays.
    assert after["agents"][0] == {**before["agents"][0], "defaultLanguage": "hi-IN"}
    assert {**after, "agents": before["agents"]} == before


async def test_a_call_runs_the_requested_version(api: Api) -> None:
    first = (await read(api))["published"]
    await greet(api, "Hello there.")
    await publish(api)
    clinic = {"workflow": {"slug": "clinic"}, "kind": "TEXT"}
    started = await mutate(api, START, **clinic, version=first["id"])
    assert started["call"]["version"] == {"id": first["id"], "number": 1}
    started = await mutate(api, START, **clinic)
    assert started["call"]["version"]["number"] == 2
    both = await mutate(api, START, **clinic, version=first["id"], draft=True)
    assert (both["code"], both["path"]) == ("INVALID_INPUT", ["input", "version"])


async def test_a_version_of_another_workflow_is_refused(api: Api) -> None:
    first = (await read(api))["published"]
    nodes = [{"id": "desk", "agent": "booking", "isEntry": True, "isExit": True}]
    made = await mutate(
        api,
        f"""mutation ($input: CreateWorkflowInput!) {{ createWorkflow(input: $input) {{
          __typename ... on CreateWorkflowSuccess {{ workflow {{ id revision }} }} {ERROR_FIELDS} }} }}""",
        slug="other",
        nodes=nodes,
    )
    other = made["workflow"]
    asked = {"id": other["id"], "versionId": first["id"], "expectedRevision": other["revision"]}
    refused = await mutate(api, RESTORE, **asked)
    assert (refused["code"], refused["path"]) == ("NOT_FOUND", ["input", "versionId"])
    started = await mutate(api, START, workflow={"slug": "other"}, kind="TEXT", version=first["id"])
    assert (started["code"], started["path"]) == ("NOT_FOUND", ["input", "version"])


async def test_agents_and_tools_list_their_users(api: Api) -> None:
    agent = await read(api, AGENT)
    assert agent["usedBy"] == ["clinic"]
    assert agent["tools"] == [{"usedBy": ["booking"]}]
