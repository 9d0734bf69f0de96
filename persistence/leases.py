"""Until when this process may act for its calls without asking the database.

A heartbeat renews the lease of a worker: nobody takes its calls for `LEASE_SECONDS` from then on.
Here that is counted from before the heartbeat was sent, on a clock that goes on while the process is
frozen. So who wakes up after too long knows at once that others may hold its calls."""

from __future__ import annotations

import time
from uuid import UUID

FRESH_FRACTION = 0.5
"""Of a lease that is acted upon: what is begun then takes a while to be done."""


class WorkerLeases:
    """The leases of the workers that this process is, or was, known as."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._renewed_at: dict[UUID, float] = {}

    def mark_renewed(self, worker: UUID, requested_at: float) -> None:
        """`asked_at`: when that was asked for, by `time.monotonic`."""
        self._renewed_at[worker] = max(requested_at, self._renewed_at.get(worker, requested_at))

    def mark_lost(self, worker: UUID) -> None:
        self._renewed_at.pop(worker, None)

    def is_fresh(self, worker: UUID | None) -> bool:
        """It lasts longer than what is begun now."""
        return self._age(worker) < self._seconds * FRESH_FRACTION

    def is_valid(self, worker: UUID | None) -> bool:
        return self._age(worker) < self._seconds

    def _age(self, worker: UUID | None) -> float:
        renewed = None if worker is None else self._renewed_at.get(worker)
        return float("inf") if renewed is None else time.monotonic() - renewed
