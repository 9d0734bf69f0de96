"""Until when this process may act for its calls without asking the database.

A heartbeat renews the lease of a worker: nobody takes its calls for `LEASE_SECONDS` from then on.
Here that is counted from before the heartbeat was sent, on a clock that goes on while the process is
frozen. So who wakes up after too long knows at once that others may hold its calls."""

from __future__ import annotations

import time
from uuid import UUID

SHARE = 0.5
"""Of a lease that is acted upon: what is begun then takes a while to be done."""


class Leases:
    """The leases of the workers that this process is, or was, known as."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._renewed: dict[UUID, float] = {}

    def renewed(self, worker: UUID, asked_at: float) -> None:
        """`asked_at`: when that was asked for, by `time.monotonic`."""
        self._renewed[worker] = max(asked_at, self._renewed.get(worker, asked_at))

    def lost(self, worker: UUID) -> None:
        self._renewed.pop(worker, None)

    def is_fresh(self, worker: UUID | None) -> bool:
        """It lasts longer than what is begun now."""
        return self._age(worker) < self._seconds * SHARE

    def lasts(self, worker: UUID | None) -> bool:
        return self._age(worker) < self._seconds

    def _age(self, worker: UUID | None) -> float:
        renewed = None if worker is None else self._renewed.get(worker)
        return float("inf") if renewed is None else time.monotonic() - renewed
