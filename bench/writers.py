"""Claims on calls that exist only to be written to."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from domain.access import TenantId
from domain.calls import Call, CallId, CallKind, CallState, Direction
from domain.ports import Claim
from domain.workflows import Snapshot, Version, VersionId, WorkflowId, WorkflowSpec

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
