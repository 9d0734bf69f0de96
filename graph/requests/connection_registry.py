"""The open WebSocket connections; a watchdog closes stalled ones and those with ended credentials."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from domain.common.access import AccessChanges, Viewer
from domain.common.errors import CredentialExpired, Unauthenticated, Unavailable
from domain.ports import Accounts

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.5

MAX_CONCURRENT_LOOKUPS = 4

EXPIRED = (4403, "Token expired")
REVOKED = (4401, "Unauthorized")
STALLED = (1013, "Too slow")
CHANGED = (4403, "Permissions changed")
"""The credential is valid, but may no longer do what the connection does, or not from its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTimeouts:
    """Timeouts for clients, in seconds."""

    init: float = 5.0
    """How long a client may take to authenticate."""
    stall: float = 5.0
    """How long a client may read nothing of what is sent to it."""
    recheck: float = 5.0
    """The interval at which all credentials are checked again. Those that a change concerns are checked
    at once."""


class ManagedConnection(Protocol):
    """What the watchdog needs of a connection."""

    credential: str
    viewer: Viewer | None
    pending_sends: int
    """The number of messages that the client has not read yet."""
    last_progress_at: float
    """When the client last read a message, or when the first pending one was sent (loop time)."""

    def may_continue(self, viewer: Viewer) -> bool:
        """Whether this viewer, which is that of the connection looked up again, may do what the
        connection does."""
        ...

    def evict(self, code: int, reason: str) -> None: ...


class ConnectionRegistry:
    def __init__(self, accounts: Accounts, timeouts: ConnectionTimeouts) -> None:
        self.timeouts = timeouts
        self._accounts = accounts
        self._connections: set[ManagedConnection] = set()
        self._to_check: set[str] = set()
        """The credentials that a change concerns."""
        self._wake = asyncio.Event()

    def note_changes(self, changes: AccessChanges) -> None:
        """Check the credentials again that the changes concern."""
        self._to_check.update(
            connection.credential
            for connection in self._connections
            if connection.viewer is not None and changes.concern(connection.viewer)
        )
        if self._to_check:
            self._wake.set()

    @contextmanager
    def register(self, connection: ManagedConnection) -> Iterator[None]:
        self._connections.add(connection)
        try:
            yield
        finally:
            self._connections.discard(connection)

    async def run_watchdog(self) -> None:
        loop, checked_at = asyncio.get_running_loop(), 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_INTERVAL_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            self._evict_expired_and_stalled(loop.time())
            if loop.time() - checked_at >= self.timeouts.recheck:
                checked_at = loop.time()
                self._to_check.update(self._by_credential())
            if self._to_check:
                await self._check_credentials()

    def _evict_expired_and_stalled(self, now: float) -> None:
        utc_now = datetime.now(UTC)
        for connection in list(self._connections):
            viewer = connection.viewer
            if (
                viewer is not None
                and viewer.expires_at is not None
                and viewer.expires_at <= utc_now
            ):
                connection.evict(*EXPIRED)
            elif (
                connection.pending_sends and connection.last_progress_at < now - self.timeouts.stall
            ):
                connection.evict(*STALLED)

    async def _check_credentials(self) -> None:
        """Look up each credential again, once for all of its connections: keys are revoked, sessions
        end and roles change."""
        by_credential, credentials = self._by_credential(), self._to_check
        self._to_check = set()
        queue = iter(credentials & by_credential.keys())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAX_CONCURRENT_LOOKUPS):
                tasks.create_task(self._check_all(queue, by_credential))

    async def _check_all(
        self, queue: Iterator[str], by_credential: Mapping[str, Sequence[ManagedConnection]]
    ) -> None:
        for credential in queue:
            await self._check(credential, by_credential[credential])
            await asyncio.sleep(0)  # a result from the cache does not yield to the event loop

    async def _check(self, credential: str, connections: Sequence[ManagedConnection]) -> None:
        try:
            viewer = await self._accounts.authenticate_credential(credential)
        except CredentialExpired:
            _evict(connections, EXPIRED)
        except Unauthenticated:
            _evict(connections, REVOKED)
        except Unavailable:
            # An unavailable database is no reason to disconnect clients.
            self._to_check.add(credential)
        except Exception as error:  # noqa: BLE001 - the others are still checked
            log.error("failed to recheck a credential", extra={"error": type(error).__qualname__})
        else:
            for connection in connections:
                _change_viewer(connection, viewer)

    def _by_credential(self) -> dict[str, list[ManagedConnection]]:
        by_credential: dict[str, list[ManagedConnection]] = {}
        for connection in self._connections:
            if connection.viewer is not None:
                by_credential.setdefault(connection.credential, []).append(connection)
        return by_credential


def _change_viewer(connection: ManagedConnection, viewer: Viewer) -> None:
    """What runs on a connection may need a scope that was taken away. The client then connects again,
    and each of its operations is checked as a new one."""
    connection.viewer = viewer
    if not connection.may_continue(viewer):
        connection.evict(*CHANGED)


def _evict(connections: Iterable[ManagedConnection], close: tuple[int, str]) -> None:
    for connection in connections:
        connection.evict(*close)
