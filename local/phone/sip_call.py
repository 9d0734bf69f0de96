"""The signalling of one call at one of its ends, without audio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from local.phone import digest
from local.phone.dialog import Dialog
from local.phone.digest import Credentials
from local.phone.sdp import CONTENT_TYPE, UnsupportedSession
from local.phone.sip_message import (
    Headers,
    SipResponse,
    response_to,
)
from local.phone.sip_socket import SipSocket
from local.phone.transactions import (
    ClientTransaction,
    InviteTransaction,
    ServerTransaction,
    TransactionTimeout,
)

NOT_AUTHENTICATED = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
AUTHORIZATION = {401: "Authorization", 407: "Proxy-Authorization"}


class Side(StrEnum):
    LOCAL = "local"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class CallEnd:
    """Who ended a call; the status if it was never established; the headers of the BYE."""

    by: Side
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class SipCall:
    """`on_request` answers requests within the call other than BYE; without it they are refused."""

    def __init__(self, socket: SipSocket, dialog: Dialog) -> None:
        self.dialog = dialog
        self.ended = asyncio.Event()
        self.end: CallEnd | None = None
        self.remote_headers: Headers = ()
        """The headers of the other side's INVITE, or of its answer to ours."""
        self.local_sdp = ""
        self.on_request: Callable[[ServerTransaction], None] | None = None
        self.on_new_sdp: Callable[[str], None] = lambda body: None
        self.answers_bye = True
        self._socket = socket

    def send(self, method: str, headers: Headers = (), body: str = "") -> ClientTransaction:
        """Send a request within the call."""
        request = self.dialog.request(method, headers, body)
        return self._socket.send_request(request, self.dialog.peer)

    async def reinvite(self, sdp: str) -> SipResponse:
        """Change the audio of an established call with another INVITE."""
        self.local_sdp = sdp
        request = self.dialog.request("INVITE", (CONTENT_TYPE,), sdp)
        transaction = self._socket.send_invite(request, self.dialog.peer, lambda response: None)
        response = await transaction.final
        if response.is_success:
            ack = self.dialog.ack(transaction.request)
            transaction.acknowledge(self._socket.with_new_branch(ack))
        return response

    async def bye(self, headers: Headers = ()) -> None:
        """Hang up an established call. Returns when the other side has confirmed that, or when it
        counts as dead."""
        if self.end is None:
            transaction = self.send("BYE", headers)
            self.finish(CallEnd(Side.LOCAL))
            with suppress(TransactionTimeout):
                await asyncio.shield(transaction.response)

    def finish(self, end: CallEnd) -> None:
        if self.end is None:
            self.end = end
            self.ended.set()

    def receive(self, transaction: ServerTransaction) -> None:
        """Handle a request of the other side within the call."""
        match transaction.request.method:
            case "BYE":
                self._receive_bye(transaction)
            case "INVITE":
                self._receive_new_invite(transaction)
            case _ if self.on_request is not None:
                self.on_request(transaction)
            case _:
                transaction.reply(405)

    def _receive_bye(self, transaction: ServerTransaction) -> None:
        if self.answers_bye:
            transaction.reply(200)
        self.finish(CallEnd(Side.REMOTE, headers=transaction.request.header_map()))

    def _receive_new_invite(self, transaction: ServerTransaction) -> None:
        """The other side has moved, or holds the call: confirm it with our address."""
        request = transaction.request
        try:
            if request.body:
                self.on_new_sdp(request.body)
        except UnsupportedSession:
            transaction.reply(488)
        else:
            self._answer(transaction, self.local_sdp)

    def _answer(self, transaction: ServerTransaction, sdp: str, headers: Headers = ()) -> None:
        transaction.respond(
            response_to(
                transaction.request,
                200,
                to_tag=self.dialog.local_tag,
                headers=(("Contact", self.dialog.contact), CONTENT_TYPE, *headers),
                body=sdp,
            )
        )


class IncomingCall(SipCall):
    """A call that somewhere else was dialled; it rings until it is answered, refused or cancelled."""

    def __init__(self, socket: SipSocket, dialog: Dialog, transaction: ServerTransaction) -> None:
        super().__init__(socket, dialog)
        self.transaction = transaction
        self.invite = transaction.request
        self.remote_headers = self.invite.headers

    @property
    def cancelled(self) -> asyncio.Event:
        return self.transaction.cancelled

    def progress(self, status: int, reason: str = "") -> None:
        tag = self.dialog.local_tag if status > 100 else ""
        contact = (("Contact", self.dialog.contact),) if status > 100 else ()
        self._respond(status, reason, contact, tag)

    def accept(self, sdp: str, headers: Headers = ()) -> None:
        self.local_sdp = sdp
        self._answer(self.transaction, sdp, headers)

    def refuse(self, status: int, reason: str = "", headers: Headers = ()) -> None:
        self._respond(status, reason, headers, self.dialog.local_tag)
        self.finish(CallEnd(Side.LOCAL, status))

    def confirm_cancel(self) -> None:
        self._respond(487, "", (), self.dialog.local_tag)
        self.finish(CallEnd(Side.REMOTE, 487))

    def challenge(self, status: int, realm: str) -> str:
        """Ask for credentials in a new INVITE, and return the nonce."""
        challenge = digest.new_challenge(realm)
        self._respond(status, "", ((NOT_AUTHENTICATED[status], challenge),), self.dialog.local_tag)
        self.finish(CallEnd(Side.LOCAL, status))
        return digest.nonce_of(challenge)

    def _respond(self, status: int, reason: str, headers: Headers, tag: str) -> None:
        self.transaction.respond(
            response_to(self.invite, status, reason, to_tag=tag, headers=headers)
        )


class OutgoingCall(SipCall):
    """A call that we dial. `final` is the last response to it, after those that asked for
    credentials."""

    def __init__(self, socket: SipSocket, dialog: Dialog) -> None:
        super().__init__(socket, dialog)
        self.final: asyncio.Future[SipResponse] = asyncio.get_running_loop().create_future()
        self.on_progress: Callable[[SipResponse], None] = lambda response: None
        self.is_cancelled = False
        self._attempts = 0
        self._invite: InviteTransaction | None = None

    def dial(
        self,
        sdp: str,
        headers: Headers = (),
        *,
        credentials: Credentials | None = None,
        max_attempts: int = 2,
    ) -> None:
        self.local_sdp = sdp
        self._headers, self._credentials = headers, credentials
        self._max_attempts = max_attempts
        self._send_invite(())

    def cancel(self) -> None:
        """Stop ringing. An answer that arrives all the same is hung up at once."""
        if self.final.done() or self.is_cancelled or self._invite is None:
            return
        self.is_cancelled = True
        self._socket.send_request(self._invite.cancel_request(), self.dialog.peer)

    def repeat_invite(self) -> None:
        if self._invite is not None:
            self._invite.repeat()

    async def hang_up(self, headers: Headers = ()) -> None:
        if self.final.done():
            await self.bye(headers)
        else:
            self.cancel()

    def _send_invite(self, authorization: Headers) -> None:
        self._attempts += 1
        headers = (*self._headers, *authorization, CONTENT_TYPE)
        request = self.dialog.request("INVITE", headers, self.local_sdp)
        self._invite = self._socket.send_invite(request, self.dialog.peer, self._on_provisional)
        self._invite.final.add_done_callback(self._on_final)

    def _on_provisional(self, response: SipResponse) -> None:
        self.on_progress(response)

    def _on_final(self, outcome: asyncio.Future[SipResponse]) -> None:
        if outcome.cancelled() or self.final.done():
            return
        if isinstance(error := outcome.exception(), TransactionTimeout):
            self._settle(error)
            return
        response = outcome.result()
        if response.is_success:
            self._establish(response)
        elif not self._authenticate(response):
            self._settle(response)

    def _establish(self, response: SipResponse) -> None:
        assert self._invite is not None
        self.dialog.establish(response)
        self.remote_headers = response.headers
        self._invite.acknowledge(
            self._socket.with_new_branch(self.dialog.ack(self._invite.request))
        )
        if self.is_cancelled:
            self.send("BYE")
            self.finish(CallEnd(Side.LOCAL))
        self.final.set_result(response)

    def _authenticate(self, response: SipResponse) -> bool:
        """Dial again with credentials, if the response asks for them."""
        may_retry = self._attempts < self._max_attempts and not self.is_cancelled
        if response.status not in AUTHORIZATION or self._credentials is None or not may_retry:
            return False
        challenge = response.header(NOT_AUTHENTICATED[response.status].lower())
        try:
            value = digest.authorization(challenge, self._credentials, "INVITE", self.dialog.target)
        except digest.UnsupportedChallenge:
            return False
        self._send_invite(((AUTHORIZATION[response.status], value),))
        return True

    def _settle(self, outcome: SipResponse | TransactionTimeout) -> None:
        if isinstance(outcome, TransactionTimeout):
            self.finish(CallEnd(Side.REMOTE, 408))
            self.final.set_exception(outcome)
            self.final.exception()  # it may have no reader
        else:
            self.remote_headers = outcome.headers
            self.finish(CallEnd(Side.REMOTE, outcome.status))
            self.final.set_result(outcome)
