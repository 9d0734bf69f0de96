"""Joins and leaves a call's room. Separate from `livekit_rooms`, which does not load LiveKit's media
library."""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient

from domain.calls.model import Call
from domain.common.tasks import cancel_and_wait
from worker.common.livekit_rooms import LiveKitRooms

JOIN_TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 2.0
"""Timeout of one connection attempt within LiveKit's library, shorter than our own."""
ABORT_TIMEOUT_SECONDS = 3.0


class RoomUnreachable(Exception):
    """The room could not be joined in time."""


async def join_room(rooms: LiveKitRooms, call: Call, epoch: int) -> rtc.Room:
    """Join the call's room as the agent of this epoch. Raises `RoomUnreachable`."""
    return await connect_room(rooms, rooms.agent_token(call, epoch))


async def connect_room(
    rooms: LiveKitRooms, token: str, *, room: rtc.Room | None = None, auto_subscribe: bool = True
) -> rtc.Room:
    """Join the room that the token admits to. A given room may have listeners already. Raises
    `RoomUnreachable`."""
    room = room or rtc.Room()
    options = rtc.RoomOptions(
        connect_timeout=CONNECT_TIMEOUT_SECONDS, auto_subscribe=auto_subscribe
    )
    join = asyncio.create_task(room.connect(rooms.url, token, options))
    try:
        await asyncio.wait({join}, timeout=JOIN_TIMEOUT_SECONDS)
        if not join.done():
            raise TimeoutError
        join.result()
    except (rtc.ConnectError, TimeoutError) as error:
        await _abort_join(room, join)
        raise RoomUnreachable(f"The LiveKit server at {rooms.url} cannot be reached.") from error
    except asyncio.CancelledError:
        await _abort_join(room, join)
        raise
    return room


async def leave_room(room: rtc.Room) -> None:
    """Leave the room. Required even if it was closed or the connection was lost, because the library
    keeps queueing events of this process for it."""
    await room.disconnect()
    queue = getattr(room, "_ffi_queue", None)
    if queue is not None:
        FfiClient.instance.queue.unsubscribe(queue)


async def _abort_join(room: rtc.Room, join: asyncio.Task[None]) -> None:
    """Let the join finish and leave again, because the library cannot cancel a join."""
    await asyncio.wait({join}, timeout=ABORT_TIMEOUT_SECONDS)
    await cancel_and_wait(join)
    await leave_room(room)
