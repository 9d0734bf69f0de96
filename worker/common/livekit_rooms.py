"""LiveKit's room API: agent tokens, removing stale agents, closing the rooms of ended calls."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import aiohttp
from livekit import api

from domain.calls.model import CallId
from domain.calls.rooms import (
    DEPARTURE_TIMEOUT_SECONDS,
    EMPTY_TIMEOUT_SECONDS,
    agent_identity,
    room_name,
)
from domain.common.settings import Settings

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 5.0
TOKEN_TTL = timedelta(hours=6)
ROOM_PREFIX = room_name(CallId(UUID(int=0)))[: -len(str(UUID(int=0)))]


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

    def agent_token(self, call: CallId, epoch: int) -> str:
        """An access token to join the call's room as the agent of this epoch."""
        name = room_name(call)
        grants = api.VideoGrants(
            room_join=True, room=name, agent=True, can_update_own_metadata=True
        )
        timeouts = api.RoomConfiguration(
            empty_timeout=EMPTY_TIMEOUT_SECONDS, departure_timeout=DEPARTURE_TIMEOUT_SECONDS
        )
        token = api.AccessToken(self._key, self._secret)
        return (
            token.with_identity(agent_identity(call, epoch))
            .with_kind("agent")
            .with_grants(grants)
            .with_room_config(timeouts)
            .with_ttl(TOKEN_TTL)
            .to_jwt()
        )

    async def remove_stale_agents(self, call: CallId, epoch: int) -> None:
        """Remove agents of earlier epochs from the call's room. Best effort: they are dead or
        fenced, and the LiveKit server removes them itself after 20 s."""
        name, ours = room_name(call), agent_identity(call, epoch)
        try:
            async with self._client() as server:
                listed = await server.room.list_participants(api.ListParticipantsRequest(room=name))
                for participant in listed.participants:
                    if participant.identity.startswith("agent-") and participant.identity != ours:
                        await server.room.remove_participant(
                            api.RoomParticipantIdentity(room=name, identity=participant.identity)
                        )
        except (api.TwirpError, aiohttp.ClientError, TimeoutError) as error:
            log.warning(
                "failed to remove stale agents", extra={"call_id": str(call), "why": str(error)}
            )

    async def close(self, call: CallId) -> None:
        """Delete the room, which disconnects every participant. The room may be gone already; if
        LiveKit does not respond, the keeper closes the room later."""
        try:
            async with self._client() as server:
                await server.room.delete_room(api.DeleteRoomRequest(room=room_name(call)))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                log.warning(
                    "failed to delete room", extra={"call_id": str(call), "why": error.code}
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("failed to delete room", extra={"call_id": str(call), "why": str(error)})

    async def list_open(self) -> list[CallId]:
        """The calls that have a room; an empty list when LiveKit does not respond."""
        try:
            async with self._client() as server:
                listed = await server.room.list_rooms(api.ListRoomsRequest())
        except (api.TwirpError, aiohttp.ClientError, TimeoutError):
            return []
        return [
            CallId(UUID(r.name[len(ROOM_PREFIX) :])) for r in listed.rooms if _is_call_room(r.name)
        ]

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[api.LiveKitAPI]:
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
        async with api.LiveKitAPI(self.url, self._key, self._secret, timeout=timeout) as server:
            yield server


def _is_call_room(room: str) -> bool:
    try:
        return room.startswith(ROOM_PREFIX) and bool(UUID(room[len(ROOM_PREFIX) :]))
    except ValueError:
        return False
