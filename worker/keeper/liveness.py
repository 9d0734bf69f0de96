"""Telling workers that are dead from workers that could not be heard.

A database that hangs silences every worker, and none of them is at fault. So what counts is not how
much time has passed, but how often the database has answered meanwhile: a worker is dead when it let
pass so many answers that a living one would have been heard between them. One long silence of the
database is one answer, however long it was, and a slow database only takes longer to tell the dead."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

ANSWERS_PER_LEASE = 6
"""The keeper asks so often: each time at least this part of a lease after the last answer."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both by the clock of the database."""

    silent_since: datetime
    """Workers that were not heard since then are dead."""
    overdue_at: datetime
    """Calls whose time had passed by then have been given enough."""


class FailureDetector:
    def __init__(self, lease_seconds: float) -> None:
        self._steady = timedelta(seconds=2 * lease_seconds)
        # After the answer that ends a silence there is room for a whole lease.
        self._answers: deque[datetime] = deque(maxlen=ANSWERS_PER_LEASE + 2)

    def answered(self, at: datetime) -> Verdict | None:
        """The database says that it is `at`. None: we have not watched for long enough."""
        if self._answers and at < self._answers[-1]:
            self._answers.clear()  # the clock was set back, or is another server's
        self._answers.append(at)
        if len(self._answers) < ANSWERS_PER_LEASE + 2:
            return None
        oldest = self._answers[0]
        # Who waits was not served during a silence either, and is given the time of it.
        return Verdict(oldest, at if at - oldest < self._steady else oldest)
