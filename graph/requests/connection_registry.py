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

LOOK_SECONDS = 0.5

EXPIRED = (4403, "Token expired")
REVOKED = (4401, "Unauthorized")
STALLED = (1013, "Too slow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """With clients, in seconds."""

    init: float = 5.0
    """Until they have said who they are."""
    stall: float = 5.0
    """While they take nothing of what is sent."""
    recheck: float = 5.0
    """Until their credential is looked at again."""


class Watched(Protocol):
    """A connection, as far as it is watched."""

    credential: str
    viewer: Viewer | None
    sending: int
    """How many messages wait to be taken."""
    moved_at: float
    """When one was taken last, or began to wait."""

    def evict(self, code: int, reason: str) -> None: ...


class Connections:
    def __init__(self, accounts: Accounts, patience: Patience) -> None:
        self.patience = patience
        self._accounts = accounts
        self._open: set[Watched] = set()

    @contextmanager
    def watching(self, connection: Watched) -> Iterator[None]:
        self._open.add(connection)
        try:
            yield
        finally:
            self._open.discard(connection)

    async def watch_for_ever(self) -> None:
        loop, looked = asyncio.get_running_loop(), 0.0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._look(loop.time())
            if loop.time() - looked >= self.patience.recheck:
                looked = loop.time()
                await self._recheck()

    def _look(self, now: float) -> None:
        today = datetime.now(UTC)
        for connection in list(self._open):
            viewer = connection.viewer
            if viewer is not None and viewer.expires_at is not None and viewer.expires_at <= today:
                connection.evict(*EXPIRED)
            elif connection.sending and connection.moved_at < now - self.patience.stall:
                connection.evict(*STALLED)

    async def _recheck(self) -> None:
        """Keys are revoked, sessions end, roles change. One question per credential, however many
        connections hold it."""
        for credential, connections in self._by_credential().items():
            try:
                viewer = await self._accounts.viewer_of(credential)
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

    def _by_credential(self) -> dict[str, list[Watched]]:
        found: dict[str, list[Watched]] = {}
        for connection in self._open:
            if connection.viewer is not None:
                found.setdefault(connection.credential, []).append(connection)
        return found


def _evict(connections: Iterable[Watched], why: tuple[int, str]) -> None:
    for connection in connections:
        connection.evict(*why)
