"""LiveKit's API for who can hear what in a room. Every request may be repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

import aiohttp
from livekit import api

from domain.common.errors import Unavailable

ResponseT = TypeVar("ResponseT")


class RoomPermissions:
    """The permissions in one room. Requests about participants who have left do nothing, and all raise
    `Unavailable` while LiveKit does not respond."""

    def __init__(self, server: api.LiveKitAPI, room: str) -> None:
        self._server = server
        self._room = room

    async def tracks(self) -> Mapping[str, Sequence[str]]:
        """The ids of the tracks that each participant publishes, by identity. The server knows them
        also where the events of this worker are late, as after a restart of the server."""
        request = api.ListParticipantsRequest(room=self._room)
        response = await _responding(self._server.room.list_participants(request))
        participants = response.participants if response is not None else ()
        return {each.identity: [track.sid for track in each.tracks] for each in participants}

    async def set_subscribed(
        self, identity: str, track_sids: Sequence[str], subscribed: bool
    ) -> None:
        """Let the participant receive these tracks, or not."""
        request = api.UpdateSubscriptionsRequest(
            room=self._room, identity=identity, track_sids=track_sids, subscribe=subscribed
        )
        await _responding(self._server.room.update_subscriptions(request))

    async def set_may_listen(self, identity: str, allowed: bool) -> None:
        """Let a telephone leg receive tracks at all, or none. It may always publish its audio and its
        status."""
        permission = api.ParticipantPermission(
            can_subscribe=allowed,
            can_publish=True,
            can_publish_data=True,
            can_update_metadata=True,
        )
        request = api.UpdateParticipantRequest(
            room=self._room, identity=identity, permission=permission
        )
        await _responding(self._server.room.update_participant(request))


async def _responding(request: Awaitable[ResponseT]) -> ResponseT | None:
    """The response; None if what it is about is gone."""
    try:
        return await request
    except api.TwirpError as error:
        if error.code != api.TwirpErrorCode.NOT_FOUND:
            raise Unavailable("LiveKit does not change permissions.") from error
        return None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable("LiveKit cannot be reached.") from error
