from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from domain.common.tasks import cancel_and_wait
from local.emulators.livekit_sip.front import running_front, serving
from tests.support.waiting import WAIT_SECONDS

pytestmark = pytest.mark.anyio


async def test_a_client_that_leaves_before_livekit_lets_it_in_is_not_forwarded() -> None:
    """LiveKit would let it in later, and remove the next connection of the same participant."""
    arrived, left = asyncio.Event(), asyncio.Event()

    async def join_slowly(_: web.Request) -> web.Response:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return web.Response()

    livekit = web.Application()
    livekit.router.add_get("/rtc", join_slowly)
    async with (
        serving(livekit, 0, handler_cancellation=True) as livekit_port,
        running_front(f"ws://127.0.0.1:{livekit_port}", "http://127.0.0.1:9") as port,
        aiohttp.ClientSession() as http,
        asyncio.timeout(WAIT_SECONDS),
    ):
        joining = asyncio.create_task(http.ws_connect(f"ws://127.0.0.1:{port}/rtc"))
        await arrived.wait()
        await cancel_and_wait(joining)
        await left.wait()
