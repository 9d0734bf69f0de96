"""The sockets that are open, looked at once a second: who stalls, whose credential has ended."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTimeouts:
    """With clients, in seconds."""

    init: float = 5.0
    """Until they have said who they are."""
    stall: float = 5.0
    """While they take nothing of what is sent."""
    recheck: float = 5.0
    """Until their credential is looked at again."""


class ManagedConnection(Protocol):
    """A connection, as far as it is watched."""

    credential: str
    viewer: Viewer | None
    pending_sends: int
    """How many messages wait to be taken."""
    last_progress_at: float
    """When one was taken last, or began to wait."""

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
        loop, looked = asyncio.get_running_loop(), 0.0
        while True:
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            self._evict_expired_and_stalled(loop.time())
            if loop.time() - looked >= self.timeouts.recheck:
                looked = loop.time()
                await self._recheck_credentials()

    def _evict_expired_and_stalled(self, now: float) -> None:
        today = datetime.now(UTC)
        for connection in list(self._connections):
            viewer = connection.viewer
            if viewer is not None and viewer.expires_at is not None and viewer.expires_at <= today:
                connection.evict(*EXPIRED)
            elif (
                connection.pending_sends and connection.last_progress_at < now - self.timeouts.stall
            ):
                connection.evict(*STALLED)

    async def _recheck_credentials(self) -> None:
        """Keys are revoked, sessions end, roles change. One question per credential, however many
        connections hold it."""
        for credential, connections in self._by_credential().items():
            try:
                viewer = await self._accounts.authenticate_credential(credential)
            except CredentialExpired:
                _evict(connections, EXPIRED)
            except Unauthenticated:
                _evict(connections, REVOKED)
            except Unavailable:
                return  # the database is away; nobody is thrown out for that
            except Exception as error:  # noqa: BLE001 - the watch goes on for all the others
                log.error("credential not checked", extra={"error": type(error).__qualname__})
            else:
                for connection in connections:
                    connection.viewer = viewer

    def _by_credential(self) -> dict[str, list[ManagedConnection]]:
        found: dict[str, list[ManagedConnection]] = {}
        for connection in self._connections:
            if connection.viewer is not None:
                found.setdefault(connection.credential, []).append(connection)
        return found


def _evict(connections: Iterable[ManagedConnection], close: tuple[int, str]) -> None:
    for connection in connections:
        connection.evict(*close)
