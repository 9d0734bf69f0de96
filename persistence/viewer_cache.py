"""The viewers of credentials that were looked up a moment ago."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple

from domain.common.access import AccessChanges, Viewer
from persistence.access_changes import AccessChangeReader

TTL_SECONDS = 30.0
MAX_ENTRIES = 20_000


class Entry(NamedTuple):
    looked_up_at: float
    viewer: Viewer


class ViewerCache:
    """Forgets what changes concern. While changes cannot be read, an entry is good for a second."""

    def __init__(self, changes: AccessChangeReader) -> None:
        self._changes = changes
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def get(self, credential: str) -> Viewer | None:
        entry = self._entries.get(credential)
        if entry is None or entry.looked_up_at < time.monotonic() - TTL_SECONDS:
            return None
        return entry.viewer if self._changes.is_current(entry.looked_up_at) else None

    def put(self, credential: str, viewer: Viewer, looked_up_at: float) -> None:
        """`looked_up_at` is when the lookup began, because a change may be committed during it."""
        self._entries[credential] = Entry(looked_up_at, viewer)
        self._entries.move_to_end(credential)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def forget(self, changes: AccessChanges) -> None:
        for credential in [c for c, e in self._entries.items() if changes.concern(e.viewer)]:
            del self._entries[credential]
