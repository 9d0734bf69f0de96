"""The open WebSocket connections; a watchdog closes stalled ones and those with ended credentials."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from domain.common.access import Viewer
from domain.common.errors import CredentialExpired, Unauthenticated, Unavailable
from domain.ports import Accounts

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.5

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
    """The interval at which credentials are checked again."""


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
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            self._evict_expired_and_stalled(loop.time())
            if loop.time() - checked_at >= self.timeouts.recheck:
                checked_at = loop.time()
                await self._recheck_credentials()

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

    async def _recheck_credentials(self) -> None:
        """Look up each credential again, once for all of its connections: keys are revoked, sessions
        end and roles change."""
        for credential, connections in self._by_credential().items():
            try:
                viewer = await self._accounts.authenticate_credential(credential)
            except CredentialExpired:
                _evict(connections, EXPIRED)
            except Unauthenticated:
                _evict(connections, REVOKED)
            except Unavailable:
                return  # the database is unavailable, which is no reason to disconnect clients
            except Exception as error:  # noqa: BLE001 - the others are still checked
                log.error(
                    "failed to recheck a credential", extra={"error": type(error).__qualname__}
                )
            else:
                for connection in connections:
                    connection.viewer = viewer
                _evict([each for each in connections if not each.may_continue(viewer)], CHANGED)

    def _by_credential(self) -> dict[str, list[ManagedConnection]]:
        by_credential: dict[str, list[ManagedConnection]] = {}
        for connection in self._connections:
            if connection.viewer is not None:
                by_credential.setdefault(connection.credential, []).append(connection)
        return by_credential


def _evict(connections: Iterable[ManagedConnection], close: tuple[int, str]) -> None:
    for connection in connections:
        connection.evict(*close)
