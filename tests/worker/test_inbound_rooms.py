"""Keepers find the rooms of inbound calls, and open a call for each."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from livekit import api

from domain.calls.inbound import InboundLeg, WaitingLeg
from domain.calls.model import CallId
from domain.telephony.inbound_routes import (
    INSTALLATION_ATTRIBUTE,
    NUMBER_ATTRIBUTE,
    InboundRoute,
)
from local.emulators.livekit_sip.front import serving
from local.emulators.livekit_sip.twirp import Failure, message_response
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.inbound_calls import InboundCallWatcher

pytestmark = pytest.mark.anyio

INSTALLATION, NUMBER_ID = UUID(int=1), UUID(int=2)
SECRET = "for-tests-only-" + "3" * 32
CALLER = "+12025550144"


def caller(identity: str = f"sip_{CALLER}") -> api.ParticipantInfo:
    return api.ParticipantInfo(
        identity=identity,
        kind=api.ParticipantInfo.Kind.SIP,
        attributes={NUMBER_ATTRIBUTE: str(NUMBER_ID), "sip.phoneNumber": CALLER},
    )


@dataclass
class Rooms:
    """The rooms of a LiveKit server; None in place of the participants if it does not list them."""

    participants: Mapping[str, Sequence[api.ParticipantInfo] | None]

    async def serve(self, request: web.Request) -> web.Response:
        if request.match_info["method"] == "ListRooms":
            metadata = json.dumps({INSTALLATION_ATTRIBUTE: str(INSTALLATION)})
            rooms = [api.Room(name=name, metadata=metadata) for name in self.participants]
            return message_response(api.ListRoomsResponse(rooms=rooms))
        asked = api.ListParticipantsRequest.FromString(await request.read())
        listed = self.participants[asked.room]
        if listed is None:
            return Failure("internal", "no response").response()
        return message_response(api.ListParticipantsResponse(participants=listed))


@dataclass
class Calls:
    """Calls that are stored nowhere."""

    asked: list[str] = field(default_factory=list)
    opened: list[InboundLeg] = field(default_factory=list)

    async def rooms_without_call(self, rooms: Sequence[str]) -> Sequence[str]:
        self.asked += rooms
        return rooms

    async def open(self, leg: InboundLeg) -> CallId | None:
        self.opened.append(leg)
        return CallId(uuid4())

    async def unclaimed(self) -> Sequence[WaitingLeg]:
        return ()

    async def end_abandoned(self, id: CallId) -> bool:
        return False

    async def room_notifications(self) -> AsyncIterator[None]:
        yield


class Routes:
    async def installation_id(self) -> UUID:
        return INSTALLATION

    async def inbound_routes(self) -> Sequence[InboundRoute]:
        return ()


async def calls_in(rooms: Rooms) -> Calls:
    """What becomes of the rooms when a keeper looks once."""
    calls, app = Calls(), web.Application()
    app.router.add_post("/twirp/livekit.RoomService/{method}", rooms.serve)
    async with serving(app, 0) as port:
        livekit = LiveKitRooms(f"ws://127.0.0.1:{port}", "devkey", SECRET)
        await InboundCallWatcher(livekit, calls, Routes()).open_calls()
    return calls


async def test_a_room_whose_caller_livekit_does_not_list_holds_up_no_other_caller() -> None:
    rooms = Rooms({"in_1": None, f"in_{CALLER}_2": [caller()], "in_3": []})
    calls = await calls_in(rooms)
    assert calls.asked == ["in_1", f"in_{CALLER}_2", "in_3"]
    assert calls.opened == [
        InboundLeg(
            room_name=f"in_{CALLER}_2",
            identity=f"sip_{CALLER}",
            number_id=NUMBER_ID,
            caller_number=CALLER,
        )
    ]


async def test_what_cannot_be_stored_becomes_no_call() -> None:
    rooms = Rooms({"in_\x00_1": [caller()], "in_2": [caller("sip_\x00")]})
    calls = await calls_in(rooms)
    assert (calls.asked, calls.opened) == (["in_2"], [])
