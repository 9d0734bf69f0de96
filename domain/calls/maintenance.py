"""The ports through which a keeper maintains the calls of all tenants. The adapters live in
persistence/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.calls.model import CallId, EndReason


class Reaper(Protocol):
    """Reaps dead workers and ends overdue calls. Every limit is a time of the database's clock."""

    async def database_time(self) -> datetime: ...

    async def reap_dead_workers(self, silent_since: datetime) -> int:
        """Deregister workers without a heartbeat since `silent_since` and release their calls;
        return how many calls. A worker whose heartbeat is newer keeps its calls, however late this
        runs."""
        ...

    async def end_overdue(
        self, claim_seconds: float, as_of: datetime
    ) -> list[tuple[UUID, EndReason]]:
        """End the calls that were overdue at `as_of` and still are. A call that no worker has
        claimed within `claim_seconds` is overdue."""
        ...

    async def release_transfers(self) -> int:
        """Release the transfers of calls that have ended, so that nothing counts them as in progress;
        return how many."""
        ...

    async def rooms_of_ended_calls(self, rooms: Sequence[str]) -> Mapping[str, CallId]:
        """Return those of the rooms whose calls have ended, with the calls."""
        ...


class Retention(Protocol):
    async def delete_expired(self, retention_days: int) -> int:
        """Delete calls that ended more than `retention_days` ago (0: none), and expired idempotency
        keys and refresh tokens; return how many calls."""
        ...
