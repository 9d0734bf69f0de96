"""Distinguishes dead workers from workers whose heartbeats could not be stored.

A database that hangs stops the heartbeats of every worker, dead or alive. So a worker counts as
dead not after a time, but after a number of database responses between which a live worker would
have sent a heartbeat. An outage counts as a single response, however long it lasts, and a slow
database only delays the detection."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

PROBES_PER_LEASE = 6
"""Probes of the database per lease: the keeper waits that fraction of a lease after a response."""


@dataclass(frozen=True, slots=True)
class LivenessCutoffs:
    """Both times are by the database's clock."""

    silent_since: datetime
    """Workers without a heartbeat since then are dead."""
    overdue_at: datetime
    """Calls whose deadline was before then are overdue."""


class FailureDetector:
    def __init__(self, lease_seconds: float) -> None:
        self._max_window = timedelta(seconds=2 * lease_seconds)
        # The extra probes leave a whole lease after the response that ends an outage.
        self._probe_times: deque[datetime] = deque(maxlen=PROBES_PER_LEASE + 2)

    def observe(self, at: datetime) -> LivenessCutoffs | None:
        """Record a response at database time `at`. None until enough responses were observed."""
        if self._probe_times and at < self._probe_times[-1]:
            self._probe_times.clear()  # the clock was set back, or another server responded
        self._probe_times.append(at)
        if len(self._probe_times) < PROBES_PER_LEASE + 2:
            return None
        oldest = self._probe_times[0]
        # Pending calls could not be claimed during an outage either, so it extends their deadlines.
        return LivenessCutoffs(oldest, at if at - oldest < self._max_window else oldest)
