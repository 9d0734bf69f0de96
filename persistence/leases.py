"""How long this process may act for its calls without asking the database.

A heartbeat renews the lease of a worker: for `LEASE_SECONDS` no other worker takes its calls. The
lease is measured from before the heartbeat was sent, on a clock that keeps running while the
process is frozen. A process that wakes up too late knows at once that others may hold its calls."""

from __future__ import annotations

import time
from uuid import UUID

FRESH_FRACTION = 0.5
"""The fraction of a lease in which work may start; the rest leaves time to finish that work."""


class WorkerLeases:
    """The leases of the worker ids that this process has, or had."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._renewed_at: dict[UUID, float] = {}

    def mark_renewed(self, worker: UUID, requested_at: float) -> None:
        """`requested_at` is when the renewal was requested, by `time.monotonic`."""
        self._renewed_at[worker] = max(requested_at, self._renewed_at.get(worker, requested_at))

    def mark_lost(self, worker: UUID) -> None:
        self._renewed_at.pop(worker, None)

    def is_fresh(self, worker: UUID | None) -> bool:
        """True if the lease outlasts work that starts now."""
        return self._age(worker) < self._seconds * FRESH_FRACTION

    def is_valid(self, worker: UUID | None) -> bool:
        return self._age(worker) < self._seconds

    def _age(self, worker: UUID | None) -> float:
        renewed = None if worker is None else self._renewed_at.get(worker)
        return float("inf") if renewed is None else time.monotonic() - renewed
