"""The recording of a call, and the link to its file."""

from __future__ import annotations

from datetime import datetime

from domain.audit.model import AuditKind, AuditNote
from domain.calls.model import Call
from domain.calls.recordings import Recording
from domain.common.access import Scope
from resolvers.context import Ctx
from resolvers.loaders import loaders


async def recording(info: Ctx, call: Call) -> Recording | None:
    viewer = info.context.require(Scope.CALLS_READ)
    loader = loaders().by_id(info.context.services, viewer.tenant_id, "recordings")
    loaded: Recording | None = await loader.load(call.id)
    return loaded


async def link(info: Ctx, recording: Recording) -> tuple[str, datetime] | None:
    viewer = info.context.require(Scope.CALLS_READ)
    loader = loaders().recording_links(info.context.services, viewer.tenant_id)
    loaded: tuple[str, datetime] | None = await loader.load(recording)
    if loaded is not None:
        note = AuditNote(
            kind=AuditKind.ACCESSED, target_kind="recording", target=str(recording.call_id)
        )
        info.context.services.audit_notes.put(viewer.tenant_id, note)
    return loaded
