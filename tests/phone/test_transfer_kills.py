"""Worker processes that are killed in the middle of a warm transfer: no colleague is called twice, and the
caller is with the agent or with the colleague, never alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    TransferAdvanced,
    TransferFailed,
    WorkerReplaced,
)
from domain.calls.model import EndReason
from domain.calls.transfers import TransferFailure
from local.emulators.speech import run_speech_emulator
from local.phone.answer import ANSWERS
from local.phone.phone import open_phone
from local.phone.tones import sine
from persistence.wiring import api_services
from tests.conftest import new_tenant
from tests.phone.conftest import SipContract
from tests.phone.test_transfers import (
    ACCEPTED,
    CALLER_TONE,
    COLLEAGUE_TONE,
    DESK,
    DESK_SHOWN,
    GREETS_AT_ONCE,
    HOST,
    RINGS_SHORTLY,
    SORRY,
    VOICE_TONE,
    OneTone,
    Rig,
    heard_ms,
    phases,
    reasons,
    until_both_hear_each_other,
)
from tests.support.demo_workflow import BOOKING, publish_clinic
from tests.support.installation import running_installation
from tests.support.outbound_calls import CALLEE_NUMBER, add_trunk, invites
from tests.support.viewers import owner_of
from tests.support.voice_clients import with_speech, with_voice_providers
from tests.support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]


async def test_a_killed_worker_leaves_no_caller_alone_and_calls_no_colleague_twice(
    tmp_path: Path, sip: SipContract
) -> None:
    async with (
        run_speech_emulator() as speech,
        open_phone(CALLEE_NUMBER, ANSWERS) as phone,
        open_phone(DESK, RINGS_SHORTLY) as desk,
        running_installation(
            tmp_path,
            workers=1,
            **sip.livekit.environment,
            DEEPGRAM_API_KEY="emulator",
            DEEPGRAM_BASE_URL=speech.url,
            CARTESIA_API_KEY="emulator",
            CARTESIA_BASE_URL=speech.url,
        ) as whole,
        api_services(with_voice_providers(whole.settings, sip.livekit, speech)) as services,
    ):
        speech.voice = OneTone()
        viewer = owner_of(await new_tenant(whole.settings, "acme"))
        trunk = await add_trunk(services, viewer, phone.host_and_port)
        await add_trunk(services, viewer, desk.host_and_port, DESK_SHOWN, name="desk")
        agents = with_speech(HOST, BOOKING)
        await publish_clinic(services, viewer, agents, workflow=GREETS_AT_ONCE)
        rig = Rig(services, viewer, whole.settings, phone, desk, speech, trunk)
        call, caller = await rig.connected()

        await rig.transfer(call)
        colleague = await desk.next_call()
        await rig.watch(call, TransferAdvanced, 3)
        await whole.processes["worker 0"].kill_children()
        await colleague.until_ended()
        log = await rig.watch(call, TransferFailed)
        assert isinstance(log[-1], TransferFailed)
        assert log[-1].failure is TransferFailure.INTERRUPTED
        before = caller.media.heard.position
        await until(lambda: heard_ms(caller.media, VOICE_TONE, before) > 200)
        await rig.watch(call, AgentTurn, 2)
        assert invites(desk) == 1

        await whole.wait_for_workers(1)
        await rig.transfer(call)
        colleague = await desk.next_call()
        await rig.watch(call, TransferAdvanced, 3 + 3)
        colleague.media.send_digits("1")
        await rig.watch(call, TransferAdvanced, 3 + len(ACCEPTED))
        caller.media.play(sine(CALLER_TONE, 1), repeat=True)
        colleague.media.play(sine(COLLEAGUE_TONE, 1), repeat=True)
        await until_both_hear_each_other(caller, colleague)
        begun = caller.media.heard.position, colleague.media.heard.position
        await whole.processes["worker 0"].kill_children()
        await rig.watch(call, WorkerReplaced, 2)
        await until_both_hear_each_other(caller, colleague)
        assert heard_ms(caller.media, VOICE_TONE, begun[0]) == 0
        assert heard_ms(colleague.media, VOICE_TONE, begun[1]) == 0
        await caller.hang_up()
        await colleague.until_ended()
        log = await rig.watch(call, CallEnded)
    assert reasons(log) == [EndReason.TRANSFERRED]
    assert phases(log)[3:] == ACCEPTED
    assert SORRY in [event.text for event in log if isinstance(event, AgentTurn)]
    assert invites(desk) == 2
