"""Bundles through the API: export, and imports that are atomic and repeatable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from domain.bundles.model import Bundle, write_bundle
from domain.bundles.yaml_json import parse_document
from domain.common.access import Role, Tenant, Viewer
from domain.common.errors import Forbidden
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.budgets import Budgets
from domain.tenants.settings import TenantSettings
from domain.tools.network_allow_list import AllowList
from domain.use_cases.bundles import export_bundle, import_bundle
from domain.verification.cached import Verifier
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
    ... on ValidationError { problems { message path } }
    ... on UnsupportedFormat { format }
    ... on NotPublishable { findings { code path } }
    ... on NotConvertible { findings { code severity path message } }
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

    added = {"settings.values.a": "ADDED", "settings.values.b": "ADDED"}
    assert kinds(await run_import(api, settings(a=1, b=2))) == added
    assert kinds(await run_import(api, settings(b=2))) == {"settings": "UNCHANGED"}
    answer = await run_import(api, settings(b=3))
    assert answer["report"] == [
        {"path": ["settings", "values", "b"], "kind": "CHANGED", "message": "Changed from 2 to 3."}
    ]
    exported = await api.execute("{ exportBundle { json } }")
    assert exported["data"]["exportBundle"]["json"] == settings(a=1, b=3)


def with_servers(url: str, header: str, *allowed: str) -> Any:
    crm = {"name": "crm", "url": url, "headers": {"X-Key": header}}
    shop = {"name": "shop", "url": "https://shop.example.com/mcp", "allow": list(allowed)}
    return {"settings": {"endpoints": [crm], "mcpServers": [shop]}}


async def test_the_report_shows_settings_before_and_after_without_headers(api: Api) -> None:
    await run_import(api, with_servers("https://crm.example.com", "top secret", "stock", "price"))
    answer = await run_import(api, with_servers("http://127.0.0.1:8765", "another secret", "stock"))
    assert {".".join(note["path"]): note["message"] for note in answer["report"]} == {
        "settings.endpoints.crm.url": (
            'Changed from "https://crm.example.com" to "http://127.0.0.1:8765".'
        ),
        "settings.endpoints.crm.headers.X-Key": 'Changed from "…" to "…".',
        "settings.mcpServers.shop.allow.price": 'Removed: "price".',
    }
    third = {"name": "third", "url": "https://a.example.com", "headers": {"X-Key": "top secret"}}
    answer = await run_import(api, {"settings": {"endpoints": [third]}})
    assert "secret" not in json.dumps(answer)


async def test_present_settings_can_be_kept(api: Api) -> None:
    present = with_servers("https://crm.example.com", "a", "stock")
    present["settings"]["defaults"] = {"language": "hi"}
    await run_import(api, present)
    other = with_servers("http://127.0.0.1:8765", "b", "stock", "price")
    other["settings"]["endpoints"].append({"name": "new", "url": "https://new.example.com"})
    other["settings"] |= {"values": {"company": "Sunrise"}, "defaults": {"language": "en"}}
    ignored = await run_import(api, other, settings="IGNORE")
    assert kinds(ignored) == {"settings": "UNCHANGED"}
    assert await run_export(api) == present
    added = await run_import(api, other, settings="ADD")
    assert kinds(added) == {
        "settings.endpoints.new": "ADDED",
        "settings.values.company": "ADDED",
    }
    now = (await run_export(api))["settings"]
    assert now["endpoints"] == [
        present["settings"]["endpoints"][0],
        {"name": "new", "url": "https://new.example.com"},
    ]
    assert (now["defaults"], now["mcpServers"]) == (
        present["settings"]["defaults"],
        present["settings"]["mcpServers"],
    )


async def test_bundles_contain_neither_prices_nor_budgets(
    services: Services, viewer: Viewer, api: Api
) -> None:
    settings = TenantSettings(values={"a": 1}, budgets=Budgets(concurrent_calls=5))
    async with services.store.transaction(viewer.tenant_id) as work:
        await work.settings.save(settings, 0)
    assert await run_export(api) == {"settings": {"values": {"a": 1}}}
    more = replace(settings, budgets=Budgets(concurrent_calls=9))
    assert kinds(await run_import(api, write_bundle(Bundle(settings=more)))) == {
        "settings.budgets": "DROPPED",
        "settings": "UNCHANGED",
    }
    async with services.store.transaction(viewer.tenant_id) as work:
        assert (await work.settings.get()).spec == settings


async def test_an_exported_workflow_contains_the_settings_that_it_needs(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    whole = parse_document((CORPUS / "base_workflow.yaml").read_text()).value
    del whole["agents"][2]["llm"]
    scripted = {"provider": "scripted", "model": "rules"}
    unused = {"name": "unused", "url": "https://unused.example.com"}
    extra = {
        "defaults": {"llm": scripted, "stt": {"provider": "deepgram", "model": "nova-3"}},
        "values": {"company": "Sunrise", "unused": 1},
    }
    bundle = {**whole, "settings": {**whole["settings"], **extra}}
    bundle["settings"]["endpoints"] = [*whole["settings"]["endpoints"], unused]
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        assert (await run_import(api, bundle, publish=True))["__typename"] == "ImportBundleSuccess"
        exported = await run_export(api, "surgery")
    assert exported["settings"] == {
        "defaults": extra["defaults"],
        "endpoints": whole["settings"]["endpoints"],
        "mcpServers": whole["settings"]["mcpServers"],
        "values": {"company": "Sunrise"},
    }
    other = owner_of(await new_tenant(settings, "other"))
    stranger = Viewer(
        tenant_id=other.tenant_id,
        subject="user:00000000-0000-0000-0000-000000000002",
        scopes=other.scopes,
    )
    async with running_api(services, settings, stranger, build_schema_with_loaders) as api:
        answer = await run_import(api, exported, publish=True)
        assert (answer["__typename"], answer["versions"]) == (
            "ImportBundleSuccess",
            [{"number": 1}],
        )
        assert await run_export(api, "surgery") == exported


async def test_a_value_that_is_as_deep_as_a_tool_may_have_it_can_be_imported_again(
    api: Api,
) -> None:
    value: Any = "x"
    for _ in range(31):
        value = [value]
    actions: list[Any] = [{"contextSet": {"path": "workflow.a", "value": value}}]
    for _ in range(5):
        actions = [{"conditional": {"condition": "flags.x", "then": actions}}]
    bundle = {"tools": [{"name": "deep", "description": "Deep.", "actions": actions}]}
    assert kinds(await run_import(api, bundle)) == {"tools.deep": "ADDED"}
    assert kinds(await run_import(api, await run_export(api))) == {"tools.deep": "UNCHANGED"}


async def test_a_legacy_configuration_that_is_only_partly_readable_changes_nothing(
    api: Api,
) -> None:
    file = CORPUS / "legacy" / "whole-tenant.json"
    config = json.loads(file.read_text())
    config["tools"][0]["actions"][0] = {"type": "context.explode"}
    config["workflows"][0]["connections"][0]["condition"] = "some(thing) =>"
    for more in ({}, {"publish": True}, {"dryRun": True}):
        answer = await run_import(api, config, **more)
        assert (answer["__typename"], answer["code"], answer["path"]) == (
            "NotConvertible",
            "NOT_CONVERTIBLE",
            ["input", "bundle"],
        )
        assert [
            (found["code"], found["severity"], found["path"]) for found in answer["findings"]
        ] == [
            ("NOT_CONVERTED", "ERROR", ["bundle", "tools", "0", "actions", "0"]),
            (
                "NOT_CONVERTED",
                "ERROR",
                ["bundle", "workflows", "0", "connections", "0", "condition"],
            ),
        ]
        assert answer["message"].startswith(
            "Parts of the configuration cannot be converted: 2 in total, the first of which is: "
        )
    assert await run_export(api) == {}


async def test_a_configuration_of_another_product_is_named(api: Api) -> None:
    case = json.loads((CORPUS / "foreign" / "retell-agent.json").read_text())
    answer = await run_import(api, [case["value"]], publish=True)
    assert (answer["__typename"], answer["code"], answer["format"], answer["path"]) == (
        "UnsupportedFormat",
        "UNSUPPORTED_FORMAT",
        "Retell",
        ["input", "bundle", "0"],
    )
    assert await run_export(api) == {}


async def test_all_values_that_cannot_be_read_are_reported_at_once(api: Api) -> None:
    bundle = json.loads(json.dumps(WHOLE))
    bundle["tools"][0]["actions"][0] = {"explode": {}}
    bundle["tools"][0]["actions"].append({"respond": {"message": "{{params.slot | shout}}"}})
    bundle["agents"][0]["prompt"]["greeting"] = "Hello {{weather.today}}, {{user.name."
    bundle["workflows"][0]["connections"][0]["condition"] = "flags.x ==="
    answer = await run_import(api, bundle)
    assert (answer["__typename"], answer["code"]) == ("ValidationError", "INVALID_INPUT")
    assert [".".join(each["path"][2:]) for each in answer["problems"]] == [
        "tools.0.actions.0",
        "agents.0.prompt.greeting",
        "agents.0.prompt.greeting",
        "tools.0.actions.3.respond.message",
        "workflows.0.connections.0.condition",
    ]
    assert (answer["message"], answer["path"]) == (
        answer["problems"][0]["message"],
        answer["problems"][0]["path"],
    )
    assert await run_export(api) == {}


async def test_an_address_that_the_operator_lists_is_no_finding(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    bundle = parse_document((CORPUS / "base_workflow.yaml").read_text()).value
    bundle["settings"]["endpoints"][0]["url"] = "http://127.0.0.1:8765"
    for allowed, codes in (("", ["PRIVATE_ADDRESS"]), ("127.0.0.1:8765", []), ("10.0.0.0/8", None)):
        listed = replace(
            services, verifier=Verifier(services.compute, allowed=AllowList.parse(allowed))
        )
        report = await import_bundle(listed, viewer, bundle, dry_run=True)
        found = [(f.code.value, f.path[2:]) for f in report.findings if f.code != "NO_KEY"]
        place = ("settings", "endpoints", "0", "url")
        expected = ["PRIVATE_ADDRESS"] if codes is None else codes
        assert found == [(code, place) for code in expected]


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
        "ADDED": 8,
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
