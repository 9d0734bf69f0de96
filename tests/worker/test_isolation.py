"""Caller and colleague of a warm transfer are connected as LiveKit lists them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from livekit import api

from domain.common.errors import Unavailable
from local.livekit import LivekitCredentials
from tests.support.room_probe import joined_probe
from worker.common.room_permissions import RoomPermissions
from worker.session.call_clock import CallClock
from worker.session.isolation import Isolation

pytestmark = pytest.mark.anyio


async def test_legs_that_livekit_does_not_list_are_not_connected(
    livekit: LivekitCredentials,
) -> None:
    name = f"transfer-{uuid4()}"
    async with (
        joined_probe(livekit, name) as agent,
        joined_probe(livekit, name, "colleague"),
        api.LiveKitAPI(livekit.url, livekit.key, livekit.secret) as server,
    ):
        isolation = Isolation(
            agent.room, RoomPermissions(server, name), "caller", "colleague", CallClock()
        )
        await agent.until(lambda: "colleague" in agent.room.remote_participants)
        with pytest.raises(Unavailable):
            await isolation.bridge()
        async with joined_probe(livekit, name, "caller"):
            await isolation.bridge()
        isolation.close()
