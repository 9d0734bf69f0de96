"""Worker processes and their load."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from domain.common.lists import Count
from graph.schema.types.lists import ItemCount


@strawberry.type(description="A worker process, which holds calls of all tenants.")
class Worker:
    @strawberry.field(description="Id of the process; a restarted process has another one.")
    def id(self) -> strawberry.ID:
        worker: Any = self
        return strawberry.ID(str(worker.id))

    host: str | None = strawberry.field(
        description=(
            "Host name of the machine; null for a process of an earlier release, and unless you are an "
            "operator of the installation."
        )
    )
    capacity: int = strawberry.field(description="Number of calls that the process holds at once.")
    voice_capacity: int | None = strawberry.field(
        description=("Number of voice calls among them; null for a process of an earlier release.")
    )
    calls: int | None = strawberry.field(
        description=(
            "Number of calls of all tenants that the process holds now; null unless you are an operator of "
            "the installation."
        )
    )
    voice_calls: int | None = strawberry.field(
        description=(
            "Number of voice and telephone calls of all tenants that the process holds now; null unless "
            "you are an operator of the installation."
        )
    )
    own_calls: int = strawberry.field(
        description="Number of calls of your tenant that the process holds now."
    )
    started_at: datetime = strawberry.field(description="When the process was registered (UTC).")
    heartbeat_at: datetime = strawberry.field(
        description=(
            "When the process last reported that it is alive (UTC). After the lease time without a "
            "report, other workers take its calls over."
        )
    )


@strawberry.type(description="The worker processes of the installation and what waits for them.")
class WorkerPool:
    workers: list[Worker] = strawberry.field(
        description="The worker processes, oldest first, at most 1,000."
    )
    waiting: Count = strawberry.field(
        graphql_type=ItemCount,
        description=(
            "Number of calls of your tenant that wait for a worker; above 1,000 it is a lower bound."
        ),
    )
    waiting_since: datetime | None = strawberry.field(
        description="When the call that waits longest could first be claimed (UTC); null if none waits."
    )
