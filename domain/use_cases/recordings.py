"""What people do with recordings: hear them, and delete them."""

from __future__ import annotations

from datetime import datetime

from domain.calls.model import Call, CallId
from domain.calls.recordings import LINK_LIFETIME, Recording, RecordingState
from domain.common.access import Scope, Viewer
from domain.common.errors import NotFound
from domain.ports import Services


async def recording_link(services: Services, recording: Recording) -> tuple[str, datetime] | None:
    """Where the recording can be heard, and until when; None: there is nothing to hear."""
    if recording.state is not RecordingState.READY or services.audio_store is None:
        return None
    until = services.clock() + LINK_LIFETIME
    url = await services.audio_store.link(recording.key, LINK_LIFETIME)
    if url is None:
        token = services.signed_links.sign(recording.tenant_id, recording.call_id, until)
        url = f"/recordings/{token}"
    return url, until


async def delete_recording(services: Services, viewer: Viewer, id: CallId) -> Call:
    """Of a call that goes on, the recording ends. Asking again, or of a call that was never
    recorded, gives the same answer."""
    viewer.require(Scope.CALLS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        call = await work.calls.get(id)
        if call is None:
            raise NotFound("There is no such call.", ("input", "callId"))
        await work.recordings.delete(id, viewer.subject)
        return call
