"""Worker processes that are killed while they dial: no phone is called twice, and every call continues
or ends with a reason that says so. tests/worker/test_dialer.py has the many crash points between two steps."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from domain.calls.events import CallEnded, CallEvent, StateChanged
from domain.calls.model import CallId, CallState, EndReason
from domain.common.access import Viewer
from domain.ports import Services
from domain.use_cases.calls import end_call
from local.emulators.speech import run_speech_emulator
from local.phone.answer import ANSWERS
from local.phone.phone import open_phone
from persistence.wiring import api_services
from tests.conftest import new_tenant
from tests.phone.conftest import SipContract
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.support.installation import running_installation
from tests.support.outbound_calls import CALLEE_NUMBER, add_trunk, dialed, dials, invites
from tests.support.viewers import owner_of
from tests.support.voice_clients import with_speech, with_voice_providers
from tests.worker.test_text_calls import watch
from worker.common.retry import retry_while_unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

KILLED_AFTER = (0.1, 0.3, 0.6)
"""Seconds from the start of a call to the death of its worker: between the claim and the answer."""


async def test_no_phone_rings_twice_whenever_the_worker_is_killed(
    tmp_path: Path, sip: SipContract
) -> None:
    async with (
        run_speech_emulator() as heard,
        open_phone(CALLEE_NUMBER, ANSWERS) as phone,
        running_installation(
            tmp_path,
            workers=1,
            **sip.livekit.environment,
            DEEPGRAM_API_KEY="emulator",
            DEEPGRAM_BASE_URL=heard.url,
            CARTESIA_API_KEY="emulator",
            CARTESIA_BASE_URL=heard.url,
        ) as whole,
        api_services(with_voice_providers(whole.settings, sip.livekit, heard)) as services,
    ):
        viewer = owner_of(await new_tenant(whole.settings, "acme"))
        await publish_clinic(services, viewer, with_speech(RECEPTION, BOOKING))
        await add_trunk(services, viewer, phone.host_and_port)
        for seconds in KILLED_AFTER:
            before = invites(phone)
            call = await dialed(services, viewer)
            await asyncio.sleep(seconds)
            await whole.processes["worker 0"].kill_children()
            await whole.wait_for_workers(1)
            events = await over(services, viewer, call.id)
            assert invites(phone) - before <= 1
            assert dials(events) <= 1
            ended = events[-1]
            assert isinstance(ended, CallEnded)
            assert ended.reason in (EndReason.ENDED_BY_API, EndReason.DIAL_UNKNOWN)


async def over(services: Services, viewer: Viewer, id: CallId) -> list[CallEvent]:
    """End the call once it is answered; returns its log."""

    async def until_answered_or_over() -> None:
        async for update in services.streams.follow(viewer.tenant_id, id, None):
            match getattr(update, "event", None):
                case CallEnded():
                    return
                case StateChanged(state=CallState.ACTIVE):
                    return

    async with asyncio.timeout(120):
        await until_answered_or_over()
        await retry_while_unavailable(lambda: end_call(services, viewer, id))
    return await watch(services, viewer, id, CallEnded)
