"""Transfers of calls: in tools, in nodes, and at the request of an operator."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.calls import model as calls
from domain.tools import transfers as domain
from domain.tools.transfers import TransferMode
from graph.schema.scalars import Duration
from graph.schema.types.calls import CallType
from graph.schema.types.errors import (
    CallHasEnded,
    DialRefused,
    IdempotencyConflict,
    NotFoundError,
    ValidationError,
)
from graph.schema.types.inputs import InputReader


@strawberry.input(description="The call to transfer, and where to.")
class CallTransferInput:
    call_id: strawberry.ID = strawberry.field(description="Id of the voice call to transfer.")
    number: str = strawberry.field(
        description="Phone number in E.164, which an outbound trunk must allow."
    )
    mode: TransferMode = strawberry.field(
        default=TransferMode.WARM, description="How the caller is transferred."
    )
    trunk: str | None = strawberry.field(
        default=None,
        description=(
            "Name of the outbound trunk; omit for that of the call, or for the only one that is "
            "enabled."
        ),
    )
    extension: str | None = strawberry.field(
        default=None,
        description="Keys to press once a warm transfer was answered: 0 to 9, *, # and w for a pause.",
    )
    brief: str | None = strawberry.field(
        default=None,
        description=(
            "What the colleague hears before they decide about a warm transfer; omit for a summary of "
            "the call."
        ),
    )
    ringing_timeout: Duration | None = strawberry.field(
        default=None,
        description="How long the phone may ring, `PT5S` to `PT1M15S`; omit for 30 seconds.",
    )
    announcement: str | None = strawberry.field(
        default=None, description="What the agent says to the caller before the transfer."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=(
            "Key that makes the request repeatable: the same key is the same transfer, so it is safe "
            "to send again."
        ),
    )

    def target(self, reader: InputReader) -> domain.TransferTarget:
        return domain.TransferTarget(
            number=self.number,
            mode=self.mode,
            trunk=self.trunk,
            extension=self.extension,
            brief=self.brief,
            ringing_seconds=reader.ringing_seconds(self),
            announcement=self.announcement,
        )


@strawberry.type(
    description=(
        "The transfer was requested. `CommandApplied` or `CommandRefused` with this id follows in the log "
        "of the call, and `TransferStarted` has it as `transferId`."
    )
)
class TransferCallSuccess:
    call: calls.Call = strawberry.field(
        graphql_type=CallType, description="The call in its current state."
    )
    transfer_id: strawberry.ID = strawberry.field(description="Id of the transfer and its command.")


TransferCallResult = Annotated[
    TransferCallSuccess
    | ValidationError
    | DialRefused
    | NotFoundError
    | CallHasEnded
    | IdempotencyConflict,
    strawberry.union(
        "TransferCallResult",
        description="Result of `transferCall`: the success type or one of the errors.",
    ),
]
