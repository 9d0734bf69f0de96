"""Generated operations cause no server error, and show no data of another tenant.

`./studio bench fuzz_api` sends many more of them, as each role."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bench.fuzz_api import FOREIGN_TEXT, WORDS, create_objects
from bench.fuzzing.operations import Target, fuzz_operations
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from local.client import StudioClient
from tests.conftest import new_tenant
from tests.support.api_server import create_api_key, running_api
from tests.support.paths import ROOT
from tests.support.viewers import owner_of

pytestmark = pytest.mark.anyio

OPERATIONS = 60
"""`./studio bench fuzz_api` sends more."""


def generous(settings: Settings) -> Settings:
    return replace(settings, requests_per_minute=10**9)


async def test_no_generated_operation_causes_a_server_error_or_crosses_tenants(
    services: Services, settings: Settings, viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    rival = owner_of(await new_tenant(settings, "rival"))
    async with running_api(services, generous(settings), viewer, build_schema_with_loaders) as api:
        rival_key = await create_api_key(settings, rival)
        foreign = await create_objects(StudioClient(api.url, rival_key), FOREIGN_TEXT)
        own = await create_objects(StudioClient(api.url, api.key), "own-text")
        target = Target(api.url, api.key, (*own, *foreign), (*WORDS, "own-text"), FOREIGN_TEXT)
        schema = ROOT / "schema.graphql"
        for root in ("Query", "Mutation"):
            outcome = await asyncio.to_thread(
                fuzz_operations, schema, target, OPERATIONS, seed=7, roots=(root,)
            )
            assert (outcome.operations, outcome.findings) == (OPERATIONS, []), outcome
            assert outcome.executed > OPERATIONS / 10, outcome
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_data_of_another_tenant_would_be_found(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with running_api(services, generous(settings), viewer, build_schema_with_loaders) as api:
        ids = await create_objects(StudioClient(api.url, api.key), FOREIGN_TEXT)
        target = Target(api.url, api.key, ids, WORDS, FOREIGN_TEXT)
        schema = ROOT / "schema.graphql"
        outcome = await asyncio.to_thread(
            fuzz_operations, schema, target, 10_000, seed=7, roots=("Query",), max_findings=1
        )
    [finding] = outcome.findings
    assert finding.startswith("data of another tenant: ")
    assert outcome.operations < 10_000
