"""LiveKit's rooms as its server tends them: who may join, the dead put out, the ended closed."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import aiohttp
from livekit import api

from domain.calls.model import CallId
from domain.calls.rooms import DEPARTURE_SECONDS, EMPTY_SECONDS, agent_identity, room_of
from domain.common.settings import Settings

log = logging.getLogger(__name__)

ASK_SECONDS = 5.0
TOKEN_FOR = timedelta(hours=6)
PREFIX = room_of(CallId(UUID(int=0)))[: -len(str(UUID(int=0)))]


class Rooms:
    def __init__(self, url: str, key: str, secret: str) -> None:
        self.url = url
        self._key = key
        self._secret = secret

    @classmethod
    def of(cls, settings: Settings) -> Rooms | None:
        """None: there is no LiveKit, so no voice calls."""
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        return cls(settings.livekit_url, key, secret) if settings.livekit_url and key else None

    def token(self, call: CallId, epoch: int) -> str:
        """Lets us in as the agent of this epoch."""
        name = room_of(call)
        grants = api.VideoGrants(
            room_join=True, room=name, agent=True, can_update_own_metadata=True
        )
        timeouts = api.RoomConfiguration(
            empty_timeout=EMPTY_SECONDS, departure_timeout=DEPARTURE_SECONDS
        )
        token = api.AccessToken(self._key, self._secret)
        return (
            token.with_identity(agent_identity(call, epoch))
            .with_kind("agent")
            .with_grants(grants)
            .with_room_config(timeouts)
            .with_ttl(TOKEN_FOR)
            .to_jwt()
        )

    async def clear_out(self, call: CallId, epoch: int) -> None:
        """Put earlier agents of the call out of its room; best effort, for they are dead or
        fenced, and the server puts them out by itself after 20 s."""
        name, ours = room_of(call), agent_identity(call, epoch)
        try:
            async with self._server() as server:
                found = await server.room.list_participants(api.ListParticipantsRequest(room=name))
                for participant in found.participants:
                    if participant.identity.startswith("agent-") and participant.identity != ours:
                        await server.room.remove_participant(
                            api.RoomParticipantIdentity(room=name, identity=participant.identity)
                        )
        except (api.TwirpError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("earlier agents stay", extra={"call_id": str(call), "why": str(error)})

    async def close(self, call: CallId) -> None:
        """End the room, and with it everybody's connection. It may be gone already; when LiveKit
        does not answer, the keeper closes it later."""
        try:
            async with self._server() as server:
                await server.room.delete_room(api.DeleteRoomRequest(room=room_of(call)))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                log.warning("room stays", extra={"call_id": str(call), "why": error.code})
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("room stays", extra={"call_id": str(call), "why": str(error)})

    async def open(self) -> list[CallId]:
        """The calls that there are rooms for; none when LiveKit does not answer."""
        try:
            async with self._server() as server:
                found = await server.room.list_rooms(api.ListRoomsRequest())
        except (api.TwirpError, aiohttp.ClientError, TimeoutError):
            return []
        return [CallId(UUID(r.name[len(PREFIX) :])) for r in found.rooms if _is_ours(r.name)]

    @asynccontextmanager
    async def _server(self) -> AsyncGenerator[api.LiveKitAPI]:
        patience = aiohttp.ClientTimeout(total=ASK_SECONDS)
        async with api.LiveKitAPI(self.url, self._key, self._secret, timeout=patience) as server:
            yield server


def _is_ours(room: str) -> bool:
    try:
        return room.startswith(PREFIX) and bool(UUID(room[len(PREFIX) :]))
    except ValueError:
        return False
