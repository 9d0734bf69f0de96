"""Going into a call's room. Apart from the rest of rooms, as only those who talk load its media."""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient

from domain.calls.model import CallId
from domain.common.tasks import cancel_and_wait
from worker.common.livekit_rooms import LiveKitRooms

JOIN_TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 2.0
"""Of one try to reach the server: LiveKit's library gives up by itself, before we do."""
ABORT_TIMEOUT_SECONDS = 3.0


class RoomUnreachable(Exception):
    """LiveKit did not let us in, in time."""


async def join_room(rooms: LiveKitRooms, call: CallId, epoch: int) -> rtc.Room:
    """The call's room, with us in it as the agent of this epoch. `RoomUnreachable`."""
    room = rtc.Room()
    options = rtc.RoomOptions(connect_timeout=CONNECT_TIMEOUT_SECONDS)
    joining = asyncio.create_task(room.connect(rooms.url, rooms.agent_token(call, epoch), options))
    try:
        await asyncio.wait({joining}, timeout=JOIN_TIMEOUT_SECONDS)
        if not joining.done():
            raise TimeoutError
        joining.result()
    except (rtc.ConnectError, TimeoutError) as error:
        await _abort_join(room, joining)
        raise RoomUnreachable(f"LiveKit at {rooms.url} cannot be joined.") from error
    except asyncio.CancelledError:
        await _abort_join(room, joining)
        raise
    return room


async def leave_room(room: rtc.Room) -> None:
    """Also of a room that is closed or was lost: the library then goes on to collect for it whatever
    happens in this process."""
    await room.disconnect()
    queue = getattr(room, "_ffi_queue", None)
    if queue is not None:
        FfiClient.instance.queue.unsubscribe(queue)


async def _abort_join(room: rtc.Room, joining: asyncio.Task[None]) -> None:
    """Whoever is on the way in cannot be stopped, only be led out again."""
    await asyncio.wait({joining}, timeout=ABORT_TIMEOUT_SECONDS)
    await cancel_and_wait(joining)
    await leave_room(room)
