"""Going into a call's room. Apart from the rest of rooms, as only those who talk load its media."""

from __future__ import annotations

import asyncio

from livekit import rtc

from domain.calls import CallId
from worker.rooms import Rooms

JOIN_SECONDS = 10.0


class RoomUnreachable(Exception):
    """LiveKit did not let us in, in time."""


async def join(rooms: Rooms, call: CallId, epoch: int) -> rtc.Room:
    """The call's room, with us in it as the agent of this epoch. `RoomUnreachable`."""
    room = rtc.Room()
    try:
        async with asyncio.timeout(JOIN_SECONDS):
            await room.connect(rooms.url, rooms.token(call, epoch))
    except (rtc.ConnectError, TimeoutError) as error:
        await room.disconnect()
        raise RoomUnreachable(f"LiveKit at {rooms.url} cannot be joined.") from error
    return room
