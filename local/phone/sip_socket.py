"""A UDP socket for SIP, which sorts what arrives into transactions."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from local.phone.sip_message import (
    MalformedMessage,
    SipRequest,
    SipResponse,
    parse,
    response_to,
)
from local.phone.transactions import (
    TIMERS,
    Address,
    ClientTransaction,
    InviteTransaction,
    ServerTransaction,
    Timers,
)

HOST = "127.0.0.1"
MAGIC_COOKIE = "z9hG4bK"
MAX_TRACED_MESSAGES = 10_000


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """A message that was sent (`>`) or received (`<`), and when, in seconds of `monotonic`."""

    direction: str
    summary: str
    at: float
    call_id: str

    def __str__(self) -> str:
        return f"{self.direction}{self.summary}"


class SipSocket(asyncio.DatagramProtocol):
    """`on_request` receives each new request except ACK and CANCEL, which belong to an INVITE."""

    def __init__(
        self, on_request: Callable[[ServerTransaction], None], timers: Timers = TIMERS
    ) -> None:
        self.trace: deque[TracedMessage] = deque(maxlen=MAX_TRACED_MESSAGES)
        self.is_dead = False
        """True ignores all messages and sends none, like a phone without power."""
        self._on_request = on_request
        self._timers = timers
        self._clients: dict[tuple[str, str], ClientTransaction | InviteTransaction] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}
        self._invites: dict[tuple[str, int], ServerTransaction] = {}
        self._expiries: set[asyncio.TimerHandle] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transports of asyncio are not subclasses of it.
        self._transport = cast(asyncio.DatagramTransport, transport)

    @property
    def address(self) -> Address:
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        for server in self._servers.values():
            server.close()
        for expiry in self._expiries:
            expiry.cancel()
        self._transport.close()

    # ---- sending ---------------------------------------------------------------------------

    def send(self, message: SipRequest | SipResponse, peer: Address) -> None:
        if self.is_dead or self._transport.is_closing():
            return
        self._record(">", message)
        self._transport.sendto(message.encode(), peer)

    def send_request(self, request: SipRequest, peer: Address) -> ClientTransaction:
        """Begin a transaction with a request that has no Via header yet, unless it is a CANCEL."""
        if request.method != "CANCEL":
            request = self.with_new_branch(request)
        transaction = ClientTransaction(request, peer, self.send, self._timers)
        self._add_client(request, transaction)
        return transaction

    def send_invite(
        self, request: SipRequest, peer: Address, on_provisional: Callable[[SipResponse], None]
    ) -> InviteTransaction:
        request = self.with_new_branch(request)
        transaction = InviteTransaction(request, peer, self.send, self._timers, on_provisional)
        self._add_client(request, transaction)
        return transaction

    def with_new_branch(self, request: SipRequest) -> SipRequest:
        host, port = self.address
        via = f"SIP/2.0/UDP {host}:{port};branch={MAGIC_COOKIE}{secrets.token_hex(8)};rport"
        return replace(request, headers=(("Via", via), *request.headers))

    def _add_client(
        self, request: SipRequest, transaction: ClientTransaction | InviteTransaction
    ) -> None:
        key = (request.branch, request.method)
        self._clients[key] = transaction
        if isinstance(transaction, ClientTransaction):
            outcome = transaction.response
        else:
            outcome = transaction.final
        outcome.add_done_callback(lambda _: self._forget_later(self._clients, key))

    # ---- receiving -------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if self.is_dead:
            return
        try:
            message = parse(data)
        except MalformedMessage:
            return
        self._record("<", message)
        if isinstance(message, SipResponse):
            _, method = message.sequence
            if client := self._clients.get((message.branch, method)):
                client.receive(message)
        elif message.method == "ACK":
            self._receive_ack(message)
        elif message.method == "CANCEL":
            self._receive_cancel(message, addr[:2])
        else:
            self._receive_request(message, addr[:2])

    def error_received(self, exc: Exception) -> None:
        """The other side has closed its port; timers notice that it does not answer."""

    def _receive_ack(self, ack: SipRequest) -> None:
        number, _ = ack.sequence
        if invite := self._invites.get((ack.call_id, number)):
            invite.acknowledge()

    def _receive_cancel(self, cancel: SipRequest, peer: Address) -> None:
        invite = self._servers.get((cancel.branch, "INVITE"))
        if invite is not None and invite.ignored:
            return
        self.send(response_to(cancel, 481 if invite is None else 200), peer)
        if invite is not None:
            invite.cancelled.set()

    def _receive_request(self, request: SipRequest, peer: Address) -> None:
        key = (request.branch, request.method)
        if known := self._servers.get(key):
            known.repeat()
            return
        transaction = ServerTransaction(request, peer, self.send, self._timers)
        self._servers[key] = transaction
        self._forget_later(self._servers, key)
        if request.method == "INVITE":
            invite = (request.call_id, request.sequence[0])
            self._invites[invite] = transaction
            self._forget_later(self._invites, invite)
        self._on_request(transaction)

    def _forget_later(self, transactions: dict[Any, Any], key: object) -> None:
        """Keep a transaction for as long as the other side may repeat its messages."""

        def forget() -> None:
            self._expiries.discard(handle)
            transaction = transactions[key]
            if isinstance(transaction, ServerTransaction) and transaction.is_pending:
                self._forget_later(transactions, key)
            else:
                del transactions[key]

        if self._transport.is_closing():
            return
        handle = asyncio.get_running_loop().call_later(self._timers.timeout, forget)
        self._expiries.add(handle)

    def _record(self, direction: str, message: SipRequest | SipResponse) -> None:
        traced = TracedMessage(direction, message.summary, time.monotonic(), message.call_id)
        self.trace.append(traced)
