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
class ListSnapshot:
    """The newest calls that a filter admits, newest first."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class EntryAdded:
    call: Call


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class EntryChanged:
    call: Call


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class EntryRemoved:
    call_id: UUID


ListChange = EntryAdded | EntryChanged | EntryRemoved
ListUpdate = ListSnapshot | ListChange
CallsById = Mapping[CallId, Call]


def list_changes(before: CallsById, after: CallsById) -> tuple[ListChange, ...]:
    """What to say to somebody who was told `told`."""
    gone = tuple(EntryRemoved(id) for id in before if id not in after)
    fresh = tuple(EntryAdded(after[id]) for id in reversed(list(after)) if id not in before)
    changed = tuple(
        EntryChanged(call) for id, call in after.items() if id in before and before[id] != call
    )
    return gone + fresh + changed


class CallLists(Protocol):
    def watch(self, tenant: TenantId, filter: CallFilter) -> AsyncGenerator[ListUpdate]:
        """The newest calls that the filter admits as they are now, then what changes about them.
        Whoever is slow is told the sum of what changed meanwhile."""
        ...
