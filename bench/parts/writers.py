"""Calls that exist only to be written to, and a process that writes to them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from uuid import UUID

import uvloop

from domain.access import TenantId
from domain.calls import Call, CallId, CallKind, CallState, Direction
from domain.events import AgentTurn
from domain.holding import Claim
from domain.settings import Settings
from domain.workflows import Snapshot, Version, VersionId, WorkflowId, WorkflowSpec
from persistence.worker_wiring import worker_services

NOTHING = UUID(int=0)
NOW = datetime.now(UTC)


def claim_of(tenant: TenantId, id: UUID) -> Claim:
    call = Call(
        id=CallId(id),
        tenant_id=tenant,
        kind=CallKind.TEXT,
        direction=Direction.INBOUND,
        state=CallState.ACTIVE,
        workflow_id=WorkflowId(NOTHING),
        version_id=VersionId(NOTHING),
        max_seconds=3600,
        created_at=NOW,
    )
    version = Version(
        id=VersionId(NOTHING),
        tenant_id=tenant,
        workflow_id=WorkflowId(NOTHING),
        number=1,
        checksum="",
        note=None,
        published_at=NOW,
        published_by="",
        snapshot=Snapshot(workflow=WorkflowSpec(name="bench"), agents={}, tools={}),
    )
    return Claim(call=call, version=version, epoch=1, replaced=False)


TEXT = "I would like to move my appointment from Tuesday afternoon to Friday morning, please."


async def write(tenant: TenantId, ids: list[UUID], per_second: float, seconds: float) -> None:
    """Events for every call, `per_second` each, evenly spread."""
    async with worker_services(Settings.from_env(os.environ)) as services:
        until = time.monotonic() + seconds

        async def one(place: int, id: UUID) -> None:
            claim, n = claim_of(tenant, id), 0
            services.recorder.open(claim)
            await asyncio.sleep(place / len(ids) / per_second)
            while time.monotonic() < until:
                n += 1
                event = AgentTurn(turn_id=f"1.{n}", node="a", agent="a", text=TEXT, heard_text=TEXT)
                services.recorder.emit(claim, event)
                await asyncio.sleep(1 / per_second)
            await services.recorder.settled(claim)
            print(n, flush=True)

        await asyncio.gather(*(one(place, id) for place, id in enumerate(ids)))


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
