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
from graph.requests.auth import credential_from_headers, credential_from_payload
from graph.requests.connection_registry import EXPIRED, REVOKED
from graph.requests.errors import format_errors, from_domain_error, graphql_error
from graph.requests.operations import (
    GraphQLRequest,
    GraphQLService,
    PreparedOperation,
    RequestRejected,
    RetryLater,
)
from graph.requests.rate_limit import RateLimitBucket
from graph.requests.responses import encode
from graph.websocket.delivery import deliver
from graph.websocket.operations import RunningOperations

log = logging.getLogger("graph.access")

CLOSE_TIMEOUT_SECONDS = 1.0
SUBSCRIPTION_RETRY_SECONDS = 5.0
"""Until a subscription that could not begin is tried again, while others on its connection go on."""
MAX_OPERATIONS = 100
MAX_ID_LENGTH = 256
MAX_CLOSE_REASON_BYTES = 123
"""Bytes of a close frame."""


class Close(NamedTuple):
    """How a conversation ends."""

    code: int
    reason: str


class ConnectionClosed(Exception):
    """The conversation is over."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.close = Close(code, reason)


class ClientConnection:
    """One client and its operations."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.api: GraphQLService = scope["state"]["api"]
        self.viewer: Viewer | None = None
        self.credential = ""
        self.pending_sends = 0
        self.last_progress_at = 0.0
        self.raw_send = send
        self._headers = Headers(scope=scope)
        self.address = scope["client"][0] if scope.get("client") else ""
        self._receive = receive
        self._quotas = ExitStack()
        self._operations = RunningOperations()
        self._subscriptions = 0
        """That are delivered, or look up what they are about."""
        self._eviction: Close | None = None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    async def serve(self) -> None:
        # Not the exception itself: it holds this frame, and the frame would hold it.
        began, over = time.perf_counter(), Close(1000, "")
        try:
            await self._run_protocol()
        except ConnectionClosed as closed:
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
                await self._operations.cancel_all()
            finally:  # also when it is evicted meanwhile
                self._quotas.close()
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
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self.raw_send({"type": "websocket.close", "code": code, "reason": reason})

    async def send_json(self, message: dict[str, Any]) -> None:
        await self.send(encode(message).decode())

    async def send(self, text: str) -> None:
        """No task, timer or lock: a client that takes nothing is found by the watch."""
        if not self.pending_sends:
            self.last_progress_at = self._loop.time()
        self.pending_sends += 1
        try:
            await self.raw_send({"type": "websocket.send", "text": text})
        finally:
            self.pending_sends -= 1
            self.last_progress_at = self._loop.time()

    # ---- the conversation ------------------------------------------------------------------

    async def _run_protocol(self) -> None:
        until = self._loop.time() + self.api.connections.timeouts.init
        while self.viewer is None:
            # Only the client's time is counted, not ours for looking up who it is.
            try:
                async with asyncio.timeout_at(until):
                    message = await self._receive_message()
            except TimeoutError:
                raise ConnectionClosed(4408, "Connection initialisation timeout") from None
            await self._dispatch(message)
        while True:
            await self._dispatch(await self._receive_message())

    async def _receive_message(self) -> dict[str, Any]:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise ConnectionClosed(message.get("code", 1005), "")
        text = message.get("text")
        if text is None:
            raise ConnectionClosed(4400, "Messages must be text")
        try:
            heard = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ConnectionClosed(4400, "Messages must be JSON") from None
        if not isinstance(heard, dict):
            raise ConnectionClosed(4400, "Messages must be JSON objects")
        return heard

    async def _dispatch(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "connection_init":
                await self._handle_init(message.get("payload"))
            case "ping":
                await self.send_json({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._handle_subscribe(message.get("id"), message.get("payload"))
            case "complete":
                self._operations.cancel(str(message.get("id")))
            case _:
                raise ConnectionClosed(4400, "Unknown message type")

    async def _handle_init(self, payload: object) -> None:
        if self.viewer is not None:
            raise ConnectionClosed(4429, "Too many initialisation requests")
        if not isinstance(payload, dict | None):
            raise ConnectionClosed(4400, "Invalid connection_init payload")
        try:
            self.viewer = await self._authenticate(payload or {})
            self._quotas.enter_context(self.api.quotas.socket(self.viewer))
        except GraphQLError as full:
            raise ConnectionClosed(1013, full.message[:MAX_CLOSE_REASON_BYTES]) from None
        except CredentialExpired:
            raise ConnectionClosed(*EXPIRED) from None
        except Unauthenticated:
            raise ConnectionClosed(*REVOKED) from None
        except DomainError as error:
            raise ConnectionClosed(1013, error.code) from None
        await self.send_json({"type": "connection_ack"})

    async def _authenticate(self, payload: dict[str, Any]) -> Viewer:
        payer = self.api.rate_limiter.bucket(None, self.address)
        try:
            self.credential = (
                credential_from_payload(payload) or credential_from_headers(self._headers) or ""
            )
            return await self.api.authenticator.authenticate_credential(self.credential, payer)
        except Unauthenticated:
            await self.api.rate_limiter.spend(payer)
            raise

    async def _handle_subscribe(self, id: object, payload: object) -> None:
        if self.viewer is None:
            raise ConnectionClosed(4401, "Unauthorized")
        if not isinstance(id, str) or not 0 < len(id) <= MAX_ID_LENGTH:
            raise ConnectionClosed(4400, "Invalid operation id")
        if id in self._operations:
            raise ConnectionClosed(4409, f"Subscriber for {id[:64]} already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            message = f"At most {MAX_OPERATIONS} operations run on one connection."
            full = graphql_error(message, "TOO_MANY_OPERATIONS", limit=MAX_OPERATIONS)
            await self._send_errors(id, [full])
            return
        self._operations.start(id, self._run_operation(id, payload, self.viewer), self._break)

    # ---- operations ------------------------------------------------------------------------

    async def _run_operation(self, id: str, payload: object, viewer: Viewer) -> None:
        payer = self.api.rate_limiter.bucket(viewer, self.address)
        try:
            asked = await self._parse_request(payload, payer)
            while not await self._execute(id, asked, viewer, payer):  # noqa: ASYNC110 - it tries anew
                await asyncio.sleep(SUBSCRIPTION_RETRY_SECONDS)
        except RetryLater as later:
            self.evict(1013, str(later))
        except DomainError as error:
            await self._send_errors(id, [from_domain_error(error)])
        except RequestRejected as refused:
            await self._send_errors(id, refused.errors)
        except GraphQLError as error:
            await self._send_errors(id, [error])
        else:
            self._operations.release(id)
            await self.send_json({"type": "complete", "id": id})

    async def _execute(
        self, id: str, asked: GraphQLRequest, viewer: Viewer, payer: RateLimitBucket
    ) -> bool:
        """Whether it ran to its end. A subscription that may not begin yet raises `NotNow` only
        when no other one on the connection would be lost with it."""
        try:
            admitted = await self.api.prepare_for_socket(asked, viewer, payer)
            if admitted.is_subscription:
                await self._deliver_subscription(id, admitted, viewer)
            else:
                await deliver(self, id, admitted)
        except RetryLater:
            if not self._subscriptions:
                raise
            return False
        return True

    async def _deliver_subscription(
        self, id: str, admitted: PreparedOperation, viewer: Viewer
    ) -> None:
        with self.api.quotas.subscription(viewer), self._counting_subscription():
            try:
                await deliver(self, id, admitted)
            except RequestRejected as refused:
                # An error is final for clients; a closed connection they open again.
                if any(isinstance(e.original_error, Unavailable) for e in refused.errors):
                    raise RetryLater(Unavailable.code) from None
                raise

    @contextmanager
    def _counting_subscription(self) -> Iterator[None]:
        self._subscriptions += 1
        try:
            yield
        finally:
            self._subscriptions -= 1

    async def _parse_request(self, payload: object, payer: RateLimitBucket) -> GraphQLRequest:
        try:
            return GraphQLRequest.parse(payload)
        except GraphQLError:
            await self.api.rate_limiter.spend(payer)
            raise

    async def _send_errors(self, id: str, errors: Sequence[GraphQLError]) -> None:
        self._operations.release(id)
        await self.send_json({"type": "error", "id": id, "payload": format_errors(errors)})

    def _log(self, began: float, over: Close) -> None:
        facts = {"code": over.code, "ms": round((time.perf_counter() - began) * 1000, 1)}
        subject = self.viewer.subject if self.viewer else None
        log.info("websocket", extra={**facts, "subject": subject})
