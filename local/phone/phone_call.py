"""A call of the softphone: its signalling and its audio together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from local.phone import sdp
from local.phone.answer import ANSWERS, Answer, ReferAnswer
from local.phone.digest import Credentials
from local.phone.media import Media, open_media
from local.phone.sdp import UnsupportedSession
from local.phone.sip_call import CallEnd, IncomingCall, OutgoingCall, Side, SipCall
from local.phone.sip_message import (
    REASONS,
    Headers,
    SipRequest,
    SipResponse,
    response_to,
    tag_of,
    uri_of,
    user_of,
)
from local.phone.transactions import ServerTransaction, TransactionTimeout

WAIT_SECONDS = 60.0
SIPFRAG = ("Content-Type", "message/sipfrag;version=2.0")

StartTask = Callable[[Coroutine[Any, Any, None]], None]


class PhoneCall:
    """Waiting methods raise `TimeoutError` after a minute."""

    def __init__(
        self,
        signalling: SipCall,
        media: Media,
        number: str,
        start_task: StartTask,
        refer: ReferAnswer = ANSWERS.refer,
    ) -> None:
        self.media = media
        self.number = number
        """The number of the other side."""
        self.answered = asyncio.Event()
        self.provisional: list[int] = []
        """The statuses that our own call has received before the final one."""
        self.refers: list[SipRequest] = []
        """The requests to transfer this call."""
        self._referred = asyncio.Event()
        self._signalling = signalling
        self._start_task = start_task
        self._refer = refer
        signalling.on_request = self._receive
        signalling.on_new_sdp = self._connect_media
        start_task(self._close_media_at_the_end())

    @classmethod
    def incoming(
        cls, signalling: IncomingCall, media: Media, answer: Answer, start_task: StartTask
    ) -> PhoneCall:
        caller = user_of(uri_of(signalling.invite.header("from")))
        signalling.answers_bye = answer.confirms_bye
        return cls(signalling, media, caller, start_task, answer.refer)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the other side's INVITE, or of its final response to ours."""
        return dict(self._signalling.remote_headers)

    @property
    def tags(self) -> tuple[str, str]:
        """The tags of this side and of the other one, which identify a call with its Call-ID."""
        dialog = self._signalling.dialog
        return dialog.local_tag, tag_of(dialog.remote)

    @property
    def end(self) -> CallEnd | None:
        return self._signalling.end

    @property
    def ended(self) -> asyncio.Event:
        return self._signalling.ended

    async def until_answered(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            await self.answered.wait()

    async def until_ended(self) -> CallEnd:
        async with asyncio.timeout(WAIT_SECONDS):
            await self.ended.wait()
        assert self.end is not None
        return self.end

    async def until_referred(self) -> SipRequest:
        """Wait for a request to transfer this call."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self._referred.wait()
        return self.refers[0]

    async def hang_up(self, headers: Headers = ()) -> None:
        """End the call, or stop ringing at the other side."""
        if isinstance(self._signalling, OutgoingCall):
            await self._signalling.hang_up(headers)
        else:
            await self._signalling.bye(headers)

    async def _close_media_at_the_end(self) -> None:
        await self.ended.wait()
        await self.media.close()

    async def request(self, method: str) -> int:
        """Send a request without a body, such as INFO, and return the status of the response."""
        response = self._signalling.send(method).response
        return (await asyncio.wait_for(response, WAIT_SECONDS)).status

    async def move(self) -> int:
        """Receive audio on another port from now on, as a phone does that changes its network, and
        return the status of the other side's response."""
        moved = await open_media(self.media.session.host)
        moved.take_over(self.media)
        await self.media.close()
        self.media = moved
        invited = self._signalling.reinvite(sdp.describe(moved.session, version=2))
        return (await asyncio.wait_for(invited, WAIT_SECONDS)).status

    # ---- an incoming call ------------------------------------------------------------------

    def pick_up(self, headers: Headers = ()) -> None:
        call = self._signalling
        assert isinstance(call, IncomingCall)
        try:
            self._connect_media(call.invite.body)
        except UnsupportedSession:
            call.refuse(488)
            return
        call.accept(sdp.describe(self.media.session), headers)
        self.answered.set()

    def refuse(self, status: int, reason: str = "", headers: Headers = ()) -> None:
        assert isinstance(self._signalling, IncomingCall)
        self._signalling.refuse(status, reason, headers)

    # ---- our own call ----------------------------------------------------------------------

    def dial(self, headers: Headers = (), credentials: Credentials | None = None) -> None:
        call = self._signalling
        assert isinstance(call, OutgoingCall)
        call.on_progress = lambda response: self.provisional.append(response.status)
        call.dial(sdp.describe(self.media.session), headers, credentials=credentials)
        call.final.add_done_callback(self._on_final)

    def repeat_invite(self) -> None:
        """Send the INVITE once more, as if no response had arrived."""
        assert isinstance(self._signalling, OutgoingCall)
        self._signalling.repeat_invite()

    async def final_status(self, timeout_seconds: float = WAIT_SECONDS) -> int:
        """The status with which the other side has decided about our call."""
        call = self._signalling
        assert isinstance(call, OutgoingCall)
        async with asyncio.timeout(timeout_seconds):
            return (await asyncio.shield(call.final)).status

    def _on_final(self, final: asyncio.Future[SipResponse]) -> None:
        if final.cancelled() or final.exception() or not final.result().is_success:
            return
        if self.end is None:
            try:
                self._connect_media(final.result().body)
            except UnsupportedSession:
                self._start_task(self._signalling.bye())
                return
            self.answered.set()

    # ---- requests within the call ----------------------------------------------------------

    def _connect_media(self, body: str) -> None:
        self.media.connect(sdp.parse(body))

    def _receive(self, transaction: ServerTransaction) -> None:
        match transaction.request.method:
            case "REFER":
                self.refers.append(transaction.request)
                self._referred.set()
                self._start_task(self._react_to_refer(transaction))
            case "NOTIFY":
                transaction.reply(200)
            case _:
                transaction.reply(405)

    async def _react_to_refer(self, transaction: ServerTransaction) -> None:
        answer = self._refer
        contact = (("Contact", self._signalling.dialog.contact),)
        transaction.respond(response_to(transaction.request, answer.status, headers=contact))
        if answer.status >= 300:
            return
        if answer.hangs_up:
            await self._signalling.bye()
            return
        number, _ = transaction.request.sequence
        for status in answer.notifications:
            await asyncio.sleep(answer.interval_seconds)
            if self.end is not None:
                return
            await self._notify(number, status)

    async def _notify(self, refer: int, status: int) -> None:
        state = "active;expires=60" if status < 200 else "terminated;reason=noresource"
        headers = (("Event", f"refer;id={refer}"), ("Subscription-State", state), SIPFRAG)
        body = f"SIP/2.0 {status} {REASONS.get(status, 'Unknown')}\r\n"
        try:
            await self._signalling.send("NOTIFY", headers, body).response
        except TransactionTimeout:
            self._signalling.finish(CallEnd(Side.REMOTE, 408))
