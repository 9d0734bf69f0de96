"""LiveKit's room API: agent tokens, removing stale agents, closing the rooms of ended calls."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
from livekit import api

from domain.calls.model import Call, CallId
from domain.calls.rooms import (
    AGENT_PREFIX,
    DEPARTURE_TIMEOUT_SECONDS,
    EMPTY_TIMEOUT_SECONDS,
    LOBBY_PREFIX,
    agent_identity,
    lobby_identity,
    room_of,
)
from domain.common.settings import Settings

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 5.0
TOKEN_TTL = timedelta(hours=6)
NUL = "\x00"
"""Names that contain it cannot be stored. Rooms of inbound calls are named after what a caller sends."""


class LiveKitRooms:
    def __init__(self, url: str, key: str, secret: str) -> None:
        self.url = url
        self._key = key
        self._secret = secret

    @classmethod
    def from_settings(cls, settings: Settings) -> LiveKitRooms | None:
        """None when LiveKit is not configured, so there are no voice calls."""
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        return cls(settings.livekit_url, key, secret) if settings.livekit_url and key else None

    def agent_token(self, call: Call, epoch: int) -> str:
        """An access token to join the call's room as the agent of this epoch."""
        return self._token(call, agent_identity(call.id, epoch))

    def lobby_token(self, call: Call, epoch: int) -> str:
        """An access token to join the call's room as the lobby of this epoch of the hold."""
        return self._token(call, lobby_identity(call.id, epoch))

    def _token(self, call: Call, identity: str) -> str:
        name = room_of(call)
        grants = api.VideoGrants(
            room_join=True, room=name, agent=True, can_update_own_metadata=True
        )
        timeouts = api.RoomConfiguration(
            empty_timeout=EMPTY_TIMEOUT_SECONDS, departure_timeout=DEPARTURE_TIMEOUT_SECONDS
        )
        token = api.AccessToken(self._key, self._secret)
        return (
            token.with_identity(identity)
            .with_kind("agent")
            .with_grants(grants)
            .with_room_config(timeouts)
            .with_ttl(TOKEN_TTL)
            .to_jwt()
        )

    async def remove_stale_agents(self, call: Call, epoch: int) -> None:
        """Remove agents of earlier epochs from the call's room. Best effort: they are dead or
        fenced, and the LiveKit server removes them itself after 20 s."""
        await self._remove_stale(call, AGENT_PREFIX, agent_identity(call.id, epoch))

    async def remove_stale_lobbies(self, call: Call, epoch: int) -> None:
        """Remove lobbies of earlier epochs from the call's room. Best effort, as for agents."""
        await self._remove_stale(call, LOBBY_PREFIX, lobby_identity(call.id, epoch))

    async def _remove_stale(self, call: Call, prefix: str, ours: str) -> None:
        name = room_of(call)
        try:
            async with self.client() as server:
                listed = await server.room.list_participants(api.ListParticipantsRequest(room=name))
                for participant in listed.participants:
                    if participant.identity.startswith(prefix) and participant.identity != ours:
                        await server.room.remove_participant(
                            api.RoomParticipantIdentity(room=name, identity=participant.identity)
                        )
        except (api.TwirpError, aiohttp.ClientError, TimeoutError) as error:
            log.warning(
                "failed to remove stale participants",
                extra={"call_id": str(call.id), "why": str(error)},
            )

    async def close(self, room: str, call: CallId) -> None:
        """Delete the room, which disconnects every participant. The room may be gone already; if
        LiveKit does not respond, the keeper closes the room later."""
        try:
            async with self.client() as server:
                await server.room.delete_room(api.DeleteRoomRequest(room=room))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                log.warning(
                    "failed to delete room", extra={"call_id": str(call), "why": error.code}
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("failed to delete room", extra={"call_id": str(call), "why": str(error)})

    async def list_open(self) -> list[str]:
        """The names of all rooms that a call may have; an empty list when LiveKit does not respond."""
        try:
            async with self.client() as server:
                listed = await server.room.list_rooms(api.ListRoomsRequest())
        except (api.TwirpError, aiohttp.ClientError, TimeoutError):
            return []
        return [room.name for room in listed.rooms if NUL not in room.name]

    @asynccontextmanager
    async def client(
        self, timeout_seconds: float = REQUEST_TIMEOUT_SECONDS
    ) -> AsyncGenerator[api.LiveKitAPI]:
        """A client whose requests are sent once."""
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        async with api.LiveKitAPI(
            self.url, self._key, self._secret, timeout=timeout, failover=False
        ) as server:
            yield server
