"""What happens when a conversation enters a node, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from domain.common.access import Viewer
from domain.ports import Services
from tests.support.api_server import Api
from tests.support.demo_workflow import save_clinic
from tests.support.graphql_calls import mutate

pytestmark = pytest.mark.anyio

UPDATE = """mutation ($input: UpdateWorkflowInput!) { updateWorkflow(input: $input) { __typename
  ... on UpdateWorkflowSuccess { workflow { nodes { id onEntry }
    findings { findings { code severity path } } } } } }"""
READ = '{ workflow(by: {slug: "clinic"}) { id revision nodes { id onEntry } } }'
RECEPTION: dict[str, Any] = {"id": "reception", "agent": "reception", "isEntry": True}
BOOKING: dict[str, Any] = {"id": "booking", "agent": "booking"}


async def test_entry_actions_are_set_read_and_verified(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await save_clinic(services, viewer)
    found = (await api.execute(READ))["data"]["workflow"]
    assert [node["onEntry"] for node in found["nodes"]] == ["CONVERSE", "CONVERSE"]
    nodes = [{**RECEPTION, "onEntry": "ROUTE"}, {**BOOKING, "onEntry": "END_CALL"}]
    updated = await mutate(
        api, UPDATE, id=found["id"], expectedRevision=found["revision"], nodes=nodes
    )
    assert [node["onEntry"] for node in updated["workflow"]["nodes"]] == ["ROUTE", "END_CALL"]
    assert updated["workflow"]["findings"]["findings"] == []
    nodes = [RECEPTION, {**BOOKING, "onEntry": "ROUTE"}]
    updated = await mutate(
        api, UPDATE, id=found["id"], expectedRevision=found["revision"] + 1, nodes=nodes
    )
    assert [node["onEntry"] for node in updated["workflow"]["nodes"]] == ["CONVERSE", "ROUTE"]
    assert updated["workflow"]["findings"]["findings"] == [
        {"code": "NO_EXIT", "severity": "ERROR", "path": ["nodes"]},
        {"code": "ROUTES_TO_NOWHERE", "severity": "ERROR", "path": ["nodes", "1", "onEntry"]},
    ]
