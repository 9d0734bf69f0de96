"""Telling workers that are dead from workers that could not be heard.

A database that hangs silences every worker, and none of them is at fault. So what counts is not how
much time has passed, but how often the database has answered meanwhile: a worker is dead when it let
pass so many answers that a living one would have been heard between them. One long silence of the
database is one answer, however long it was, and a slow database only takes longer to tell the dead."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

PROBES_PER_LEASE = 6
"""The keeper asks so often: each time at least this part of a lease after the last answer."""


@dataclass(frozen=True, slots=True)
class LivenessCutoffs:
    """Both by the clock of the database."""

    silent_since: datetime
    """Workers that were not heard since then are dead."""
    overdue_at: datetime
    """Calls whose time had passed by then have been given enough."""


class FailureDetector:
    def __init__(self, lease_seconds: float) -> None:
        self._max_window = timedelta(seconds=2 * lease_seconds)
        # After the answer that ends a silence there is room for a whole lease.
        self._probe_times: deque[datetime] = deque(maxlen=PROBES_PER_LEASE + 2)

    def observe(self, at: datetime) -> LivenessCutoffs | None:
        """The database says that it is `at`. None: we have not watched for long enough."""
        if self._probe_times and at < self._probe_times[-1]:
            self._probe_times.clear()  # the clock was set back, or is another server's
        self._probe_times.append(at)
        if len(self._probe_times) < PROBES_PER_LEASE + 2:
            return None
        oldest = self._probe_times[0]
        # Who waits was not served during a silence either, and is given the time of it.
        return LivenessCutoffs(oldest, at if at - oldest < self._max_window else oldest)
