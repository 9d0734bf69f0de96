"""A softphone for SIP over UDP: it answers calls by a script, and dials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from domain.common.tasks import cancel_and_wait
from local.phone.answer import ANSWERS, Answer
from local.phone.digest import Credentials, is_authorized
from local.phone.media import open_media
from local.phone.phone_call import WAIT_SECONDS, PhoneCall
from local.phone.sip_call import CallEnd, IncomingCall, Side
from local.phone.sip_message import Headers
from local.phone.sip_socket import HOST, TracedMessage
from local.phone.transactions import TIMERS, Address, Timers
from local.phone.user_agent import UserAgent, open_user_agent

REALM = "phone"


class Phone:
    """`answer` is how it reacts to the next calls; a test may change it at any time."""

    def __init__(
        self, number: str, answer: Answer, agent: UserAgent, tasks: asyncio.TaskGroup
    ) -> None:
        self.number = number
        self.answer = answer
        self.calls: list[PhoneCall] = []
        """All calls so far, those that were refused included."""
        self._agent = agent
        self._incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._nonces: dict[str, str] = {}
        self._task_group = tasks
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address:
        return self._agent.address

    @property
    def host_and_port(self) -> str:
        """The address as a trunk names it."""
        host, port = self.address
        return f"{host}:{port}"

    @property
    def trace(self) -> Iterable[TracedMessage]:
        """The messages that were sent and received, the oldest first."""
        return tuple(self._agent.socket.trace)

    def drop_next(self, count: int) -> None:
        """Lose the next messages that arrive, as a bad network does."""
        self._agent.socket.messages_to_drop = count

    def die(self) -> None:
        """Stop sending and receiving anything, without a word to the other side."""
        self._agent.socket.is_dead = True
        for call in self.calls:
            call.media.sends = False

    async def next_call(self, timeout_seconds: float | None = WAIT_SECONDS) -> PhoneCall:
        """The next call that arrives, as soon as it rings."""
        async with asyncio.timeout(timeout_seconds):
            return await self._incoming.get()

    async def dial(
        self,
        number: str,
        server: Address,
        *,
        credentials: Credentials | None = None,
        headers: Headers = (),
        caller_host: str | None = None,
        sends_audio: bool = True,
    ) -> PhoneCall:
        """Dial a number at a server. Returns at once, before the call is answered. `caller_host` is
        the host that the call claims to come from, by default the real one."""
        media = await open_media(self.address[0])
        media.sends = sends_audio
        signalling = self._agent.new_call(number, server, caller_host=caller_host)
        call = PhoneCall(signalling, media, number, self._start_task)
        self.calls.append(call)
        call.dial(headers, credentials)
        return call

    async def options(self, server: Address) -> int:
        """Ask a server what it can do (OPTIONS), and return the status of its response."""
        signalling = self._agent.new_call(self.number, server)
        response = await asyncio.wait_for(signalling.send("OPTIONS").response, WAIT_SECONDS)
        return response.status

    # ---- incoming calls --------------------------------------------------------------------

    def receive(self, incoming: IncomingCall) -> None:
        self._start_task(self._react(incoming, self.answer))

    async def _react(self, incoming: IncomingCall, answer: Answer) -> None:
        if not answer.responds:
            incoming.transaction.ignored = True
            incoming.finish(CallEnd(Side.LOCAL, 408))
        elif answer.credentials is None or self._is_authorized(incoming, answer.credentials):
            await self._ring(incoming, answer)
        else:
            nonce = incoming.challenge(answer.challenge_status, REALM)
            self._nonces[incoming.dialog.call_id] = nonce

    def _is_authorized(self, incoming: IncomingCall, credentials: Credentials) -> bool:
        invite = incoming.invite
        header = invite.header("authorization") or invite.header("proxy-authorization")
        nonce = self._nonces.get(invite.call_id, "")
        return is_authorized(header, credentials, "INVITE", nonce)

    async def _ring(self, incoming: IncomingCall, answer: Answer) -> None:
        media = await open_media(self.address[0])
        media.sends = answer.sends_audio
        call = PhoneCall.incoming(incoming, media, answer, self._start_task)
        self.calls.append(call)
        for status in answer.provisional:
            incoming.progress(status)
        self._incoming.put_nowait(call)
        if await self._is_abandoned(incoming, answer):
            await self._give_up(call, incoming, answer)
        elif incoming.transaction.is_pending and answer.status is not None:
            if answer.status == 200:
                call.pick_up(answer.headers)
            else:
                call.refuse(answer.status, answer.reason, answer.headers)

    async def _is_abandoned(self, incoming: IncomingCall, answer: Answer) -> bool:
        """Wait while it rings. Returns whether the caller has given up meanwhile."""
        seconds = None if answer.status is None else answer.ring_seconds
        try:
            async with asyncio.timeout(seconds):
                await incoming.cancelled.wait()
        except TimeoutError:
            return False
        return incoming.transaction.is_pending

    async def _give_up(self, call: PhoneCall, incoming: IncomingCall, answer: Answer) -> None:
        if answer.answers_cancelled:
            call.pick_up(answer.headers)
        else:
            incoming.confirm_cancel()

    # ---- tasks -----------------------------------------------------------------------------

    def _start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._task_group.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        await cancel_and_wait(*self._tasks)
        for call in self.calls:
            await call.media.close()


@asynccontextmanager
async def open_phone(
    number: str,
    answer: Answer = ANSWERS,
    *,
    address: Address = (HOST, 0),
    timers: Timers = TIMERS,
) -> AsyncIterator[Phone]:
    """A phone that is switched on for the duration of the block. If its script fails, the block
    fails."""
    phone: Phone

    def receive(call: IncomingCall) -> None:
        phone.receive(call)

    async with (
        asyncio.TaskGroup() as tasks,
        open_user_agent(number, receive, address, timers) as agent,
    ):
        phone = Phone(number, answer, agent, tasks)
        try:
            yield phone
        finally:
            await phone.close()
