"""Playing and deleting recordings."""

from __future__ import annotations

from datetime import datetime

from domain.calls.model import Call, CallId
from domain.calls.recordings import LINK_LIFETIME, Recording, RecordingState
from domain.common.access import Scope, Viewer
from domain.common.errors import NotFound
from domain.ports import Services


async def recording_link(services: Services, recording: Recording) -> tuple[str, datetime] | None:
    """The URL of the audio and when it expires; None when there is no audio to play."""
    if recording.state is not RecordingState.READY or services.audio_store is None:
        return None
    expires_at = services.clock() + LINK_LIFETIME
    url = await services.audio_store.link(recording.key, LINK_LIFETIME)
    if url is None:
        token = services.signed_links.sign(recording.tenant_id, recording.call_id, expires_at)
        url = f"/recordings/{token}"
    return url, expires_at


async def delete_recording(services: Services, viewer: Viewer, id: CallId) -> Call:
    """Delete the recording of a call; if the call is in progress, recording stops. Idempotent, and
    a call that was never recorded is no error."""
    viewer.require(Scope.CALLS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        call = await work.calls.get(id)
        if call is None:
            raise NotFound("There is no such call.", ("callId",))
        await work.recordings.delete(id, viewer.subject)
        return call
