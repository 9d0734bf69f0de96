"""Telephony, keys of providers, secrets and settings in the dashboard, as the owner of an installation sets them up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.outbound_calls import speaking_clinic

REFUSED = {
    "network": "192.0.2.9: A bare IP address can be forged by the caller; write it as a network in CIDR notation, "
    "192.0.2.9/32.",
    "address": "10.1.2.3 is a private address; use the public address of the carrier, or ask the operator to list "
    "10.1.2.3:5060 in TRUNK_ALLOW.",
    "number": "number must be a telephone number in E.164: a plus sign, the country code and the rest of the "
    "number, 7 to 15 digits without spaces, for instance +12025550123.",
    "deletion": "The trunk carrier is used by telephone numbers; delete them, or assign them to something else. It is "
    "used by +12025550123.",
    "dial": "phoneNumber is a number of the region GB, which the trunk dialer does not allow; to allow it, add "
    "GB to its allowedRegions.",
    "key": "A key must have 8 to 512 characters.",
    "label": "There is such a key already. Choose another label, or replace that key.",
    "name": "A secret of this name exists already. Choose another name, or replace that secret.",
    "header": "This header is listed above already.",
    "hosts": "Name 1 to 20 hosts, or use null to allow every host.",
    "zone": "timeZone must be an IANA time zone, such as Europe/Berlin.",
    "price": "This is not an amount in dollars, such as 0.45.",
    "values": 'This is not a JSON object, such as {"desk": "north"}.',
}
"""What is said at the fields, which then have the focus, and about a deletion."""


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_an_owner_sets_up_an_installation(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with (
        speaking_clinic(settings, viewer) as (services, voiced, _),
        running_api(
            services, voiced, viewer, build_schema_with_loaders, extra_routes=routes
        ) as api,
    ):
        seen = await asyncio.to_thread(visit, "dashboard_config.mjs", api.url, key)

    assert seen["refused"] == REFUSED
    assert seen["trunk"] == ["50", "+1876"]
    assert seen["typed"] == "*.crm.example"
    assert seen["secrets"] == [{"name": "crm_token", "hosts": ["api.crm.example"]}]
    assert seen["reloaded"] == "Are you there, {{user.name}}?"
    assert seen["settings"] == {
        "revision": 6,
        "values": {"name": "Sunrise Clinic"},
        "defaults": {
            "llm": {"provider": "openai", "model": "gpt-4.1", "options": {"temperature": 1.05}}
        },
        "budgets": {"spendPerMonth": "500.00"},
        "prices": [{"provider": "openai", "model": "gpt-4.1-mini", "inputTokens": "0.36"}],
        "endpoints": [
            {
                "name": "crm",
                "url": "https://api.crm.example",
                "headers": {"authorization": "Bearer {{secret.crm_token}}"},
            }
        ],
        "spokenTexts": [
            {"text": "STILL_THERE", "language": "en", "say": "Are you there, {{user.name}}?"}
        ],
    }
    assert (seen["errors"], seen["outside"], seen["barriers"]) == ([], [], [])
