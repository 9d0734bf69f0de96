"""Claims of calls without a worker, and a process that writes events to their logs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from uuid import UUID

import uvloop

from domain.calls.events import AgentTurn
from domain.calls.lease import Claim
from domain.calls.model import Call, CallId, CallKind, CallState, Direction
from domain.common.access import TenantId
from domain.common.settings import Settings
from domain.workflows.model import Snapshot, Version, VersionId, WorkflowId, WorkflowSpec
from persistence.worker_wiring import worker_services

NIL_ID = UUID(int=0)
NOW = datetime.now(UTC)


def fake_claim(tenant: TenantId, id: UUID) -> Claim:
    call = Call(
        id=CallId(id),
        tenant_id=tenant,
        kind=CallKind.TEXT,
        direction=Direction.INBOUND,
        state=CallState.ACTIVE,
        workflow_id=WorkflowId(NIL_ID),
        version_id=VersionId(NIL_ID),
        max_seconds=3600,
        created_at=NOW,
    )
    version = Version(
        id=VersionId(NIL_ID),
        tenant_id=tenant,
        workflow_id=WorkflowId(NIL_ID),
        number=1,
        checksum="",
        note=None,
        published_at=NOW,
        published_by="",
        snapshot=Snapshot(workflow=WorkflowSpec(name="bench"), agents={}, tools={}),
    )
    return Claim(call=call, version=version, epoch=1, is_takeover=False)


TEXT = "I would like to move my appointment from Tuesday afternoon to Friday morning, please."


async def write(tenant: TenantId, ids: list[UUID], per_second: float, seconds: float) -> None:
    """Write `per_second` events per second to every call, evenly distributed over time."""
    async with worker_services(Settings.from_env(os.environ)) as services:
        deadline = time.monotonic() + seconds

        async def write_call(index: int, id: UUID) -> None:
            claim, n = fake_claim(tenant, id), 0
            services.event_writer.open(claim)
            await asyncio.sleep(index / len(ids) / per_second)
            while time.monotonic() < deadline:
                n += 1
                event = AgentTurn(turn_id=f"1.{n}", node="a", agent="a", text=TEXT, heard_text=TEXT)
                services.event_writer.emit(claim, event)
                await asyncio.sleep(1 / per_second)
            await services.event_writer.wait_until_stored(claim)
            print(n, flush=True)

        await asyncio.gather(*(write_call(index, id) for index, id in enumerate(ids)))


if __name__ == "__main__":
    tenant_id, rate, length, call_ids = sys.argv[1:]
    uvloop.run(
        write(
            TenantId(UUID(tenant_id)),
            [UUID(id) for id in call_ids.split(",")],
            float(rate),
            float(length),
        )
    )
