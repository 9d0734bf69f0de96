"""Live lists of calls: a snapshot first, then the changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.calls.model import Call, CallFilter, CallId
from domain.common.access import TenantId

# All watchers of a list receive the same objects. They compare by identity, so that the rendering
# of an update can be cached for the lifetime of the update.


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ListSnapshot:
    """The newest calls that match the filter, newest first."""

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
    """The changes that turn the list `before` into the list `after`."""
    removed = tuple(EntryRemoved(id) for id in before if id not in after)
    added = tuple(EntryAdded(after[id]) for id in reversed(list(after)) if id not in before)
    changed = tuple(
        EntryChanged(call) for id, call in after.items() if id in before and before[id] != call
    )
    return removed + added + changed


class CallLists(Protocol):
    def watch(self, tenant: TenantId, filter: CallFilter) -> AsyncGenerator[ListUpdate]:
        """Yield a snapshot of the newest calls that match the filter, then the changes. A slow
        consumer receives the accumulated changes at once."""
        ...
