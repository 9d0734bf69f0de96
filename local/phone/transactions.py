"""SIP transactions over UDP (RFC 3261, section 17): repeats what is not answered, and answers what is
repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from local.phone.sip_message import SipRequest, SipResponse, response_to

Address = tuple[str, int]
Send = Callable[[SipRequest | SipResponse, Address], None]


@dataclass(frozen=True, slots=True)
class Timers:
    """The timers of RFC 3261 in seconds."""

    t1: float = 0.5
    t2: float = 4.0

    @property
    def timeout(self) -> float:
        """How long a request or a final response is repeated."""
        return 64 * self.t1


TIMERS = Timers()


class TransactionTimeout(Exception):
    """A request was not answered in time."""


class Repeater:
    """Sends at once and again after growing intervals, until it is stopped or the time is over."""

    def __init__(
        self,
        send: Callable[[], None],
        timers: Timers,
        *,
        max_interval: float | None = None,
        on_timeout: Callable[[], None] = lambda: None,
    ) -> None:
        self._send, self._on_timeout = send, on_timeout
        self._max_interval = max_interval
        self._interval = timers.t1
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._end = loop.call_later(timers.timeout, self._expire)
        send()
        self._next = loop.call_later(self._interval, self._repeat)

    def stop(self) -> None:
        self._next.cancel()
        self._end.cancel()

    def _repeat(self) -> None:
        self._send()
        self._interval *= 2
        if self._max_interval is not None:
            self._interval = min(self._interval, self._max_interval)
        self._next = self._loop.call_later(self._interval, self._repeat)

    def _expire(self) -> None:
        self.stop()
        self._on_timeout()


class ClientTransaction:
    """A request other than INVITE and ACK; `response` is its final response."""

    def __init__(self, request: SipRequest, peer: Address, send: Send, timers: Timers) -> None:
        self.request = request
        self.response: asyncio.Future[SipResponse] = asyncio.get_running_loop().create_future()
        self._repeater = Repeater(
            lambda: send(request, peer), timers, max_interval=timers.t2, on_timeout=self._expire
        )

    def receive(self, response: SipResponse) -> None:
        if response.is_final:
            self._repeater.stop()
            if not self.response.done():
                self.response.set_result(response)

    def close(self) -> None:
        self._repeater.stop()
        self.response.cancel()

    def _expire(self) -> None:
        if not self.response.done():
            self.response.set_exception(TransactionTimeout(self.request.method))
            self.response.exception()  # it may have no reader


class InviteTransaction:
    """An INVITE. `on_provisional` receives the responses before the final one, which is `final`. A
    refusal is acknowledged here, an answer by `acknowledge`."""

    def __init__(
        self,
        request: SipRequest,
        peer: Address,
        send: Send,
        timers: Timers,
        on_provisional: Callable[[SipResponse], None],
    ) -> None:
        self.request, self.peer = request, peer
        self.final: asyncio.Future[SipResponse] = asyncio.get_running_loop().create_future()
        self._send, self._on_provisional = send, on_provisional
        self._ack: SipRequest | None = None
        self._repeater = Repeater(lambda: send(request, peer), timers, on_timeout=self._expire)

    def receive(self, response: SipResponse) -> None:
        if self.final.done():
            if response.is_final and self._ack is not None:
                self._send(self._ack, self.peer)  # our ACK was lost
            return
        if not response.is_final:
            # The other side is there: it may ring for longer than the timeout of an INVITE.
            self._repeater.stop()
            self._on_provisional(response)
            return
        self._repeater.stop()
        if not response.is_success:
            self._ack = self._ack_of_refusal(response)
            self._send(self._ack, self.peer)
        self.final.set_result(response)

    def acknowledge(self, ack: SipRequest) -> None:
        """Send the ACK of an answer, now and whenever the answer is repeated."""
        self._ack = ack
        self._send(ack, self.peer)

    def repeat(self) -> None:
        """Send the same request once more."""
        self._send(self.request, self.peer)

    def cancel_request(self) -> SipRequest:
        """The CANCEL of this INVITE, which is a transaction of its own."""
        number, _ = self.request.sequence
        names = ("via", "from", "to", "call-id", "max-forwards", "route")
        copied = tuple((k, v) for k, v in self.request.headers if k.lower() in names)
        headers = (*copied, ("CSeq", f"{number} CANCEL"))
        return SipRequest(method="CANCEL", uri=self.request.uri, headers=headers)

    def close(self) -> None:
        self._repeater.stop()
        self.final.cancel()

    def _ack_of_refusal(self, response: SipResponse) -> SipRequest:
        number, _ = self.request.sequence
        names = ("via", "from", "call-id", "max-forwards", "route")
        copied = tuple((k, v) for k, v in self.request.headers if k.lower() in names)
        headers = (*copied, ("To", response.header("to")), ("CSeq", f"{number} ACK"))
        return SipRequest(method="ACK", uri=self.request.uri, headers=headers)

    def _expire(self) -> None:
        if not self.final.done():
            self.final.set_exception(TransactionTimeout("INVITE"))
            self.final.exception()  # it may have no reader


class ServerTransaction:
    """A received request. The last response is sent again whenever the request is."""

    def __init__(self, request: SipRequest, peer: Address, send: Send, timers: Timers) -> None:
        self.request, self.peer = request, peer
        self.acknowledged = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.ignored = False
        """True leaves the request and its CANCEL without any response."""
        self.response: SipResponse | None = None
        self._send, self._timers = send, timers
        self._repeater: Repeater | None = None

    @property
    def is_answered(self) -> bool:
        return self.response is not None and self.response.is_final

    @property
    def is_pending(self) -> bool:
        """Whether the request still waits for its final response."""
        return not self.is_answered and not self.ignored

    def respond(self, response: SipResponse) -> None:
        """Send a response; the final one to an INVITE again and again until its ACK arrives."""
        if self.is_answered:
            return
        self.response = response
        if response.is_final and self.request.method == "INVITE":
            self._repeater = Repeater(self._send_last, self._timers, max_interval=self._timers.t2)
        else:
            self._send_last()

    def reply(self, status: int, reason: str = "", *, to_tag: str = "") -> None:
        self.respond(response_to(self.request, status, reason, to_tag=to_tag))

    def repeat(self) -> None:
        """The request has arrived again."""
        if self.response is not None and not self.acknowledged.is_set():
            self._send_last()

    def acknowledge(self) -> None:
        if self._repeater is not None:
            self._repeater.stop()
        self.acknowledged.set()

    def close(self) -> None:
        if self._repeater is not None:
            self._repeater.stop()

    def _send_last(self) -> None:
        assert self.response is not None
        self._send(self.response, self.peer)
