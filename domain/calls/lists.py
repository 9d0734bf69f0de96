"""Lists of calls that are alive: a snapshot first, then what changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.calls.model import Call, CallFilter, CallId
from domain.common.access import TenantId

# All watchers of a list are told the same objects. They are compared by identity, so that what
# is made of an update can be kept for as long as the update lives.


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Snapshot:
    """The newest calls that a filter admits, newest first."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Added:
    call: Call


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Changed:
    call: Call


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Removed:
    call_id: UUID


Change = Added | Changed | Removed
ListUpdate = Snapshot | Change
Listed = Mapping[CallId, Call]


def difference(told: Listed, now: Listed) -> tuple[Change, ...]:
    """What to say to somebody who was told `told`."""
    gone = tuple(Removed(id) for id in told if id not in now)
    fresh = tuple(Added(now[id]) for id in reversed(list(now)) if id not in told)
    changed = tuple(Changed(call) for id, call in now.items() if id in told and told[id] != call)
    return gone + fresh + changed


class CallLists(Protocol):
    def watch(self, tenant: TenantId, filter: CallFilter) -> AsyncGenerator[ListUpdate]:
        """The newest calls that the filter admits as they are now, then what changes about them.
        Whoever is slow is told the sum of what changed meanwhile."""
        ...
