"""The events of a call, and the changes of a list of calls."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any

import strawberry

from domain.calls.events import DURABLE, PartialTranscript, StoredEvent
from domain.calls.model import Call
from domain.common.lists import EntryAdded, EntryChanged
from graph.schema.event_types import event_type
from graph.schema.scalars import Cursor
from graph.schema.types.calls import CallType
from graph.schema.types.common import Edge, PageInfo
from graph.schema.types.live_lists import (
    is_entry,
    is_removal,
    is_snapshot,
    item_field,
    items_field,
    removed_id_field,
)
from resolvers import calls as resolvers
from resolvers.context import Ctx


@strawberry.interface(description="A durable event of a call: stored and numbered.")
class CallEvent:
    cursor: Cursor = strawberry.field(
        description="Position of the event in the log; pass it as `after` to continue behind it."
    )
    seq: int = strawberry.field(
        description="Number of the event in the call's log: 1, 2, 3 and so on, without gaps."
    )
    at: datetime = strawberry.field(description="When the event was recorded (UTC).")

    @strawberry.field(description="The call in its current state.", graphql_type=CallType)
    async def call(self, event: strawberry.Parent[StoredEvent], info: Ctx) -> Call | None:
        return await resolvers.load_call(info, event.call_id)


EVENTS = [event_type(kind, (CallEvent,)) for kind in DURABLE]
EPHEMERAL = [event_type(PartialTranscript)]

CallUpdate: Any = Annotated[
    reduce(or_, [*EVENTS, *EPHEMERAL]),
    strawberry.union(
        "CallUpdate",
        description=(
            "A durable event of the call's log, or an ephemeral one, which has no number."
        ),
    ),
]


@strawberry.type(description="One page of a call's event log.")
class CallEventConnection:
    edges: list[Edge[CallEvent]] = strawberry.field(
        description="The events of the page, oldest first."
    )
    page_info: PageInfo = strawberry.field(description="Position of this page in the log.")


@strawberry.type(description="The newest calls that match the filter, at most 100.")
class CallListSnapshot:
    is_type_of = is_snapshot(Call)
    calls: list[CallType] = items_field(CallType, "The matching calls, newest first.")


@strawberry.type(description="A call was added to the list.")
class CallAdded:
    is_type_of = is_entry(EntryAdded, Call)
    call: CallType = item_field(CallType, "The added call.")


@strawberry.type(description="A call in the list changed.")
class CallChanged:
    is_type_of = is_entry(EntryChanged, Call)
    call: CallType = item_field(CallType, "The call in its current state.")


@strawberry.type(description="A call no longer belongs to the list.")
class CallRemoved:
    is_type_of = is_removal(Call)
    call_id: strawberry.ID = removed_id_field("Id of the removed call.")


CallListUpdate = Annotated[
    CallListSnapshot | CallAdded | CallChanged | CallRemoved,
    strawberry.union(
        "CallListUpdate",
        description="One update of a list of calls: first a snapshot, then the changes.",
    ),
]
