"""The protocol graphql-transport-ws, with one client.

Close codes are chosen by what clients do with them: after 4401 they give up, after 4403, 4408,
1012 and 1013 they come back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

import orjson
from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from domain.common.access import Viewer
from domain.common.errors import CredentialExpired, DomainError, Unauthenticated, Unavailable
from graph.requests.auth import credential_in, credential_of
from graph.requests.connection_registry import EXPIRED, REVOKED
from graph.requests.errors import refusal, shown, told
from graph.requests.operations import Admitted, Api, Asked, NotNow, Refused
from graph.requests.rate_limit import Payer
from graph.requests.responses import encode
from graph.websocket.delivery import deliver
from graph.websocket.operations import Running

log = logging.getLogger("graph.access")

CLOSE_SECONDS = 1.0
RETRY_SECONDS = 5.0
"""Until a subscription that could not begin is tried again, while others on its connection go on."""
MAX_OPERATIONS = 100
LONGEST_ID = 256
MAX_REASON = 123
"""Bytes of a close frame."""


class Close(NamedTuple):
    """How a conversation ends."""

    code: int
    reason: str


class Closed(Exception):
    """The conversation is over."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.close = Close(code, reason)


class Connection:
    """One client and its operations."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.api: Api = scope["state"]["api"]
        self.viewer: Viewer | None = None
        self.credential = ""
        self.sending = 0
        self.moved_at = 0.0
        self.raw_send = send
        self._headers = Headers(scope=scope)
        self.address = scope["client"][0] if scope.get("client") else ""
        self._receive = receive
        self._held = ExitStack()
        self._running = Running()
        self._subscriptions = 0
        """That are delivered, or look up what they are about."""
        self._eviction: Close | None = None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    async def serve(self) -> None:
        # Not the exception itself: it holds this frame, and the frame would hold it.
        began, over = time.perf_counter(), Close(1000, "")
        try:
            await self._converse()
        except Closed as closed:
            over = closed.close
        except asyncio.CancelledError:
            if self._eviction is None:
                raise
            over = self._eviction
            assert self._task is not None
            self._task.uncancel()
        except OSError:
            over = Close(1006, "")
        finally:
            try:
                await self._running.end()
            finally:  # also when it is evicted meanwhile
                self._held.close()
                self._log(began, over)
        await self.close(*over)

    def _break(self) -> None:
        self.evict(1011, "Internal error")

    def evict(self, code: int, reason: str) -> None:
        """End the connection from outside: its operations first, then the socket."""
        if self._eviction is None and self._task is not None:
            self._eviction = Close(code, reason)
            self._task.cancel()

    async def close(self, code: int, reason: str) -> None:
        # A stalled client takes no close frame either.
        with suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.raw_send({"type": "websocket.close", "code": code, "reason": reason})

    async def say(self, message: dict[str, Any]) -> None:
        await self.send(encode(message).decode())

    async def send(self, text: str) -> None:
        """No task, timer or lock: a client that takes nothing is found by the watch."""
        if not self.sending:
            self.moved_at = self._loop.time()
        self.sending += 1
        try:
            await self.raw_send({"type": "websocket.send", "text": text})
        finally:
            self.sending -= 1
            self.moved_at = self._loop.time()

    # ---- the conversation ------------------------------------------------------------------

    async def _converse(self) -> None:
        until = self._loop.time() + self.api.connections.patience.init
        while self.viewer is None:
            # Only the client's time is counted, not ours for looking up who it is.
            try:
                async with asyncio.timeout_at(until):
                    message = await self._hear()
            except TimeoutError:
                raise Closed(4408, "Connection initialisation timeout") from None
            await self._take(message)
        while True:
            await self._take(await self._hear())

    async def _hear(self) -> dict[str, Any]:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Closed(message.get("code", 1005), "")
        text = message.get("text")
        if text is None:
            raise Closed(4400, "Messages must be text")
        try:
            heard = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closed(4400, "Messages must be JSON") from None
        if not isinstance(heard, dict):
            raise Closed(4400, "Messages must be JSON objects")
        return heard

    async def _take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "connection_init":
                await self._init(message.get("payload"))
            case "ping":
                await self.say({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message.get("id"), message.get("payload"))
            case "complete":
                self._running.stop(str(message.get("id")))
            case _:
                raise Closed(4400, "Unknown message type")

    async def _init(self, payload: object) -> None:
        if self.viewer is not None:
            raise Closed(4429, "Too many initialisation requests")
        if not isinstance(payload, dict | None):
            raise Closed(4400, "Invalid connection_init payload")
        try:
            self.viewer = await self._sign_in(payload or {})
            self._held.enter_context(self.api.quotas.socket(self.viewer))
        except GraphQLError as full:
            raise Closed(1013, full.message[:MAX_REASON]) from None
        except CredentialExpired:
            raise Closed(*EXPIRED) from None
        except Unauthenticated:
            raise Closed(*REVOKED) from None
        except DomainError as error:
            raise Closed(1013, error.code) from None
        await self.say({"type": "connection_ack"})

    async def _sign_in(self, payload: dict[str, Any]) -> Viewer:
        payer = self.api.throttle.payer(None, self.address)
        try:
            self.credential = credential_in(payload) or credential_of(self._headers) or ""
            return await self.api.sign_in.viewer_of(self.credential, payer)
        except Unauthenticated:
            await self.api.throttle.spend(payer)
            raise

    async def _subscribe(self, id: object, payload: object) -> None:
        if self.viewer is None:
            raise Closed(4401, "Unauthorized")
        if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
            raise Closed(4400, "Invalid operation id")
        if id in self._running:
            raise Closed(4409, f"Subscriber for {id[:64]} already exists")
        if len(self._running) >= MAX_OPERATIONS:
            message = f"At most {MAX_OPERATIONS} operations run on one connection."
            full = refusal(message, "TOO_MANY_OPERATIONS", limit=MAX_OPERATIONS)
            await self._refuse(id, [full])
            return
        self._running.start(id, self._operate(id, payload, self.viewer), self._break)

    # ---- operations ------------------------------------------------------------------------

    async def _operate(self, id: str, payload: object, viewer: Viewer) -> None:
        payer = self.api.throttle.payer(viewer, self.address)
        try:
            asked = await self._asked(payload, payer)
            while not await self._run(id, asked, viewer, payer):  # noqa: ASYNC110 - it tries anew
                await asyncio.sleep(RETRY_SECONDS)
        except NotNow as later:
            self.evict(1013, str(later))
        except DomainError as error:
            await self._refuse(id, [told(error)])
        except Refused as refused:
            await self._refuse(id, refused.errors)
        except GraphQLError as error:
            await self._refuse(id, [error])
        else:
            self._running.release(id)
            await self.say({"type": "complete", "id": id})

    async def _run(self, id: str, asked: Asked, viewer: Viewer, payer: Payer) -> bool:
        """Whether it ran to its end. A subscription that may not begin yet raises `NotNow` only
        when no other one on the connection would be lost with it."""
        try:
            admitted = await self.api.admit_by_socket(asked, viewer, payer)
            if admitted.is_subscription:
                await self._deliver_subscription(id, admitted, viewer)
            else:
                await deliver(self, id, admitted)
        except NotNow:
            if not self._subscriptions:
                raise
            return False
        return True

    async def _deliver_subscription(self, id: str, admitted: Admitted, viewer: Viewer) -> None:
        with self.api.quotas.subscription(viewer), self._counted():
            try:
                await deliver(self, id, admitted)
            except Refused as refused:
                # An error is final for clients; a closed connection they open again.
                if any(isinstance(e.original_error, Unavailable) for e in refused.errors):
                    raise NotNow(Unavailable.code) from None
                raise

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._subscriptions += 1
        try:
            yield
        finally:
            self._subscriptions -= 1

    async def _asked(self, payload: object, payer: Payer) -> Asked:
        try:
            return Asked.of(payload)
        except GraphQLError:
            await self.api.throttle.spend(payer)
            raise

    async def _refuse(self, id: str, errors: Sequence[GraphQLError]) -> None:
        self._running.release(id)
        await self.say({"type": "error", "id": id, "payload": shown(errors)})

    def _log(self, began: float, over: Close) -> None:
        facts = {"code": over.code, "ms": round((time.perf_counter() - began) * 1000, 1)}
        subject = self.viewer.subject if self.viewer else None
        log.info("websocket", extra={**facts, "subject": subject})
