"""Finds the rooms into which carriers have sent calls, and opens a call for each.

LiveKit's webhooks make a keeper look at once; without them it looks every second. What is found does
not depend on the webhooks, so lost, late and repeated ones do no harm."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import aiohttp
from livekit import api

from domain.calls.inbound import InboundCalls, InboundLeg, header_key
from domain.calls.model import CallId
from domain.common.errors import CallerRefused, NotFound, QuotaExceeded, Unavailable
from domain.telephony.inbound_routes import (
    HEADER_ATTRIBUTE_PREFIX,
    INBOUND_ROOM_PREFIX,
    INSTALLATION_ATTRIBUTE,
    NUMBER_ATTRIBUTE,
    InboundRoutes,
)
from worker.common.livekit_rooms import NUL, LiveKitRooms

log = logging.getLogger(__name__)

CALLER_ATTRIBUTE = "sip.phoneNumber"
CALLER_NUMBER = re.compile(r"\+?[0-9]{2,20}")
MAX_HEADER_LENGTH = 1_000
ABSENCE_SECONDS = 10.0
"""A caller who was not in the room for this long has hung up."""


class InboundCallWatcher:
    def __init__(self, rooms: LiveKitRooms, calls: InboundCalls, routes: InboundRoutes) -> None:
        self._rooms = rooms
        self._calls = calls
        self._routes = routes
        self._absent_since: dict[CallId, float] = {}
        """Since when waiting callers are not in their rooms, by `time.monotonic`."""

    async def run(self) -> None:
        async for _ in self._calls.room_notifications():
            with suppress(Unavailable):  # the next look follows in a second
                await self.open_calls()

    async def open_calls(self) -> None:
        """Open a call for each inbound room of this installation that has none. Raises `Unavailable`."""
        try:
            async with self._rooms.client() as server:
                await self._open_calls(server)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("LiveKit does not list its rooms.") from error

    async def _open_calls(self, server: api.LiveKitAPI) -> None:
        listed = (await server.room.list_rooms(api.ListRoomsRequest())).rooms
        await self._end_abandoned(listed)
        inbound = [room for room in listed if _is_inbound(room.name)]
        if not inbound:
            return
        installation = await self._routes.installation_id()
        ours = [room.name for room in inbound if _is_of(room.metadata, installation)]
        for name in await self._calls.rooms_without_call(ours):
            try:
                await self._open_call(server, name)
            except api.TwirpError as error:
                # The callers in other rooms do not wait for this one, which is tried again.
                if error.code != api.TwirpErrorCode.NOT_FOUND:  # closed in the meantime
                    log.warning("failed to open an inbound call", extra={"why": error.code})

    async def _end_abandoned(self, rooms: Sequence[api.Room]) -> None:
        """End calls whose callers have hung up while they waited for a worker. After a restart of
        LiveKit's server, callers are absent for some seconds."""
        occupied = {room.name for room in rooms if room.num_participants > 0}
        now = time.monotonic()
        absent = [leg for leg in await self._calls.unclaimed() if leg.room_name not in occupied]
        self._absent_since = {
            leg.call_id: self._absent_since.get(leg.call_id, now) for leg in absent
        }
        for leg in absent:
            is_gone = now - self._absent_since[leg.call_id] >= ABSENCE_SECONDS
            if is_gone and await self._calls.end_abandoned(leg.call_id):
                facts = {"call_id": str(leg.call_id)}
                log.info("ended a call whose caller has hung up", extra=facts)
                # LiveKit may have forgotten a room in which the caller still is.
                await self._rooms.close(leg.room_name, leg.call_id)

    async def _open_call(self, server: api.LiveKitAPI, room: str) -> None:
        listed = await server.room.list_participants(api.ListParticipantsRequest(room=room))
        leg = leg_of(room, listed.participants)
        if leg is None:
            return  # not there yet, or the caller has given up
        try:
            opened = await self._calls.open(leg)
        except (QuotaExceeded, CallerRefused, NotFound) as refused:
            facts = {"phone_number_id": str(leg.number_id), "why": refused.code}
            log.warning("refused an inbound call", extra=facts)
            await server.room.delete_room(api.DeleteRoomRequest(room=room))
            return
        if opened is not None:
            log.info("opened an inbound call", extra={"call_id": str(opened)})


def leg_of(room: str, participants: Sequence[api.ParticipantInfo]) -> InboundLeg | None:
    """The caller in the room of an inbound call; None if there is none."""
    for participant in participants:
        attributes = dict(participant.attributes)
        number = _uuid(attributes.get(NUMBER_ATTRIBUTE, ""))
        is_phone = participant.kind == api.ParticipantInfo.Kind.SIP
        if number is None or not is_phone or NUL in participant.identity:
            continue
        caller = attributes.get(CALLER_ATTRIBUTE, "")
        return InboundLeg(
            room_name=room,
            identity=participant.identity,
            number_id=number,
            caller_number=caller if CALLER_NUMBER.fullmatch(caller) else None,
            headers=_headers(attributes),
        )
    return None


def _headers(attributes: Mapping[str, str]) -> Mapping[str, str]:
    start = len(HEADER_ATTRIBUTE_PREFIX)
    return {
        header_key(name[start:]): value.replace(NUL, "")[:MAX_HEADER_LENGTH]
        for name, value in attributes.items()
        if name.startswith(HEADER_ATTRIBUTE_PREFIX)
    }


def _is_inbound(room: str) -> bool:
    return room.startswith(f"{INBOUND_ROOM_PREFIX}_") and NUL not in room


def _is_of(metadata: str, installation: UUID) -> bool:
    try:
        facts = json.loads(metadata or "{}")
    except ValueError:
        return False
    return isinstance(facts, dict) and facts.get(INSTALLATION_ATTRIBUTE) == str(installation)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
