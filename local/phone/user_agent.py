"""A SIP user agent: the calls of one UDP socket, dialled and received."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from local.phone.dialog import Dialog
from local.phone.sip_call import IncomingCall, OutgoingCall, SipCall
from local.phone.sip_message import address_of, tag_of, uri_of
from local.phone.sip_socket import HOST, SipSocket
from local.phone.transactions import TIMERS, Address, ServerTransaction, Timers

CallT = TypeVar("CallT", bound=SipCall)


class UserAgent:
    """`on_call` receives each call that arrives."""

    def __init__(self, name: str, on_call: Callable[[IncomingCall], None]) -> None:
        self._name = name
        self._on_call = on_call
        self._calls: dict[str, SipCall] = {}
        self.socket: SipSocket

    @property
    def address(self) -> Address:
        return self.socket.address

    def new_call(
        self,
        number: str,
        server: Address,
        *,
        caller: str | None = None,
        caller_host: str | None = None,
        display_name: str | None = None,
        local_tag: str | None = None,
    ) -> OutgoingCall:
        """A call to a number at a server; it begins with `dial`. `caller_host` is the host that the
        From header claims."""
        host, port = server
        user, tag = caller or self._name, local_tag or secrets.token_hex(8)
        own_host, own_port = self.address
        claimed = caller_host or f"{own_host}:{own_port}"
        uri = f"sip:{number}@{host}:{port}"
        dialog = Dialog(
            call_id=f"{secrets.token_hex(12)}@{own_host}",
            local=f'"{display_name or user}" <sip:{user}@{claimed}>;tag={tag}',
            remote=f"<{uri}>",
            target=uri,
            peer=server,
            contact=self._contact(user),
        )
        return self._add(OutgoingCall(self.socket, dialog))

    def receive(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        is_in_dialog = bool(tag_of(request.header("to")))
        call = self._calls.get(request.call_id)
        if request.method == "INVITE" and not is_in_dialog:
            self._on_call(self._add(self._incoming_call(transaction)))
        elif request.method == "OPTIONS":
            transaction.reply(200, to_tag=secrets.token_hex(8))
        elif not is_in_dialog:
            transaction.reply(405, to_tag=secrets.token_hex(8))
        elif call is None or call.end is not None:
            transaction.reply(481)
        else:
            call.receive(transaction)

    def _incoming_call(self, transaction: ServerTransaction) -> IncomingCall:
        request = transaction.request
        contact = request.header("contact")
        dialog = Dialog(
            call_id=request.call_id,
            local=f"{request.header('to')};tag={secrets.token_hex(8)}",
            remote=request.header("from"),
            target=uri_of(contact or request.header("from")),
            peer=transaction.peer,
            contact=self._contact(self._name),
            route=request.all_headers("record-route"),
        )
        if not dialog.route and (address := address_of(dialog.target)):
            dialog.peer = address
        return IncomingCall(self.socket, dialog, transaction)

    def _contact(self, user: str) -> str:
        host, port = self.address
        return f"<sip:{user}@{host}:{port}>"

    def _add(self, call: CallT) -> CallT:
        self._calls = {id: other for id, other in self._calls.items() if other.end is None}
        self._calls[call.dialog.call_id] = call
        return call


@asynccontextmanager
async def open_user_agent(
    name: str,
    on_call: Callable[[IncomingCall], None],
    address: Address = (HOST, 0),
    timers: Timers = TIMERS,
) -> AsyncIterator[UserAgent]:
    """Serve SIP on a UDP port for the duration of the block."""
    agent = UserAgent(name, on_call)
    loop = asyncio.get_running_loop()
    _, agent.socket = await loop.create_datagram_endpoint(
        lambda: SipSocket(agent.receive, timers), local_addr=address
    )
    try:
        yield agent
    finally:
        agent.socket.close()
