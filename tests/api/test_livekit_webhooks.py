"""Webhooks of LiveKit are accepted only if LiveKit has signed them, and make keepers look at once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from graph.app import build_schema_with_loaders
from graph.http.livekit_webhooks import MAX_BODY_BYTES, WEBHOOK_PATH
from persistence.wiring import api_services
from persistence.worker_wiring import worker_services
from tests.support.api_server import Api, running_api

pytestmark = pytest.mark.anyio

KEY, SECRET = "devkey", "for-tests-only-" + "2" * 32
JOINED = {"event": "participant_joined", "room": {"name": "in_+12025550144_abc", "sid": "RM_1"}}


@pytest.fixture
def livekit_settings(settings: Settings) -> Settings:
    return replace(
        settings, livekit_url="ws://127.0.0.1:9", livekit_api_key=KEY, livekit_api_secret=SECRET
    )


@pytest.fixture
async def voiced(livekit_settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    async with (
        api_services(livekit_settings) as services,
        running_api(services, livekit_settings, viewer, build_schema_with_loaders) as api,
    ):
        yield api


def signed(body: bytes, **changes: Any) -> str:
    claims = {
        "iss": KEY,
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        **changes,
    }
    secret = claims.pop("secret", SECRET)
    return jwt.encode(claims, secret, algorithm="HS256")


async def post(api: Api, body: bytes, authorization: str) -> int:
    headers = {"Authorization": authorization}
    response = await api.http.post(WEBHOOK_PATH, content=body, headers=headers)
    return response.status_code


async def test_a_signed_webhook_makes_keepers_look_at_once(
    voiced: Api, livekit_settings: Settings
) -> None:
    body = json.dumps(JOINED).encode()
    async with worker_services(livekit_settings) as wired, asyncio.timeout(60):
        looks = wired.inbound_calls.room_notifications()
        await anext(looks)
        assert await post(voiced, body, signed(body)) == 204
        await anext(looks)


async def test_a_webhook_that_livekit_has_not_signed_is_refused(voiced: Api) -> None:
    body = json.dumps(JOINED).encode()
    forgeries: list[dict[str, Any]] = [
        {"secret": "another-secret-of-32-characters-0000"},
        {"iss": "another-key"},
        {"exp": datetime(2026, 1, 1, tzinfo=UTC)},
        {"sha256": "bm90IHRoaXM="},
    ]
    for changes in forgeries:
        assert await post(voiced, body, signed(body, **changes)) == 401, changes
    assert await post(voiced, b'{"event": "participant_joined"}', signed(body)) == 401
    assert await post(voiced, body, "") == 401


async def test_a_signed_webhook_that_is_no_event_is_refused(voiced: Api) -> None:
    for body in (b"", b"[]", b"{", b'{"room": 1}'):
        assert await post(voiced, body, signed(body)) == 400, body
    large = b" " * (MAX_BODY_BYTES + 1)
    assert await post(voiced, large, signed(large)) == 413


async def test_webhooks_of_other_rooms_are_accepted(voiced: Api) -> None:
    for event in ({"event": "room_started", "room": {"name": "call-1"}}, {"event": "egress_ended"}):
        body = json.dumps(event).encode()
        assert await post(voiced, body, signed(body)) == 204


async def test_an_installation_without_livekit_has_no_webhooks(api: Api) -> None:
    body = json.dumps(JOINED).encode()
    assert await post(api, body, signed(body)) == 404
