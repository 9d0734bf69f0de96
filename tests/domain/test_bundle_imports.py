"""Bundles through the API: export, and imports that are atomic and repeatable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.bundles.model import Bundle, write_bundle
from domain.common.access import Role, Tenant, Viewer
from domain.common.errors import Forbidden
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.settings import TenantSettings
from domain.use_cases.bundles import export_bundle, import_bundle
from graph.app import build_schema_with_loaders
from tests.conftest import new_tenant
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION, publish_clinic
from tests.support.paths import CORPUS
from tests.support.viewers import member_of, owner_of

pytestmark = pytest.mark.anyio

WHOLE = write_bundle(Bundle(agents=(BOOKING, RECEPTION), tools=(BOOK,), workflows=(CLINIC,)))
EXPORT = "query ($w: [String!]) { exportBundle(workflows: $w) { json yaml } }"
IMPORT = """
mutation ($input: ImportBundleInput!) {
  importBundle(input: $input) {
    __typename
    ... on Error { code message path }
    ... on NotPublishable { findings { code path } }
    ... on ImportBundleSuccess {
      dryRun
      report { path kind message }
      findings { code path }
      workflows { slug revision published { number } }
      versions { number }
    }
  }
}
"""


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    async with running_api(services, settings, viewer, build_schema_with_loaders) as running:
        yield running


async def run_import(api: Api, bundle: Any, **more: Any) -> Any:
    answer = await api.execute(IMPORT, variables={"input": {"bundle": bundle, **more}})
    assert "errors" not in answer, answer
    return answer["data"]["importBundle"]


async def run_export(api: Api, *slugs: str) -> Any:
    answer = await api.execute(EXPORT, variables={"w": list(slugs) or None})
    assert "errors" not in answer, answer
    return answer["data"]["exportBundle"]["json"]


def kinds(answer: Any) -> dict[str, str]:
    return {".".join(note["path"]): note["kind"] for note in answer["report"]}


async def test_an_imported_bundle_can_be_exported(api: Api) -> None:
    answer = await run_import(api, WHOLE)
    assert kinds(answer) == {
        "tools.book_appointment": "ADDED",
        "agents.booking": "ADDED",
        "agents.reception": "ADDED",
        "workflows.clinic": "ADDED",
    }
    assert (answer["findings"], answer["versions"], answer["dryRun"]) == ([], [], False)
    assert await run_export(api) == WHOLE == await run_export(api, "clinic")


async def test_a_repeated_import_changes_nothing(api: Api) -> None:
    first = await run_import(api, WHOLE, publish=True)
    assert first["versions"] == [{"number": 1}]
    again = await run_import(api, WHOLE, publish=True)
    assert set(kinds(again).values()) == {"UNCHANGED"}
    assert (again["versions"], again["workflows"]) == ([], first["workflows"])


async def test_only_differences_are_changed_and_published(api: Api) -> None:
    await run_import(api, WHOLE, publish=True)
    changed = json.loads(json.dumps(WHOLE))
    changed["agents"][0]["prompt"]["system"] = "You book appointments, kindly."
    answer = await run_import(api, changed, publish=True)
    assert [note for note in answer["report"] if note["kind"] != "UNCHANGED"] == [
        {"path": ["agents", "booking"], "kind": "CHANGED", "message": "Changed: prompt."}
    ]
    assert answer["versions"] == [{"number": 2}]
    assert await run_export(api) == changed


async def test_items_that_a_bundle_does_not_name_stay(api: Api) -> None:
    await run_import(api, WHOLE)
    await run_import(api, {"agents": [{"name": "other", "prompt": {"system": "x"}}]})
    everything = await run_export(api)
    assert [agent["name"] for agent in everything["agents"]] == ["booking", "other", "reception"]
    assert await run_export(api, "clinic") == WHOLE


async def test_a_dry_run_reports_everything_and_changes_nothing(api: Api) -> None:
    answer = await run_import(api, WHOLE, publish=True, dryRun=True)
    assert set(kinds(answer).values()) == {"ADDED"}
    assert (answer["dryRun"], answer["workflows"], answer["versions"]) == (True, [], [])
    assert await run_export(api) == {}


async def test_publishing_an_invalid_workflow_changes_nothing(api: Api) -> None:
    answer = await run_import(api, {**WHOLE, "tools": []}, publish=True)
    assert (answer["__typename"], answer["code"]) == ("NotPublishable", "NOT_PUBLISHABLE")
    assert answer["path"] == ["input", "bundle", "workflows", "clinic"]
    finding = {
        "code": "UNKNOWN_TOOL",
        "path": ["workflows", "clinic", "agents", "booking", "tools"],
    }
    assert answer["findings"] == [finding]
    assert await run_export(api) == {}
    draft = await run_import(api, {**WHOLE, "tools": []})
    assert (draft["__typename"], draft["findings"]) == ("ImportBundleSuccess", [finding])


async def test_errors_name_their_place_and_nothing_changes(api: Api) -> None:
    wrong = {**WHOLE, "tools": [{**WHOLE["tools"][0], "action": []}]}
    answer = await run_import(api, wrong)
    assert (answer["__typename"], answer["path"]) == (
        "ValidationError",
        ["input", "bundle", "tools", "0", "action"],
    )
    assert answer["message"] == "'action' is not a known key; did you mean 'actions'?"
    for nonsense in (7, "agents: []", {"agents": 1}, {"agents": [None]}, True):
        refused = await run_import(api, nonsense)
        assert refused["__typename"] == "ValidationError", nonsense
        assert refused["path"][:2] == ["input", "bundle"], nonsense
    assert await run_export(api) == {}


async def test_imported_settings_are_merged_into_the_present_ones(api: Api) -> None:
    def settings(**values: Any) -> Any:
        return write_bundle(Bundle(settings=TenantSettings(values=values)))

    assert kinds(await run_import(api, settings(a=1, b=2))) == {"settings": "CHANGED"}
    assert kinds(await run_import(api, settings(b=2))) == {"settings": "UNCHANGED"}
    assert kinds(await run_import(api, settings(b=3))) == {"settings": "CHANGED"}
    exported = await api.execute("{ exportBundle { json } }")
    assert exported["data"]["exportBundle"]["json"] == settings(a=1, b=3)


async def test_a_legacy_configuration_is_converted_on_import(api: Api) -> None:
    file = CORPUS / "legacy" / "whole-tenant.json"
    scripted = {"provider": "scripted", "model": "rules"}
    await run_import(api, {"settings": {"defaults": {"llm": scripted}}})
    answer = await run_import(api, json.loads(file.read_text()), publish=True)
    assert [finding["code"] for finding in answer["findings"]] == ["UNDEFINED_VARIABLE"]
    assert answer["versions"] == [{"number": 1}]
    counted = [note["kind"] for note in answer["report"]]
    assert {kind: counted.count(kind) for kind in counted} == {
        "CONVERTED": 17,
        "DROPPED": 4,
        "ADDED": 4,
        "CHANGED": 1,
    }


async def test_a_bundle_may_be_larger_than_other_requests(api: Api) -> None:
    prompt = {"prompt": {"system": "x" * 30_000}}
    large = {"agents": [{"name": f"a{n}", **prompt} for n in range(20)]}
    assert len(kinds(await run_import(api, large))) == 20
    variables = {"input": {"bundle": large}}
    document = IMPORT.replace("importBundle(", "createAgent: importBundle(", 1)
    assert (await api.post(document, variables=variables)).status_code == 200
    two = IMPORT.replace(
        "  importBundle(", '  logout(input: {refreshToken: "x"}) { done } importBundle('
    )
    assert (await api.post(two, variables=variables)).status_code == 413
    too_large = {"agents": [{"name": f"a{n}", **prompt} for n in range(40)]}
    assert (await api.post(IMPORT, variables={"input": {"bundle": too_large}})).status_code == 413


async def test_concurrent_imports_are_serialized(api: Api) -> None:
    answers = await asyncio.gather(*(run_import(api, WHOLE) for _ in range(4)))
    names = {answer["__typename"] for answer in answers}
    assert "ImportBundleSuccess" in names
    assert names <= {"ImportBundleSuccess", "NameTaken"}
    again = await run_import(api, WHOLE)
    assert set(kinds(again).values()) == {"UNCHANGED"}
    assert await run_export(api) == WHOLE


async def test_an_export_of_an_unknown_workflow_names_it(api: Api) -> None:
    answer = await api.execute(EXPORT, variables={"w": ["nowhere"]})
    assert answer["data"] == {"exportBundle": None}
    assert answer["errors"][0]["message"] == "There is no workflow 'nowhere'."


async def test_tenants_do_not_see_or_change_each_other(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    other = owner_of(await new_tenant(settings, "other"))
    stranger = Viewer(
        tenant_id=other.tenant_id,
        subject="user:00000000-0000-0000-0000-000000000002",
        scopes=other.scopes,
    )
    changed = json.loads(json.dumps(WHOLE))
    changed["agents"][0]["prompt"]["system"] = "Mine."
    async with running_api(services, settings, stranger, build_schema_with_loaders) as api:
        assert await run_export(api) == {}
        answer = await run_import(api, changed)
        assert set(kinds(answer).values()) == {"ADDED"}
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        assert await run_export(api) == WHOLE


async def test_an_import_requires_write_scopes(services: Services, tenant: Tenant) -> None:
    reader = member_of(tenant, Role.VIEWER)
    with pytest.raises(Forbidden):
        await import_bundle(services, reader, WHOLE)
    assert await export_bundle(services, reader) == Bundle()
