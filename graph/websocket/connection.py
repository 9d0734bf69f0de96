"""The graphql-transport-ws protocol for one client.

Close codes are chosen by how clients react: they give up after 4401, and reconnect after 4403, 4408,
1012 and 1013."""

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
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from domain.audit.origin import acting_as
from domain.common.access import Scope, Viewer
from domain.common.errors import (
    CredentialExpired,
    DomainError,
    TenantSuspended,
    Unauthenticated,
    Unavailable,
)
from domain.common.quota_warnings import collect_warnings
from graph.requests.auth import (
    credential_from_headers,
    credential_from_payload,
    origin_of,
    require_allowed_address,
)
from graph.requests.connection_registry import EXPIRED, REVOKED
from graph.requests.errors import format_errors, from_domain_error, graphql_error
from graph.requests.operations import (
    GraphQLRequest,
    GraphQLService,
    PreparedOperation,
    RequestRejected,
    RetryLater,
    format_warning,
)
from graph.requests.rate_limit import RateLimitBucket
from graph.requests.required_scopes import scopes_missing
from graph.requests.responses import encode
from graph.websocket.delivery import deliver
from graph.websocket.operations import RunningOperations

log = logging.getLogger("graph.access")

CLOSE_TIMEOUT_SECONDS = 1.0
SUBSCRIPTION_RETRY_SECONDS = 5.0
"""Retry interval of a subscription that could not start while others on its connection continue."""
MAX_OPERATIONS = 100
MAX_ID_LENGTH = 256
MAX_CLOSE_REASON_BYTES = 123
"""The limit that RFC 6455 sets for the reason in a close frame."""


class Close(NamedTuple):
    """The code and reason that a connection is closed with."""

    code: int
    reason: str


class ConnectionClosed(Exception):
    """Raised to close the connection with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.close = Close(code, reason)


class ClientConnection:
    """The connection of one client, and its operations."""

    def __init__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
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
        self._subscriptions: list[frozenset[Scope]] = []
        """The scopes that each subscription needs that is being started or delivered."""
        self._eviction: Close | None = None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    @property
    def user_agent(self) -> str:
        return self._headers.get("user-agent", "")

    async def serve(self) -> None:
        # Keeps the code and not the exception, whose traceback would make a cycle with this frame.
        started_at, outcome = time.perf_counter(), Close(1000, "")
        try:
            await self._run_protocol()
        except ConnectionClosed as closed:
            outcome = closed.close
        except asyncio.CancelledError:
            if self._eviction is None:
                raise
            outcome = self._eviction
            assert self._task is not None
            self._task.uncancel()
        except OSError:
            outcome = Close(1006, "")
        finally:
            try:
                await self._operations.cancel_all()
            finally:  # also when the connection is evicted during the cancellation
                self._quotas.close()
                self._log(started_at, outcome)
        await self.close(*outcome)

    def _break(self) -> None:
        self.evict(1011, "Internal error")

    def evict(self, code: int, reason: str) -> None:
        """Close the connection from another task: first its operations, then the socket."""
        if self._eviction is None and self._task is not None:
            self._eviction = Close(code, reason)
            self._task.cancel()

    def may_continue(self, viewer: Viewer) -> bool:
        return viewer.may_connect_from(self.address) and all(
            scopes <= viewer.scopes for scopes in self._subscriptions
        )

    async def close(self, code: int, reason: str) -> None:
        # A stalled client does not read the close frame either.
        with suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self.raw_send({"type": "websocket.close", "code": code, "reason": reason})

    async def send_json(self, message: dict[str, Any]) -> None:
        await self.send(encode(message).decode())

    async def send(self, text: str) -> None:
        """Send without a task, timer or lock of its own: the watchdog detects stalled clients."""
        if not self.pending_sends:
            self.last_progress_at = self._loop.time()
        self.pending_sends += 1
        try:
            await self.raw_send({"type": "websocket.send", "text": text})
        finally:
            self.pending_sends -= 1
            self.last_progress_at = self._loop.time()

    # ---- protocol --------------------------------------------------------------------------

    async def _run_protocol(self) -> None:
        deadline = self._loop.time() + self.api.connections.timeouts.init
        while self.viewer is None:
            # Only the time of the client counts, not the time that authentication takes.
            try:
                async with asyncio.timeout_at(deadline):
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
            content = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ConnectionClosed(4400, "Messages must be JSON") from None
        if not isinstance(content, dict):
            raise ConnectionClosed(4400, "Messages must be JSON objects")
        return content

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
            with collect_warnings() as warnings:
                self._quotas.enter_context(await self.api.quotas.socket(self.viewer))
        except GraphQLError as over_quota:
            raise ConnectionClosed(1013, over_quota.message[:MAX_CLOSE_REASON_BYTES]) from None
        except CredentialExpired:
            raise ConnectionClosed(*EXPIRED) from None
        except TenantSuspended as suspended:
            raise ConnectionClosed(REVOKED[0], suspended.code) from None
        except Unauthenticated:
            raise ConnectionClosed(*REVOKED) from None
        except DomainError as error:
            raise ConnectionClosed(1013, error.code) from None
        ack: dict[str, Any] = {"type": "connection_ack"}
        if warnings:
            ack["payload"] = {"warnings": [format_warning(each) for each in warnings]}
        await self.send_json(ack)

    async def _authenticate(self, payload: dict[str, Any]) -> Viewer:
        bucket = self.api.rate_limiter.bucket(None, self.address)
        try:
            self.credential = (
                credential_from_payload(payload) or credential_from_headers(self._headers) or ""
            )
            viewer = await self.api.authenticator.authenticate_credential(self.credential, bucket)
            require_allowed_address(self.api.services.audit_notes, viewer, self.address)
            return viewer
        except Unauthenticated:
            await self.api.rate_limiter.spend(bucket)
            raise

    async def _handle_subscribe(self, id: object, payload: object) -> None:
        if self.viewer is None:
            raise ConnectionClosed(4401, "Unauthorized")
        if not isinstance(id, str) or not 0 < len(id) <= MAX_ID_LENGTH:
            raise ConnectionClosed(4400, "Invalid operation id")
        if id in self._operations:
            raise ConnectionClosed(4409, f"Subscriber for {id[:64]} already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            message = f"One connection runs at most {MAX_OPERATIONS} operations at a time."
            error = graphql_error(message, "TOO_MANY_OPERATIONS", limit=MAX_OPERATIONS)
            await self._send_errors(id, [error])
            return
        self._operations.start(id, self._run_operation(id, payload, self.viewer), self._break)

    # ---- operations ------------------------------------------------------------------------

    async def _run_operation(self, id: str, payload: object, viewer: Viewer) -> None:
        with acting_as(origin_of(viewer, self.address)):
            await self._run_operation_as(id, payload, viewer)

    async def _run_operation_as(self, id: str, payload: object, viewer: Viewer) -> None:
        bucket = self.api.rate_limiter.bucket(viewer, self.address)
        try:
            request = await self._parse_request(payload, bucket)
            while not await self._execute(id, request, viewer, bucket):  # noqa: ASYNC110 - it retries
                await asyncio.sleep(SUBSCRIPTION_RETRY_SECONDS)
        except RetryLater as error:
            self.evict(1013, str(error))
        except DomainError as error:
            await self._send_errors(id, [from_domain_error(error)])
        except RequestRejected as rejected:
            await self._send_errors(id, rejected.errors)
        except GraphQLError as error:
            await self._send_errors(id, [error])
        else:
            self._operations.release(id)
            await self.send_json({"type": "complete", "id": id})

    async def _execute(
        self, id: str, request: GraphQLRequest, viewer: Viewer, bucket: RateLimitBucket
    ) -> bool:
        """Run the operation; False when a subscription has to be retried.

        A subscription that cannot start yet raises `RetryLater`, which closes the connection, only if
        no other subscription would be lost with it."""
        try:
            prepared = await self.api.prepare_for_socket(request, viewer, bucket)
            if prepared.is_subscription:
                await self._deliver_subscription(id, prepared, viewer)
            else:
                await deliver(self, id, prepared)
        except RetryLater:
            if not self._subscriptions:
                raise
            return False
        return True

    async def _deliver_subscription(
        self, id: str, prepared: PreparedOperation, viewer: Viewer
    ) -> None:
        with await self.api.quotas.subscription(viewer), self._registering_subscription(prepared):
            try:
                await deliver(self, id, prepared)
            except RequestRejected as rejected:
                # Clients treat an error as final, but reconnect after a close.
                if any(isinstance(e.original_error, Unavailable) for e in rejected.errors):
                    raise RetryLater(Unavailable.code) from None
                raise

    @contextmanager
    def _registering_subscription(self, prepared: PreparedOperation) -> Iterator[None]:
        self._subscriptions.append(prepared.scopes)
        try:
            # The viewer may have been looked up again since the operation was prepared.
            if self.viewer is not None and not prepared.scopes <= self.viewer.scopes:
                raise RequestRejected([scopes_missing(prepared.scopes - self.viewer.scopes)])
            yield
        finally:
            self._subscriptions.remove(prepared.scopes)

    async def _parse_request(self, payload: object, bucket: RateLimitBucket) -> GraphQLRequest:
        try:
            return GraphQLRequest.parse(payload)
        except GraphQLError:
            await self.api.rate_limiter.spend(bucket)
            raise

    async def _send_errors(self, id: str, errors: Sequence[GraphQLError]) -> None:
        self._operations.release(id)
        await self.send_json({"type": "error", "id": id, "payload": format_errors(errors)})

    def _log(self, started_at: float, outcome: Close) -> None:
        facts = {"code": outcome.code, "ms": round((time.perf_counter() - started_at) * 1000, 1)}
        subject = self.viewer.subject if self.viewer else None
        log.info("websocket", extra={**facts, "subject": subject})
