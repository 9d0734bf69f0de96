"""Expensive requests: they are priced and bounded, and delay no other tenant.

The share of a request on the event loop is measured as CPU time of its thread and compared with the work
that other threads do for it, which holds on any machine under any load.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from graphql import get_introspection_query

from domain.bundles.model import MAX_ITEMS_PER_KIND, Bundle, write_bundle
from domain.bundles.yaml_writer import write_yaml_pure_python
from domain.common.access import TenantId, Viewer
from domain.common.errors import InvalidInput, NotPublishable, Unavailable
from domain.common.findings import FindingCode
from domain.common.lists import Window
from domain.common.pacing import TenantConcurrencyLimit
from domain.common.settings import Settings
from domain.ports import Services
from domain.tools.actions import ContextSet
from domain.use_cases.agents import create_agent, update_agent
from domain.use_cases.bundles import import_bundle
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.versions import restore_workflow
from domain.use_cases.workflows import (
    create_workflow,
    publish_workflow,
    update_workflow,
    verify_workflows,
)
from domain.verification import DRAFT
from domain.workflows.agents import Prompt
from domain.workflows.model import Node, WorkflowSpec
from graph.requests.cost import EXTRA_COSTS
from graph.schema.build import build_schema
from persistence.wiring import api_services
from resolvers.bundles import BundleExport
from tests.conftest import new_tenant
from tests.domain.test_bundle_imports import IMPORT, run_import
from tests.domain.test_verification_work import valid_workflow
from tests.support.api_server import Api
from tests.support.cpu import cpu_seconds, without_collections
from tests.support.demo_workflow import BOOK, RECEPTION, publish_clinic
from tests.support.viewers import owner_of

pytestmark = pytest.mark.anyio

T = TypeVar("T")
PROMPT = "\n".join(f"You are kind, and say hello to number {n}." for n in range(600))[:28_000]
VERIFY = "query ($w: WorkflowInput!) { verifyWorkflow(config: $w) { ok findings { code } } }"


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of CPU time of the event loop's thread and of the computing thread."""

    on_loop: float
    off_loop: float


async def measured(services: Services, work: Awaitable[T]) -> tuple[CpuTime, T]:
    with without_collections():
        off_loop = await computed(services)
        on_loop = time.thread_time()
        answer = await work
        on_loop = time.thread_time() - on_loop
        return CpuTime(on_loop, await computed(services) - off_loop), answer


async def computed(services: Services) -> float:
    return await services.compute.run(TenantId(UUID(int=1)), time.thread_time)


def cost_of(answer: Any) -> int:
    return int(answer["extensions"]["cost"]["requested"])


async def test_a_thousand_connections_are_priced_and_verified_off_the_event_loop(
    api: Api, services: Services
) -> None:
    nodes = [{"id": "a", "agent": "x", "isEntry": True}, {"id": "b", "agent": "x", "isExit": True}]
    ways = [{"source": "a", "target": "b", "condition": f"user.y == {n}"} for n in range(1_000)]
    config = {"slug": "w", "nodes": nodes, "connections": ways}
    await api.execute(VERIFY, variables={"w": {"slug": "w"}})
    took, answer = await measured(services, api.execute(VERIFY, variables={"w": config}))
    assert cost_of(answer) == 20 + 1_002 + 1 + 10
    codes = [each["code"] for each in answer["data"]["verifyWorkflow"]["findings"]]
    assert (codes.count("UNKNOWN_AGENT"), codes.count("DUPLICATE_CONNECTION")) == (2, 1_000)
    # Half as much measured; three times as much with the conversion of Strawberry.
    assert took.on_loop < 2 * took.off_loop


async def test_an_export_is_unchanged_and_written_off_the_event_loop(
    api: Api, services: Services
) -> None:
    agents = [{"name": f"a{n:03}", "prompt": {"system": f"{PROMPT} {n}"}} for n in range(90)]
    for part in range(0, 90, 30):
        await run_import(api, {"agents": agents[part : part + 30]})
    document = "{ exportBundle { json yaml again: yaml } }"
    took, answer = await measured(services, api.execute(document))
    bundle = answer["data"]["exportBundle"]
    assert bundle["json"] == {"agents": agents}
    assert bundle["yaml"] == write_yaml_pure_python({"agents": agents}) == bundle["again"]
    assert cost_of(answer) == 2_001
    # Measured: 50 ms on the loop, half of them in this client, and 40 ms in the thread. The
    # emitter of PyYAML takes a second.
    assert took.on_loop < cpu_seconds(lambda: write_yaml_pure_python({"agents": agents}), 1) / 2
    assert took.off_loop > took.on_loop / 8
    named = "{" + " ".join(f"e{n}: exportBundle {{ yaml }}" for n in range(3)) + "}"
    assert (await api.execute(named))["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_an_export_is_written_once_and_in_chunks(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    """A line with an emoji that ends in a space requires the slower emitter."""
    agent = replace(RECEPTION, prompt=Prompt(system=PROMPT.replace(".", " \N{WAVING HAND SIGN} ")))
    bundle = Bundle(agents=tuple(replace(agent, name=f"a{n}") for n in range(60)))
    exported = BundleExport(bundle, services.compute, viewer.tenant_id)
    other = (await new_tenant(settings, "other")).id
    writing = [asyncio.create_task(exported.yaml()) for _ in range(3)]
    turns = 0
    while not writing[0].done():
        await services.compute.run(other, time.thread_time)
        turns += 1
    first, *more = await asyncio.gather(*writing)
    assert first == write_yaml_pure_python(write_bundle(bundle))
    assert all(text is first for text in more)
    assert turns > 6  # 22 measured; 4 in a single chunk


@pytest.mark.parametrize(("count", "size"), [(MAX_ITEMS_PER_KIND + 1, 10), (300, 30_000)])
async def test_an_export_too_large_to_import_is_refused(
    api: Api, settings: Settings, viewer: Viewer, count: int, size: int
) -> None:
    await add_agents(settings, viewer, count, size)
    await refused_as_too_much(api, "{ exportBundle { yaml } }")


MANY_VALUES = Bundle(
    tools=tuple(
        replace(BOOK, name=f"t{n}", actions=(ContextSet(path="workflow.n", value=[1] * 87_000),))
        for n in range(12)
    )
)
ESCAPED_TEXT = Bundle(
    agents=tuple(
        replace(RECEPTION, name=f"a{n}", prompt=Prompt(system="\N{LANGUAGE TAG}" * 32_000))
        for n in range(60)
    )
)


@pytest.mark.parametrize(
    ("bundle", "limit"),
    [(MANY_VALUES, "1000000 values"), (ESCAPED_TEXT, "16 MiB of YAML")],
    ids=["values", "yaml"],
)
async def test_an_export_too_large_to_read_is_refused(
    services: Services, viewer: Viewer, bundle: Bundle, limit: str
) -> None:
    exported = BundleExport(bundle, services.compute, viewer.tenant_id)
    with pytest.raises(InvalidInput, match=f"limit of one bundle, which is {limit}") as refused:
        await exported.yaml()
    assert refused.value.path == ("workflows",)


async def test_an_export_of_named_workflows_is_bounded_too(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    await add_agents(settings, viewer, 100, 90_000)
    for name, count in (("small", 3), ("large", 100)):
        nodes = tuple(Node(id=f"n{n}", agent=f"a{n}") for n in range(1, count + 1))
        await create_workflow(services, viewer, WorkflowSpec(name=name, nodes=nodes))
    answer = await api.execute('{ exportBundle(workflows: ["small"]) { json } }')
    assert len(answer["data"]["exportBundle"]["json"]["agents"]) == 3
    await refused_as_too_much(api, '{ exportBundle(workflows: ["small", "large"]) { json } }')


async def add_agents(settings: Settings, viewer: Viewer, count: int, size: int) -> None:
    spec = json.dumps({"name": "x", "prompt": {"system": "x" * size}})
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        "insert into agent (id, tenant_id, name, spec, revision) "
        "select gen_random_uuid(), $1, 'a' || n, "
        "jsonb_set($2::jsonb, '{name}', to_jsonb('a' || n)), 1 from generate_series(1, $3::int) n",
        viewer.tenant_id,
        spec,
        count,
    )
    await db.close()


async def refused_as_too_much(api: Api, document: str) -> None:
    answer = await api.execute(document)
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": "INVALID_INPUT",
        "path": ["workflows"],
        "docs": "/docs/api#invalid_input",
    }
    assert "by naming some of the workflows at a time" in error["message"]


async def test_an_import_is_priced_by_its_content(api: Api) -> None:
    node = {"id": "a", "agent": "x", "isEntry": True, "isExit": True}
    flows = [{"slug": f"w{n}", "nodes": [node] * 50} for n in range(10)]
    by_name = {flow["slug"]: flow for flow in flows}
    empty = await price_of_import(api, [])
    for bundle in (
        flows,
        {"items": flows},
        {"workflows": flows},
        {"workflows": {"items": flows}},
        {"workflows": by_name},
        {"workflows": [{"config": flow} for flow in flows]},
    ):
        assert 510 <= await price_of_import(api, bundle) - empty <= 521
    assert await price_of_import(api, [{"nodes": [node] * 9_000}]) - empty == 4_000


async def price_of_import(api: Api, bundle: Any) -> int:
    return cost_of(
        await api.execute(IMPORT, variables={"input": {"bundle": bundle, "dryRun": True}})
    )


async def test_starting_a_draft_is_priced_for_its_verification(api: Api) -> None:
    document = "mutation ($input: StartCallInput!) { startCall(input: $input) { __typename } }"
    given = {"workflow": {"slug": "none"}, "userContext": {"a": {"b": {}}}}
    published = await api.execute(document, variables={"input": given})
    draft = await api.execute(document, variables={"input": {**given, "draft": True}})
    assert (cost_of(published), cost_of(draft)) == (1, 21)


async def test_introspection_is_computed_once_and_off_the_event_loop(
    api: Api, services: Services
) -> None:
    document = get_introspection_query()
    took, first = await measured(services, api.execute(document))
    expected = build_schema().introspect()
    assert first["data"]["__schema"] == expected["__schema"]
    assert cost_of(first) == 1_000
    again, second = await measured(services, api.execute(document))
    assert (second["data"], cost_of(second)) == (first["data"], 1_000)
    assert took.on_loop < 2 * took.off_loop  # a third of it measured
    assert again.off_loop < took.off_loop / 10  # only the thread switch
    assert again.on_loop < took.off_loop
    named = "query ($n: String!) { __type(name: $n) { name } __typename }"
    for name in ("Call", "Agent"):
        answer = await api.execute(named, variables={"n": name})
        assert answer["data"] == {"__type": {"name": name}, "__typename": "Query"}


async def test_large_requests_other_than_imports_are_refused_immediately(
    api: Api, services: Services
) -> None:
    listed = ["x" * 20] * 40_000
    reading = cpu_seconds(lambda: json.loads(json.dumps({"variables": {"a": listed}})))
    for text in ("", "\x00", "importBundle"):
        body = {"a": [*listed, text]}
        took, answer = await measured(services, api.post("{ viewer { subject } }", variables=body))
        assert answer.status_code == 413
        assert took.on_loop < 10 * reading  # twice as much measured, including this client
    agent = {"name": "a", "prompt": {"system": "x" * 80_000 + "\x00"}}
    refused = (await api.post(IMPORT, variables={"input": {"bundle": {"agents": [agent]}}})).json()[
        "data"
    ]["importBundle"]
    assert refused["path"] == ["input", "bundle", "agents", "0", "prompt", "system"]


async def test_errors_in_variables_are_limited_in_number(api: Api) -> None:
    by = {f"k{n}": 1 for n in range(5_000)}
    document = "query ($by: WorkflowBy!) { workflow(by: $by) { slug } }"
    answer = await api.execute(document, variables={"by": by})
    assert len(answer["errors"]) == 11
    # The other values were not checked.
    assert "error limit reached" in answer["errors"][-1]["message"]


async def test_findings_of_many_drafts_are_cached_until_one_changes(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    document = "{ workflows(first: 50) { edges { node { findings { ok findings { code } } } } } }"

    async def codes() -> list[str]:
        answer = await api.execute(document)
        assert cost_of(answer) == 1 + 50 * (1 + 1 + 1 + 20 + 10)
        [edge] = answer["data"]["workflows"]["edges"]
        return [each["code"] for each in edge["node"]["findings"]["findings"]]

    assert await codes() == [] == await codes()
    async with services.store.transaction(viewer.tenant_id) as work:
        [agent] = await work.agents.by_names(["booking"])
    await update_agent(services, viewer, agent.id, agent.revision, {"tools": ("gone",)})
    assert await codes() == ["UNKNOWN_TOOL"]


async def test_a_workflow_that_could_not_be_verified_is_not_published(
    services: Services, viewer: Viewer
) -> None:
    await create_agent(services, viewer, RECEPTION)
    spec = valid_workflow(lambda node, way: rarely_true_condition(node * 10 + way)).workflow
    workflow = await create_workflow(services, viewer, spec)
    assert await codes_of(services, viewer, spec) == ["TOO_COMPLEX"]
    with pytest.raises(NotPublishable) as refused:
        await publish_workflow(services, viewer, workflow.id, 1, None)
    assert [each.code for each in refused.value.findings] == [FindingCode.TOO_COMPLEX]


async def codes_of(services: Services, viewer: Viewer, spec: WorkflowSpec) -> list[str]:
    [found] = await verify_workflows(services, viewer, [spec])
    assert all(finding.severity is DRAFT.severity for finding in found)
    return [finding.code.value for finding in found]


def rarely_true_condition(number: int) -> str:
    """True for one combination of values in a thousand."""
    signs = [f"{'not ' if number >> bit & 1 else ''}user.v{bit}" for bit in range(10)]
    return " and ".join(signs)


async def test_requests_waiting_for_their_tenant_hold_few_connections(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    """Every operation that computes within a transaction, while another one of the tenant computes."""
    version = await publish_clinic(services, viewer)
    id, draft = version.workflow_id, CallRequest(workflow_name="clinic", draft=True)
    bundle = write_bundle(Bundle(workflows=(version.snapshot.workflow,)))
    other = owner_of(await new_tenant(settings, "other"))
    async with api_services(replace(settings, database_connections=4)) as few:
        for do in (
            lambda: publish_workflow(few, viewer, id, 1, None),
            lambda: start_call(few, viewer, draft),
            lambda: import_bundle(few, viewer, bundle),
            lambda: restore_workflow(few, viewer, id, version.id, 1),
            lambda: update_workflow(few, viewer, id, 2, {}),
        ):
            waiting = [asyncio.create_task(do()) for _ in range(9)]
            done = threading.Event()
            waiting.append(asyncio.create_task(few.compute.run(viewer.tenant_id, done.wait, 60.0)))
            await asyncio.wait(waiting, timeout=0.3)
            assert not any(task.done() for task in waiting)
            try:
                await read_a_page(few, other)
            finally:
                done.set()
                await asyncio.gather(*waiting, return_exceptions=True)


async def read_a_page(services: Services, viewer: Viewer) -> None:
    async with services.store.transaction(viewer.tenant_id) as work:
        assert (await work.workflows.page(Window(5))).items == ()


async def test_a_request_whose_turn_does_not_come_is_unavailable(viewer: Viewer) -> None:
    limit, other = TenantConcurrencyLimit(1), TenantId(UUID(int=1))
    async with limit.acquire(0.1, viewer.tenant_id):
        with pytest.raises(Unavailable):
            async with limit.acquire(0.1, viewer.tenant_id):
                pass
        async with limit.acquire(0.1, other):
            pass
    async with limit.acquire(0.1, viewer.tenant_id):
        pass


def test_every_extra_cost_names_an_existing_field() -> None:
    types = build_schema()._schema.type_map
    for type_name, field in EXTRA_COSTS:
        assert field in getattr(types[type_name], "fields", {}), (type_name, field)
