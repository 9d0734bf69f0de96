"""Documents generated from the schema: no operation causes an internal error."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import graphql
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as steps
from hypothesis import strategies as st

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from tests.support.api_server import running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.paths import ROOT

pytestmark = pytest.mark.anyio

EXAMPLES = 150
WORDS = st.text(max_size=20).map(schemathesis.graphql.nodes.String)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "Cursor": WORDS,
    "Duration": st.sampled_from(["PT1S", "PT5M", "P99D", "soon"]).map(
        schemathesis.graphql.nodes.String
    ),
    "JSON": WORDS
    | st.integers(-(2**70), 2**70).map(schemathesis.graphql.nodes.Int)
    | st.sampled_from(["null", "{}", "{a: [1, {b: null}]}", "[true]"]).map(graphql.parse_value),
    "DateTime": st.just(schemathesis.graphql.nodes.String("2026-01-01T00:00:00Z")),
}


async def test_no_generated_document_causes_an_internal_error(
    services: Services, settings: Settings, viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    await publish_clinic(services, viewer)
    generous = replace(settings, requests_per_minute=10**9)
    async with running_api(services, generous, viewer, build_schema_with_loaders) as api:
        headers = {"authorization": f"Bearer {api.token}"}
        codes: dict[str, int] = {}

        for name, strategy in SCALARS.items():
            schemathesis.graphql.scalar(name, strategy)
        schema = schemathesis.graphql.from_path(ROOT / "schema.graphql")

        def fuzz(root: str) -> None:
            with httpx.Client(base_url=api.url, headers=headers, timeout=60) as http:

                @steps(
                    max_examples=EXAMPLES,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                )
                @given(st.one_of([operation.as_strategy() for operation in schema[root].values()]))
                def ask(case: Any) -> None:
                    document = case.body
                    answer = http.post("/graphql", json={"query": document}).json()
                    for error in answer.get("errors", [{"extensions": {"code": "none"}}]):
                        code = error["extensions"]["code"]
                        assert code != "INTERNAL", (document, error)
                        codes[code] = codes.get(code, 0) + 1

                ask()

        for root in ("Query", "Mutation"):
            await asyncio.to_thread(fuzz, root)
        print(codes)
    assert codes.get("none", 0) > EXAMPLES / 10, codes
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []
