"""A telephone call in a room: what outbound and inbound legs have in common after the answer."""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NoReturn

from livekit import rtc

from domain.common.tasks import first_event
from local.emulators.livekit_sip import outcomes, transfers
from local.emulators.livekit_sip.room_leg import LegIdentity, Livekit, RoomLeg
from local.emulators.livekit_sip.twirp import TwirpError
from local.phone import sdp
from local.phone.media import Media, open_media
from local.phone.sdp import UnsupportedSession
from local.phone.sip_call import SipCall
from local.phone.sip_message import Headers, canonical_name
from local.phone.tones import RingingTone
from local.phone.transactions import ServerTransaction

FIRST_MEDIA_SECONDS, MEDIA_SECONDS = 30.0, 15.0
"""After so long without RTP a call counts as dead: at its beginning, and later."""
CHECK_INTERVAL_SECONDS = 0.2
AFTER_TRANSFER_SECONDS = 0.8
"""How long the other side may take to hang up after a successful transfer."""
HIDDEN_HEADERS = frozenset(
    {
        *("route", "record-route", "via", "supported", "accept", "allow", "allow-events"),
        *("content-type", "content-length", "content-encoding", "content-disposition", "cseq"),
        *("event", "expires", "session-expires", "min-se", "max-forwards"),
    }
)
"""Headers that `lk.sip.GetRemoteHeaders` leaves out."""


@dataclass(frozen=True, slots=True)
class LegEnd:
    """How a leg ends: why it leaves the room, whether its status becomes `hangup`, and whether it
    has to hang up the telephone."""

    reason: rtc.DisconnectReason.ValueType = rtc.DisconnectReason.CLIENT_INITIATED
    is_hangup: bool = False
    sends_bye: bool = False


FAR_END = LegEnd(is_hangup=True)
REMOVED = LegEnd(sends_bye=True)
HUNG_UP = LegEnd(is_hangup=True, sends_bye=True)
NO_MEDIA = LegEnd(sends_bye=True)


class Leg(ABC):
    def __init__(self, livekit: Livekit, identity: LegIdentity, signalling: SipCall) -> None:
        self.room = RoomLeg(livekit, identity)
        self.signalling = signalling
        self.media: Media
        self._tasks: asyncio.TaskGroup
        self.is_established = False
        self.end_requested = asyncio.Event()
        self._bye_headers: Headers = ()
        self._transfers = transfers.TransferReports()

    async def run(self) -> None:
        """The whole call; its tasks end with it."""
        self.media = await open_media()
        async with asyncio.TaskGroup() as self._tasks:
            try:
                await self._run()
            finally:
                await self.media.close()
                await self.room.leave(rtc.DisconnectReason.CLIENT_INITIATED)

    @abstractmethod
    async def _run(self) -> None: ...

    async def _join(self) -> None:
        await self.room.join(
            {
                "lk.sip.EndCall": self._rpc_end_call,
                "lk.sip.GetRemoteHeaders": self._rpc_remote_headers,
            },
            self._tasks,
        )

    def end_call(self, headers: Headers = ()) -> None:
        """Hang up as soon as possible, with additional headers in the BYE."""
        self._bye_headers = headers
        self.end_requested.set()

    async def talk(self, max_seconds: float | None) -> LegEnd:
        """Stay in the call until one side ends it."""
        self.is_established = True
        self.signalling.on_request = self._receive
        self.signalling.on_new_sdp = lambda body: self.media.connect(sdp.parse(body))
        media_lost = asyncio.Event()
        watch = self._tasks.create_task(self._watch_media(media_lost))
        try:
            event = await first_event(
                *(self.signalling.ended, self.room.left, self.end_requested, media_lost),
                timeout_seconds=max_seconds,
            )
        finally:
            watch.cancel()
        self.is_established = False
        return NO_MEDIA if event is media_lost else self._end_by(event)

    def _end_by(self, event: asyncio.Event | None) -> LegEnd:
        """How the leg ends after this event, or after its time is over."""
        if event is self.signalling.ended:
            return FAR_END
        return REMOVED if event is self.room.left else HUNG_UP

    async def close(self, end: LegEnd) -> None:
        if end.is_hangup:
            await self.room.set_status("hangup")
        if end.sends_bye:
            await self.signalling.bye(self._bye_headers)
        await self.room.leave(end.reason)

    async def transfer(
        self, target: str, headers: Headers, timeout_seconds: float, *, plays_tone: bool
    ) -> None:
        """Ask the other side to call another number (REFER). Raises `TwirpError` if it does not."""
        if not self.is_established:
            raise TwirpError(outcomes.NOT_ESTABLISHED)
        source = self.media.source
        if plays_tone:
            self.media.source = RingingTone().next_frame
        try:
            await transfers.refer(
                self.signalling, self._transfers, target, headers, timeout_seconds
            )
        except TwirpError:
            self.media.source = source
            raise
        loop = asyncio.get_running_loop()
        loop.call_later(AFTER_TRANSFER_SECONDS, self.end_requested.set)

    async def _watch_media(self, lost: asyncio.Event) -> None:
        begun = time.monotonic()
        while True:
            last = self.media.last_packet_at
            deadline = begun + FIRST_MEDIA_SECONDS if last is None else last + MEDIA_SECONDS
            if (remaining := deadline - time.monotonic()) <= 0:
                lost.set()
                return
            await asyncio.sleep(min(remaining, CHECK_INTERVAL_SECONDS))

    def _receive(self, transaction: ServerTransaction) -> None:
        if transaction.request.method == "NOTIFY":
            self._transfers.receive(transaction)
        else:
            transaction.reply(405)

    async def _rpc_end_call(self, invocation: rtc.RpcInvocationData) -> str:
        headers = json.loads(invocation.payload or "{}").get("headers", {})
        self.end_call(tuple((str(name), str(value)) for name, value in headers.items()))
        await self._until_disconnected()

    async def _until_disconnected(self) -> NoReturn:
        """The end of the connection cancels this, which is all that the client learns."""
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def _rpc_remote_headers(self, invocation: rtc.RpcInvocationData) -> str:
        asked = json.loads(invocation.payload or "{}")
        include = {name.lower() for name in asked.get("include", [])}
        exclude = {name.lower() for name in asked.get("exclude", [])} | HIDDEN_HEADERS
        headers = {
            name: value
            for name, value in self.signalling.remote_headers
            if (not include or name.lower() in include) and canonical_name(name) not in exclude
        }
        return json.dumps({"headers": headers})

    def connect_media(self, body: str) -> bool:
        """Send audio to where a session description says. Returns whether that is possible."""
        try:
            self.media.connect(sdp.parse(body))
        except UnsupportedSession:
            return False
        return True
